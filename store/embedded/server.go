package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// DefaultStartTimeout is how long Start waits for the engine when
// Server.StartTimeout is zero. Loading takes about a second for each 100 MB of
// data.
const DefaultStartTimeout = 30 * time.Second

// closeGrace is how long Close lets the engine end by itself: the service has
// five seconds to stop in all.
const closeGrace = 2 * time.Second

// Server is a private FalkorDB. Set the fields, call Start once, use it at
// Addr or URL, call Close. A Server is not started a second time: make a new
// one. Start must have returned before other methods are called; those are
// safe for use by several goroutines.
type Server struct {
	// Engine is what to run, usually what Find returned. Required.
	Engine Engine
	// Dir is the data directory. It is made with mode 0700; one that exists
	// must be empty or closed to other users. Required.
	Dir string
	// Listen says where to listen. Empty: only at a Unix socket. Else a
	// loopback host and a port: "127.0.0.1:0" picks a free port,
	// "localhost:6379" listens on 127.0.0.1 and, where the machine has it, ::1.
	Listen string
	// Ephemeral keeps nothing on disk: for an instance to be thrown away.
	Ephemeral bool
	// TLS, when not nil, makes Listen accept TLS connections and no others.
	TLS *TLS
	// Args are appended to the engine's command line; for tests.
	Args []string
	// StartTimeout limits Start. Zero means DefaultStartTimeout.
	StartTimeout time.Duration
	// Log gets a line when the engine has started, and when one of an earlier
	// run had to be stopped first. Nil means no log.
	Log *slog.Logger

	run *run // set by a Start that succeeded
}

// TLS names the PEM files that a TLS listener uses. Clients are not asked for
// certificates.
type TLS struct {
	// CertFile is the server's certificate chain and KeyFile its key. Required.
	CertFile, KeyFile string
	// CAFile is the bundle that the certificate's issuer is in. Optional.
	CAFile string
}

// run is what a started Server holds.
type run struct {
	proc    *process
	lock    *os.File // ownership of the directory
	dir     string
	socket  string
	tempDir string // the socket's directory when that is not dir
	addr    string
	url     string

	closeOnce sync.Once
	closeErr  error
}

// Start starts the engine and returns when it answers, its data loaded. An
// engine left over from an earlier owner of Dir is stopped first.
//
// It returns ErrDirInUse when another Server has Dir, ErrOpenDir when others
// may read it, an error that wraps syscall.EADDRINUSE when the port of Listen
// is taken, ErrExited when the engine does not start for another reason, with
// the last lines of its log, and the context's error when that ends before.
// After an error nothing is left running. The context has no meaning after
// Start has returned.
func (s *Server) Start(ctx context.Context) error {
	if s.run != nil {
		return errors.New("embedded: a Server is started once")
	}
	run, err := s.start(ctx)
	if err != nil {
		return fmt.Errorf("embedded: start FalkorDB in %s: %w", s.Dir, err)
	}
	s.run = run
	s.logger().InfoContext(ctx, "embedded FalkorDB started", "addr", run.addr, "dir", run.dir, "pid", run.proc.cmd.Process.Pid)
	return nil
}

// Addr returns where clients connect to: host:port, or the path of the Unix
// socket. It is empty before Start.
func (s *Server) Addr() string {
	if s.run == nil {
		return ""
	}
	return s.run.addr
}

// URL returns Addr as a URL: unix:///path, redis://host:port, or with TLS
// rediss://host:port. It is empty before Start.
func (s *Server) URL() string {
	if s.run == nil {
		return ""
	}
	return s.run.url
}

// Done returns a channel that is closed when the engine has ended, by itself
// or by Close; Err tells which. Before Start it is nil.
func (s *Server) Done() <-chan struct{} {
	if s.run == nil {
		return nil
	}
	return s.run.proc.done
}

// Err returns an error that wraps ErrExited, with the last lines of the
// engine's log, once the engine has ended by itself; nil while it runs and
// after Close.
func (s *Server) Err() error {
	if s.run == nil {
		return nil
	}
	select {
	case <-s.run.proc.done:
		return s.run.proc.err
	default:
		return nil
	}
}

// Close stops the engine, waits for its end and gives Dir free. An engine that
// does not end within 2 seconds is killed, which Close reports as an error; no
// answered write is lost by that. Further calls return what the first did.
func (s *Server) Close() error {
	if s.run == nil {
		return nil
	}
	s.run.closeOnce.Do(func() { s.run.closeErr = s.run.close() })
	return s.run.closeErr
}

func (r *run) close() error {
	err := r.proc.stop(closeGrace)
	r.clear()
	if err := r.lock.Close(); err != nil {
		return fmt.Errorf("embedded: release %s: %w", r.dir, err)
	}
	if err != nil {
		return fmt.Errorf("embedded: close FalkorDB in %s: %w", r.dir, err)
	}
	return nil
}

// clear removes what an engine that was killed leaves lying about.
func (r *run) clear() {
	clearStale(r.dir)
	if r.tempDir != "" {
		_ = os.Remove(r.socket)
		_ = os.Remove(r.tempDir)
	}
}

// clearStale removes the socket and the process ID of an engine that has
// ended. Both must be gone before the next one starts: stopOrphan relies on
// the number being that of the engine which holds the lock.
func clearStale(dir string) {
	_ = os.Remove(filepath.Join(dir, socketName))
	_ = os.Remove(filepath.Join(dir, pidName))
}

func (s *Server) logger() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}
