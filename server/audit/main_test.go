package audit

import (
	"crypto/rand"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/store"
	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

var db *embedded.Server

func TestMain(m *testing.M) { os.Exit(embeddedtest.Run(m, &db)) }

var (
	ada  = store.User{ID: "user-1", Username: "ada", Host: "localhost", Port: 6379}
	noon = time.Date(2026, 11, 22, 12, 0, 0, 123_456_789, time.UTC)
)

// fixture is a service whose clock only the test moves, and whose loop does not
// run.
type fixture struct {
	*Service
	store   *store.Store
	signing crypto.SigningRing
	mu      sync.Mutex
	time    time.Time
}

func setup(t *testing.T) *fixture {
	t.Helper()
	kept, err := store.Open(t.Context(), store.Options{URL: db.URL(), Graph: strings.ReplaceAll(t.Name(), "/", "_"), Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kept.Close() })
	secret, err := crypto.NewSigningSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{store: kept, time: noon}
	if f.signing, err = crypto.ParseSigningRing(secret); err != nil {
		t.Fatal(err)
	}
	f.Service = f.replica(t)
	return f
}

// replica makes another service on the same store.
func (f *fixture) replica(t *testing.T) *Service {
	t.Helper()
	s, err := New(Options{Store: f.store, Signing: f.signing, Now: f.now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler), Instances: []string{"localhost:6379"}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (f *fixture) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.time
}

func (f *fixture) advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.time = f.time.Add(d)
}

// record writes n events of an instance.
func (f *fixture) record(t *testing.T, s *Service, of store.User, n int) {
	t.Helper()
	events := make([]store.Event, n)
	for i := range events {
		events[i] = s.Success(t.Context(), store.ActionTokenCreated, &store.Token{ID: "1-a", Name: "nightly", User: of})
		events[i].Details = map[string]string{"n": strings.Repeat("x", i%3)}
	}
	if err := f.store.RecordEvents(t.Context(), events); err != nil {
		t.Fatal(err)
	}
}

// exported is an export as the API gives it.
func (f *fixture) exported(t *testing.T, instance string) []line {
	t.Helper()
	lines := []line{nil}
	err := f.Export(t.Context(), store.EventQuery{Instance: instance}, func(c store.Chain) error {
		lines[0] = line{"chain": instance, "complete": true, "anchor": c.Anchor, "head": c.Head}
		return nil
	}, func(events []store.Event) error {
		for i := range events {
			lines = append(lines, lineOf(&events[i]))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}
