package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/falkorpat/falkorpat/store/embedded"
)

// seeded is how many tokens the user has when the measurements begin, and how
// many a list holds.
const seeded = 100

// stage is all that a measurement needs.
type stage struct {
	service, bare string
	instance      string
	// token is used for all requests, id is its own ID, other another one's.
	token, id, other string
	stops            []func()
}

func (s *stage) stop() {
	for i := len(s.stops) - 1; i >= 0; i-- {
		s.stops[i]()
	}
}

func startStage(ctx context.Context, program string) (*stage, error) {
	s := &stage{}
	if err := s.start(ctx, program); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *stage) start(ctx context.Context, program string) error {
	dir, err := os.MkdirTemp("", "falkorpat-bench-")
	if err != nil {
		return err
	}
	s.stops = append(s.stops, func() { _ = os.RemoveAll(dir) })
	engine, err := embedded.Find(os.Getenv("FALKORPAT_ENGINE_DIR"))
	if err != nil {
		return err
	}
	instance := &embedded.Server{Engine: engine, Dir: filepath.Join(dir, "instance"), Listen: "127.0.0.1:0", Ephemeral: true}
	if err := instance.Start(ctx); err != nil {
		return err
	}
	s.stops = append(s.stops, func() { _ = instance.Close() })
	s.instance = instance.Addr()
	if err := s.startService(ctx, program, filepath.Join(dir, "data")); err != nil {
		return err
	}
	for range seeded {
		if err := s.seed(ctx); err != nil {
			return err
		}
	}
	return s.startBareTwin(ctx)
}

// startService starts the program and waits for the line that says where it serves.
func (s *stage) startService(ctx context.Context, program, data string) error {
	command := exec.CommandContext(ctx, program, "serve", "--addr", "127.0.0.1:0", "--data-dir", data,
		"--instances", s.instance, "--query-rate", "0", "--query-rate", "0", "--log-format", "json")
	logs, err := command.StderrPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s (make build makes it): %w", program, err)
	}
	s.stops = append(s.stops, func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
	})
	lines := bufio.NewScanner(logs)
	for lines.Scan() {
		var line struct{ Msg, Addr string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "ready" {
			s.service = line.Addr
			go func() { _, _ = io.Copy(io.Discard, logs) }()
			return nil
		}
		fmt.Fprintln(os.Stderr, lines.Text())
	}
	return errors.New("the program did not become ready")
}

const (
	pathCreate = "/api/auth/tokens/credentials"
	pathList   = "/api/auth/tokens"
)

func (s *stage) credentials() string {
	host, port, _ := strings.Cut(s.instance, ":")
	return fmt.Sprintf(`{"username":"default","password":"","host":%q,"port":%q,"name":"bench","ttlSeconds":3600}`, host, port)
}

// seed makes a token; the last one made is the one that is used.
func (s *stage) seed(ctx context.Context) error {
	body, err := s.call(ctx, http.MethodPost, pathCreate, s.credentials())
	if err != nil {
		return err
	}
	var created struct{ Token, TokenID string }
	if err := json.Unmarshal(body, &created); err != nil {
		return err
	}
	s.token, s.id, s.other = created.Token, created.TokenID, s.id
	return nil
}

func (s *stage) call(ctx context.Context, method, path, body string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://"+s.service+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if s.token != "" && method == http.MethodGet {
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, path, response.Status, bytes.TrimSpace(text))
	}
	return text, err
}

// startBareTwin starts the bare handler with the very bytes that the service answers.
func (s *stage) startBareTwin(ctx context.Context) error {
	var answers []canned
	for _, one := range []struct{ method, path, body string }{
		{http.MethodGet, pathList + "/" + s.id, ""},
		{http.MethodGet, pathList + "/" + s.other, ""},
		{http.MethodGet, pathList, ""},
		{http.MethodPost, pathCreate, s.credentials()},
	} {
		body, err := s.call(ctx, one.method, one.path, one.body)
		if err != nil {
			return err
		}
		answers = append(answers, canned{Path: one.path, Body: body})
	}
	addr, stop, err := startBare(ctx, answers)
	if err != nil {
		return err
	}
	s.bare = addr
	s.stops = append(s.stops, stop)
	return nil
}

// works are what is measured.
func (s *stage) works() []work {
	return []work{
		s.work("GET the token itself", 32, http.MethodGet, pathList+"/"+s.id, ""),
		s.work("GET another token", 32, http.MethodGet, pathList+"/"+s.other, ""),
		s.work("GET a list of 100", 32, http.MethodGet, pathList, ""),
		s.work("create with credentials", 8, http.MethodPost, pathCreate, s.credentials()),
		s.query(),
	}
}

func (s *stage) work(name string, connections int, method, path, body string) work {
	text := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\n", method, path)
	if method == http.MethodGet {
		text += "Authorization: Bearer " + s.token + "\r\n"
	} else {
		text += fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	request := []byte(text + "\r\n" + body)
	return work{
		name: name, connections: connections,
		service: target{addr: s.service, request: request}, bare: target{addr: s.bare, request: request},
	}
}
