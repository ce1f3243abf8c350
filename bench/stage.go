package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/falkorpat/falkorpat/store"
	"github.com/falkorpat/falkorpat/store/embedded"
)

// seeded is how many tokens the user has when the measurements begin.
const seeded = 1000

// stage is all that a measurement needs.
type stage struct {
	program, dir string
	// profiled has the first replica open the operator's port.
	profiled      bool
	service, bare string
	instance      string
	// store is the tokens' store, which all replicas share; replicas are those.
	storeURL string
	store    *store.Store
	replicas []*replica
	// token is used for all requests, id is its own ID, other another one's.
	token, id, other string
	stops            []func()
}

func (s *stage) stop() {
	for i := len(s.stops) - 1; i >= 0; i-- {
		s.stops[i]()
	}
}

func startStage(ctx context.Context, o options) (*stage, error) {
	s := &stage{program: o.program, profiled: o.profiles != ""}
	if err := s.start(ctx); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *stage) start(ctx context.Context) error {
	var err error
	if s.dir, err = os.MkdirTemp("", "falkorpat-bench-"); err != nil {
		return err
	}
	s.stops = append(s.stops, func() { _ = os.RemoveAll(s.dir) })
	instance := &embedded.Server{Dir: filepath.Join(s.dir, "instance"), Listen: "127.0.0.1:0", Ephemeral: true}
	if err := s.startEngine(ctx, instance); err != nil {
		return err
	}
	s.instance = instance.Addr()
	// As the program runs its private store: every write on disk before its answer.
	kept := &embedded.Server{Dir: filepath.Join(s.dir, "store")}
	if err := s.startEngine(ctx, kept); err != nil {
		return err
	}
	s.storeURL = kept.URL()
	if s.store, err = store.Open(ctx, store.Options{URL: s.storeURL}); err != nil {
		return err
	}
	s.stops = append(s.stops, func() { _ = s.store.Close() })
	first, err := s.startReplica(ctx)
	if err != nil {
		return err
	}
	s.service = first.addr
	for range seeded {
		if err := s.seed(ctx); err != nil {
			return err
		}
	}
	return s.startBareTwin(ctx)
}

func (s *stage) startEngine(ctx context.Context, server *embedded.Server) error {
	var err error
	if server.Engine, err = embedded.Find(os.Getenv("FALKORPAT_ENGINE_DIR")); err != nil {
		return err
	}
	if err := server.Start(ctx); err != nil {
		return err
	}
	s.stops = append(s.stops, func() { _ = server.Close() })
	return nil
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
	if s.token != "" && path != pathCreate {
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
	for _, one := range s.requests() {
		body, err := s.call(ctx, one.method, one.path, one.body)
		if err != nil {
			return err
		}
		answers = append(answers, canned{Path: one.bare, Body: body})
	}
	addr, stop, err := startBare(ctx, answers)
	if err != nil {
		return err
	}
	s.bare = addr
	s.stops = append(s.stops, stop)
	return nil
}

// request is one kind of request, and the path of its answer at the bare handler.
type request struct {
	name               string
	connections        int
	method, path, body string
	bare               string
}

// requests are what is measured against the bare handler.
func (s *stage) requests() []request {
	return []request{
		{"verify (forward-auth)", 32, http.MethodGet, "/api/auth/verify", "", "/bare/verify"},
		{"GET the token itself", 32, http.MethodGet, pathList + "/" + s.id, "", "/bare/self"},
		{"GET another token", 32, http.MethodGet, pathList + "/" + s.other, "", "/bare/other"},
		{"list of 100", 32, http.MethodGet, pathList + "?limit=100", "", "/bare/100"},
		{"list of 1000 in one answer", 32, http.MethodGet, pathList + "?limit=1000", "", "/bare/1000"},
		{"list of 1000, anew each time", 32, http.MethodGet, pathList + "?limit=1000&created_after=2000-01-01T00:00:00." + digits + "Z", "", "/bare/anew"},
		{"create with credentials", 8, http.MethodPost, pathCreate, s.credentials(), "/bare/create"},
	}
}

func (s *stage) works() []work {
	var works []work
	for _, one := range s.requests() {
		asked := s.request(one, one.path)
		works = append(works, work{
			name: one.name, connections: one.connections,
			service: target{addr: s.service, request: asked, number: max(0, bytes.Index(asked, []byte(digits)))},
			bare:    target{addr: s.bare, request: s.request(one, one.bare)},
		})
	}
	return append(works, s.query())
}

// request writes a request as it goes over the connection.
func (s *stage) request(r request, path string) []byte {
	text := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\n", r.method, path)
	if r.path == pathCreate {
		text += fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n", len(r.body))
	} else {
		text += "Authorization: Bearer " + s.token + "\r\n"
		if r.body != "" {
			text += fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n", len(r.body))
		}
	}
	return []byte(text + "\r\n" + r.body)
}
