package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// pickAttempts is how often Start picks another free port when the one before
// was taken in between.
const pickAttempts = 5

// start checks the fields, takes possession of the directory and launches.
func (s *Server) start(ctx context.Context) (*run, error) {
	listen, err := s.validate()
	if err != nil {
		return nil, err
	}
	timeout := s.StartTimeout
	if timeout == 0 {
		timeout = DefaultStartTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout,
		fmt.Errorf("engine not ready after %s: %w", timeout, context.DeadlineExceeded))
	defer cancel()

	dir, err := filepath.Abs(s.Dir)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	run, err := s.launch(ctx, dir, listen)
	for attempt := 1; listen.picked && attempt < pickAttempts && errors.Is(err, syscall.EADDRINUSE); attempt++ {
		run, err = s.launch(ctx, dir, listen)
	}
	if err != nil {
		_ = lock.Close()
		return nil, err
	}
	run.lock = lock
	return run, nil
}

// validate names the field that is wrong, and makes paths absolute: the engine
// works in another directory than we do.
func (s *Server) validate() (endpoint, error) {
	if s.Dir == "" {
		return endpoint{}, errors.New("the field Dir is required")
	}
	if s.Engine.Server == "" || s.Engine.Module == "" {
		return endpoint{}, errors.New("the field Engine needs a Server and a Module")
	}
	if s.StartTimeout < 0 {
		return endpoint{}, errors.New("the field StartTimeout is negative")
	}
	listen, err := parseListen(s.Listen)
	if err != nil {
		return endpoint{}, err
	}
	paths := []*string{&s.Engine.Server, &s.Engine.Module}
	if s.TLS != nil {
		if listen.host == "" {
			return endpoint{}, errors.New("the field TLS needs a TCP address in Listen")
		}
		if s.TLS.CertFile == "" || s.TLS.KeyFile == "" {
			return endpoint{}, errors.New("the field TLS needs a CertFile and a KeyFile")
		}
		files := *s.TLS // the caller's stays as it is
		s.TLS = &files
		paths = append(paths, &files.CertFile, &files.KeyFile, &files.CAFile)
	}
	for _, path := range paths {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return endpoint{}, fmt.Errorf("path of an engine's or a certificate's file: %w", err)
		}
	}
	return listen, nil
}

// launch starts one engine in dir, which the caller owns, and waits until it
// is ready. After an error nothing of it is left.
func (s *Server) launch(ctx context.Context, dir string, listen endpoint) (*run, error) {
	listen, err := listen.pick(ctx)
	if err != nil {
		return nil, err
	}
	engineLock, orphan, err := claimEngine(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = engineLock.Close() }() // from its start on the engine holds it alone
	if orphan {
		s.logger().WarnContext(ctx, "stopped an engine that an earlier run had left behind", "dir", dir)
	}
	clearStale(dir)
	socket, tempDir, err := socketPath(dir)
	if err != nil {
		return nil, err
	}
	r := &run{
		dir: dir, socket: socket, tempDir: tempDir,
		addr: listen.address(socket), url: listen.location(socket, s.TLS != nil),
	}
	if r.proc, err = s.spawn(dir, s.arguments(dir, socket, listen), engineLock); err != nil {
		r.clear()
		return nil, err
	}
	if err := waitReady(ctx, r.proc, socket); err != nil {
		return nil, r.abandon(err)
	}
	return r, nil
}

// abandon ends an engine that did not get ready and returns why, with the
// engine's own last words.
func (r *run) abandon(reason error) error {
	_ = r.proc.stop(startGrace) // how it ends is of no interest any more
	r.clear()
	if errors.Is(reason, ErrExited) {
		return reason // has them already
	}
	return fmt.Errorf("%w: %s", reason, logTail(filepath.Join(r.dir, logName)))
}

// startGrace is how long an engine that did not get ready has to end.
const startGrace = time.Second

// spawn starts the engine's process with its log in a file of its own and the
// engine's lock as an inherited file.
func (s *Server) spawn(dir string, args []string, lock *os.File) (*process, error) {
	logPath := filepath.Join(dir, logName)
	const flags = os.O_CREATE | os.O_WRONLY | os.O_TRUNC | os.O_APPEND
	log, err := os.OpenFile(logPath, flags, 0o600)
	if err != nil {
		return nil, fmt.Errorf("engine log: %w", err)
	}
	defer func() { _ = log.Close() }() // the engine has its own copy
	// Not CommandContext: the engine outlives Start and its context.
	cmd := exec.Command(s.Engine.Server, args...) //nolint:gosec,noctx // the operator names the engine; Close ends it
	cmd.Dir = dir
	cmd.Env = engineEnv()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{lock}
	cmd.SysProcAttr = childAttributes()
	return startProcess(cmd, logPath)
}
