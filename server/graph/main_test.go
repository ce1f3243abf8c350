package graph

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/ratelimit"
	"github.com/falkorpat/falkorpat/store"
	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

var db = &embedded.Server{Listen: "127.0.0.1:0", Ephemeral: true}

func TestMain(m *testing.M) { os.Exit(embeddedtest.Run(m, &db)) }

// fixture is a service, a caller who may do everything, and a graph that no
// other test uses.
type fixture struct {
	*Service
	t      *testing.T
	raw    *redis.Client
	caller Caller
	graph  string
}

// more are instances beside the one that f.caller is a user of.
func setup(t *testing.T, more ...string) *fixture {
	t.Helper()
	f := &fixture{t: t, graph: "graph-" + rand.Text()}
	f.raw = redis.NewClient(&redis.Options{Addr: db.Addr(), Protocol: 2})
	t.Cleanup(func() { _ = f.raw.Close() })
	allowed, err := instance.ParseAllowed(strings.Join(append([]string{db.Addr()}, more...), ","))
	if err != nil {
		t.Fatal(err)
	}
	directory, err := instance.New(instance.Options{Allowed: allowed})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(directory.Close)
	secret, err := crypto.NewSealingSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := crypto.ParseSealingRing(secret)
	if err != nil {
		t.Fatal(err)
	}
	keeper, err := credentials.New(credentials.Options{
		Directory: directory, Limiter: ratelimit.New(ratelimit.Options{Client: f.raw}),
		Sealer: crypto.NewSealer(ring, rand.Reader, false), Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if f.Service, err = New(Options{Keeper: keeper, Counter: redis_rate.NewLimiter(f.raw), Limits: Limits{Timeout: 10 * time.Second, Rows: 1_000_000}}); err != nil {
		t.Fatal(err)
	}
	where := directory.Instances()[0]
	user := store.User{ID: "user-1", Username: "default", Host: where.Host, Port: where.Port}
	sealed, err := keeper.Seal("", "1-00000000", user)
	if err != nil {
		t.Fatal(err)
	}
	f.caller = Caller{Kept: credentials.Kept{ID: "1-00000000", User: user, Sealed: sealed}, Standing: &standing{}}
	return f
}

// standing is of a caller who has ended once err is set.
type standing struct {
	changed bool
	err     atomic.Pointer[error]
}

func (s *standing) Stands() bool { return !s.changed }

func (s *standing) Recheck(context.Context) error {
	if err := s.err.Load(); err != nil {
		return *err
	}
	return nil
}

// other runs a query past the service.
func (f *fixture) other(args ...any) {
	f.t.Helper()
	if err := f.raw.Do(f.t.Context(), args...).Err(); err != nil {
		f.t.Fatal(err)
	}
}

// rows are the rows of a query's result, cells in a row joined by a line break.
func (f *fixture) rows(q Query) ([]string, error) {
	if q.Graph == "" {
		q.Graph = f.graph
	}
	result, err := f.Query(f.t.Context(), f.caller, q)
	if err != nil {
		return nil, err
	}
	defer result.Close()
	return read(result)
}

func read(result *Result) ([]string, error) {
	var rows []string
	for {
		cells, err := result.Next()
		if cells == nil || err != nil {
			return rows, err
		}
		texts := make([]string, len(cells))
		for i, cell := range cells {
			texts[i] = string(cell)
		}
		rows = append(rows, strings.Join(texts, "\n"))
	}
}

// one is the single row of a query's result.
func (f *fixture) one(q Query) string {
	f.t.Helper()
	rows, err := f.rows(q)
	if err != nil || len(rows) != 1 {
		f.t.Fatalf("%.100s: %d rows, %v", q.Text, len(rows), err)
	}
	if !json.Valid([]byte("[" + strings.ReplaceAll(rows[0], "\n", ",") + "]")) {
		f.t.Fatalf("%.100s: no JSON: %s", q.Text, rows[0])
	}
	return rows[0]
}
