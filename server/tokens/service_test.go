package tokens

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/server/audit"
	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/lease"
	"github.com/falkorpat/falkorpat/server/ratelimit"
	"github.com/falkorpat/falkorpat/store"
	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

// db is the store and, for these tests, the instance too.
var db = &embedded.Server{Listen: "127.0.0.1:0"}

func TestMain(m *testing.M) { os.Exit(embeddedtest.Run(m, &db)) }

// clock is a time that only the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type fixture struct {
	*Service
	options Options
	store   *store.Store
	clock   *clock
	raw     redis.UniversalClient
	graph   string
	port    int
}

// setup makes a service on a graph of its own, with a clock that stands still.
// The background loops do not run: tests call what they would call.
func setup(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{clock: &clock{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}, graph: strings.ReplaceAll(t.Name(), "/", "_")}
	var err error
	if f.store, err = store.Open(t.Context(), store.Options{URL: db.URL(), Graph: f.graph}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.store.Close() })
	f.raw = f.store.Client()
	allowed, err := instance.ParseAllowed(db.Addr())
	if err != nil {
		t.Fatal(err)
	}
	directory, err := instance.New(instance.Options{Allowed: allowed, Log: slog.New(slog.DiscardHandler), FailureFloor: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	f.port = directory.Instances()[0].Port
	sealing, err := crypto.NewSealingSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := crypto.ParseSealingRing(sealing)
	if err != nil {
		t.Fatal(err)
	}
	keeper, err := credentials.New(credentials.Options{
		Directory: directory,
		Limiter:   ratelimit.New(ratelimit.Options{Client: f.raw, PerMinute: -1}),
		Sealer:    crypto.NewSealer(ring, rand.Reader, false),
		Now:       f.clock.Now,
		Log:       slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := crypto.NewSigningSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signing, err := crypto.ParseSigningRing(secret)
	if err != nil {
		t.Fatal(err)
	}
	history, err := audit.New(audit.Options{Store: f.store, Now: f.clock.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	f.options = Options{
		Lease: f.startLease(t, keeper.Forget),
		Store: f.store, Keeper: keeper, Signing: signing, Audit: history, Reports: ratelimit.New(ratelimit.Options{Client: f.raw, What: "report " + f.graph, PerMinute: 5}), Now: f.clock.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
	}
	f.Service, err = New(f.options)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// startLease starts a lease on the test's clock and waits until it is held.
func (f *fixture) startLease(t *testing.T, forget func(id string)) *lease.Lease {
	t.Helper()
	held := make(chan struct{})
	once := sync.OnceFunc(func() { close(held) })
	l, err := lease.New(lease.Options{
		Client: f.raw, Graph: f.graph, Forget: forget, Now: f.clock.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Metrics: lease.Metrics{Held: func(is bool) {
			if is {
				once()
			}
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Start(t.Context())
	t.Cleanup(func() { _ = l.Stop(context.Background()) })
	<-held
	return l
}

// user makes an ACL user and returns credentials; its name is unique to the test.
func (f *fixture) user(t *testing.T) instance.Credentials {
	t.Helper()
	name := "user-" + strings.ToLower(f.graph)
	if err := f.raw.Do(t.Context(), "ACL", "SETUSER", name, "reset", "on", ">secret", "~*", "+@connection", "+graph.query").Err(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.raw.Do(context.Background(), "ACL", "DELUSER", name).Err() })
	return instance.Credentials{Username: name, Password: "secret", Host: "127.0.0.1", Port: f.port}
}

func (f *fixture) issue(t *testing.T, r Request) (*Issued, instance.Credentials) {
	t.Helper()
	c := f.user(t)
	issued, err := f.IssueWithCredentials(t.Context(), netip.MustParseAddr("192.0.2.1"), c, r)
	if err != nil {
		t.Fatal(err)
	}
	return issued, c
}

func (f *fixture) row(t *testing.T, id string) *store.Token {
	t.Helper()
	row, err := f.store.TokenByID(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func client(ip string) Client { return Client{IP: netip.MustParseAddr(ip), Agent: "test"} }

func TestIssuedTokenIsAcceptedUntilItExpires(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, c := f.issue(t, Request{Name: "x", TTLSeconds: 60})
	accepted, err := f.Verify(t.Context(), issued.Text, client("192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	if got := accepted.Token().User.Username; got != c.Username || accepted.Role() != store.RoleReadWrite {
		t.Errorf("accepted as %s, %s", got, accepted.Role())
	}
	f.clock.Advance(59 * time.Second)
	if _, err := f.Verify(t.Context(), issued.Text, client("192.0.2.1")); err != nil {
		t.Errorf("one second before the end: %v", err)
	}
	f.clock.Advance(time.Second)
	if _, err := f.Verify(t.Context(), issued.Text, client("192.0.2.1")); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("at its end: %v, want ErrUnauthenticated", err)
	}
}

func TestRowDecidesWhereTokenAndRowDiffer(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, c := f.issue(t, Request{Name: "x"})
	stranger, err := f.signing.Sign(crypto.Claims{ID: "1-00000000", Subject: "user-1", IssuedAt: f.clock.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Verify(t.Context(), stranger, client("192.0.2.1")); !errors.Is(err, ErrUnknown) {
		t.Errorf("well signed but not stored: %v, want ErrUnknown", err)
	}
	if _, err := f.Revoke(t.Context(), f.row(t, issued.ID), RevokeRequest{By: store.User{ID: "u", Username: c.Username, Host: "localhost", Port: 1}}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Verify(t.Context(), issued.Text, client("192.0.2.1")); !errors.Is(err, ErrRevoked) {
		t.Errorf("revoked: %v, want ErrRevoked", err)
	}
	if sealed := f.row(t, issued.ID).SealedPassword; sealed != "" {
		t.Error("a revoked token keeps its sealed password")
	}
}

func TestTokenOfATokenNeverOutlivesIt(t *testing.T) {
	t.Parallel()
	f := setup(t)
	parent, _ := f.issue(t, Request{Name: "parent", TTLSeconds: 3600})
	accepted, err := f.Verify(t.Context(), parent.Text, client("192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	issuer := Issuer{
		Kept: credentials.OfToken(accepted.Token()), Role: accepted.Role(),
		Permissions: accepted.Permissions(), Token: accepted.Token(),
	}
	heir, err := f.Issue(t.Context(), issuer, Request{Name: "heir"})
	if err != nil || !heir.ExpiresAt.Equal(parent.ExpiresAt) {
		t.Fatalf("without an expiry: %v, %v; want the issuer's %v", heir, err, parent.ExpiresAt)
	}
	if _, err := f.Issue(t.Context(), issuer, Request{Name: "late", TTLSeconds: 3601}); !errors.Is(err, ErrOutlivesIssuer) {
		t.Errorf("a later expiry: %v, want ErrOutlivesIssuer", err)
	}
	if _, err := f.Verify(t.Context(), heir.Text, client("192.0.2.1")); err != nil {
		t.Errorf("heir: %v", err)
	}
	if _, err := f.Revoke(t.Context(), f.row(t, parent.ID), RevokeRequest{By: accepted.Token().User}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Verify(t.Context(), heir.Text, client("192.0.2.1")); !errors.Is(err, ErrRevoked) {
		t.Errorf("heir of a revoked token: %v, want ErrRevoked", err)
	}
	if _, err := f.Issue(t.Context(), issuer, Request{Name: "orphan"}); !errors.Is(err, ErrRevoked) {
		t.Errorf("token from a revoked one: %v, want ErrRevoked", err)
	}
}

func TestRoleIsAskedAnewForATokenMadeFromAToken(t *testing.T) {
	t.Parallel()
	f := setup(t)
	parent, c := f.issue(t, Request{Name: "parent"})
	accepted, err := f.Verify(t.Context(), parent.Text, client("192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.raw.Do(t.Context(), "ACL", "DELUSER", c.Username).Err(); err != nil {
		t.Fatal(err)
	}
	child, err := f.Issue(t.Context(), Issuer{Kept: credentials.OfToken(accepted.Token()), Role: accepted.Role(), Token: accepted.Token()}, Request{Name: "child"})
	if err != nil {
		t.Fatal(err) // within the time that the parent's role is remembered
	}
	if _, err := f.Verify(t.Context(), child.Text, client("192.0.2.1")); !errors.Is(err, credentials.ErrStale) {
		t.Errorf("child of a deleted user's token: %v, want ErrStale", err)
	}
}

func TestUseIsShownAtOnceAndWrittenAtMostOnceAnInterval(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, _ := f.issue(t, Request{Name: "x"})
	use := func(ip string) {
		t.Helper()
		if _, err := f.Verify(t.Context(), issued.Text, client(ip)); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(what, stored, shown string) {
		t.Helper()
		if got := f.row(t, issued.ID).LastUse.IP; got != stored {
			t.Errorf("%s: the store has %q, want %q", what, got, stored)
		}
		current, err := f.Get(t.Context(), issued.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got := current.LastUse.IP; got != shown {
			t.Errorf("%s: shown %q, want %q", what, got, shown)
		}
	}
	flush := func() {
		t.Helper()
		if err := f.recorder.flush(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	use("192.0.2.1")
	expect("before the flush", "", "192.0.2.1")
	flush()
	expect("after it", "192.0.2.1", "192.0.2.1")
	f.clock.Advance(4 * time.Minute)
	use("192.0.2.2")
	flush()
	expect("within the interval", "192.0.2.1", "192.0.2.2")
	f.clock.Advance(time.Minute)
	flush()
	expect("after the interval", "192.0.2.2", "192.0.2.2")
	use("192.0.2.3")
	if err := f.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect("after the stop", "192.0.2.3", "192.0.2.3")
}

func TestUsesThatCannotBeWrittenAreKept(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, _ := f.issue(t, Request{Name: "x"})
	if _, err := f.Verify(t.Context(), issued.Text, client("192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	dead, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.recorder.flush(dead, false); err == nil {
		t.Fatal("a flush with an ended context succeeded")
	}
	if err := f.recorder.flush(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if got := f.row(t, issued.ID).LastUse.IP; got != "192.0.2.1" {
		t.Errorf("the store has %q", got)
	}
}

func TestRecorderForgetsTokensNoLongerUsed(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for i := range 10 {
		f.recorder.record(&store.Token{ID: strconv.Itoa(i)}, new(atomic.Pointer[usage]), f.clock.Now(), client("192.0.2.1"))
	}
	for range 2 {
		if err := f.recorder.flush(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(6 * time.Minute)
	}
	if n := len(f.recorder.usages); n != 0 {
		t.Errorf("%d entries are left", n)
	}
}

func TestRecorderIsBounded(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for i := range maxRecorded + 5 {
		f.recorder.record(&store.Token{ID: strconv.Itoa(i)}, new(atomic.Pointer[usage]), f.clock.Now(), client("192.0.2.1"))
	}
	if n := len(f.recorder.usages); n != maxRecorded || f.recorder.dropped.Load() != 5 {
		t.Errorf("%d entries and %d dropped, want %d and 5", n, f.recorder.dropped.Load(), maxRecorded)
	}
}

func TestSweepDestroysPasswordsOfExpiredTokensOnly(t *testing.T) {
	t.Parallel()
	f := setup(t)
	c := f.user(t)
	issue := func(r Request) string {
		t.Helper()
		issued, err := f.IssueWithCredentials(t.Context(), netip.Addr{}, c, r)
		if err != nil {
			t.Fatal(err)
		}
		return issued.ID
	}
	short, long, never := issue(Request{Name: "short", TTLSeconds: 60}), issue(Request{Name: "long", TTLSeconds: 7200}), issue(Request{Name: "never"})
	expect := func(want ...string) {
		t.Helper()
		if err := f.sweeper.sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		var swept []string
		for _, id := range []string{short, long, never} {
			row := f.row(t, id)
			if row.Active != (row.SealedPassword != "") {
				t.Errorf("%s: active %v, with a sealed password: %v", row.Name, row.Active, row.SealedPassword != "")
			}
			if !row.Active {
				swept = append(swept, row.Name)
			}
		}
		if fmt.Sprint(swept) != fmt.Sprint(want) {
			t.Errorf("swept %v, want %v", swept, want)
		}
	}
	expect()
	f.clock.Advance(time.Minute)
	expect("short")
	f.clock.Advance(2 * time.Hour)
	expect("short", "long")
}

func TestStopEndsTheLoopsAndMayBeRepeated(t *testing.T) { //nolint:paralleltest // others' goroutines would be seen
	f := setup(t)
	before := goleak.IgnoreCurrent()
	f.Start(t.Context())
	for range 2 {
		if err := f.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	goleak.VerifyNone(t, before)
}
