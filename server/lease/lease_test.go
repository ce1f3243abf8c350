package lease

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"

	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

// db is the store of all tests that need none to themselves. They keep apart by
// the names of their graphs.
var db *embedded.Server

// patience bounds what a test waits for; nothing takes that long.
const patience = 20 * time.Second

// TestMain runs the tests and then looks for goroutines that they left behind.
func TestMain(m *testing.M) {
	logging.Disable() // what goes wrong comes back as errors
	code := embeddedtest.Run(m, &db)
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// connect returns a client of a server, as one replica would have it.
func connect(t *testing.T, server *embedded.Server, change func(*redis.Options)) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	o.Protocol, o.ContextTimeoutEnabled, o.MaxRetries = 2, true, -1
	if change != nil {
		change(o)
	}
	client := redis.NewClient(o)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// replica is a Lease in a test.
type replica struct {
	*Lease
	t       *testing.T
	changes chan bool // whether it is held, as that changes
	mu      sync.Mutex
	forgot  []string
	took    []time.Duration
}

// start starts a replica on a store, which stops with the test.
func start(t *testing.T, client *redis.Client, change func(*Options)) *replica {
	t.Helper()
	r := &replica{t: t, changes: make(chan bool, 100)}
	o := Options{
		Client: client, Graph: strings.ReplaceAll(t.Name(), "/", "_"), Now: time.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Length: 2 * time.Second, MaxAge: 10 * time.Second,
		Metrics: Metrics{
			Held: func(held bool) { r.changes <- held },
			Confirmed: func(took time.Duration, _ int) {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.took = append(r.took, took)
			},
		},
		Forget: func(id string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.forgot = append(r.forgot, id)
		},
	}
	if change != nil {
		change(&o)
	}
	var err error
	if r.Lease, err = New(o); err != nil {
		t.Fatal(err)
	}
	r.Start(context.WithoutCancel(t.Context()))
	t.Cleanup(func() { _ = r.Stop(context.Background()) })
	return r
}

// until waits until the lease is held, or lost.
func (r *replica) until(held bool) *replica {
	r.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case is := <-r.changes:
			if is == held {
				return r
			}
		case <-timer.C:
			r.t.Fatalf("waited in vain for held=%t", held)
		}
	}
}

// knows takes a Mark, which must be trusted.
func (r *replica) knows(id string) Mark {
	r.t.Helper()
	now := time.Now()
	m := r.Mark(id, now)
	if !r.Trusted(m, now) {
		r.t.Fatal("a fresh Mark is not trusted")
	}
	return m
}

func (r *replica) changed(ids ...string) time.Duration {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	start := time.Now()
	if err := r.Changed(ctx, ids...); err != nil {
		r.t.Fatal(err)
	}
	return time.Since(start)
}

func TestChangeEndsWhatEveryReplicaKnows(t *testing.T) {
	t.Parallel()
	var all [3]*replica
	for i := range all {
		all[i] = start(t, connect(t, db, nil), nil).until(true)
	}
	for i := range 50 {
		id := fmt.Sprintf("1-%08d", i)
		var marks, others [len(all)]Mark
		for k, r := range all {
			marks[k], others[k] = r.knows(id), r.knows("another"+id)
		}
		all[i%len(all)].changed(id)
		for k, r := range all {
			if r.Trusted(marks[k], time.Now()) {
				t.Fatalf("change %d: replica %d still trusts what it knew", i, k)
			}
			if r.marks.stripe(id) != r.marks.stripe("another"+id) && !r.Trusted(others[k], time.Now()) {
				t.Errorf("change %d: replica %d forgot another token", i, k)
			}
		}
	}
	for k, r := range all {
		r.mu.Lock()
		if len(r.forgot) != 50 {
			t.Errorf("replica %d was told %d times what to forget besides, want 50", k, len(r.forgot))
		}
		r.mu.Unlock()
	}
	if all[0].mu.Lock(); len(all[0].took) != 17 {
		t.Errorf("%d confirmations were measured, want 17", len(all[0].took))
	}
	all[0].mu.Unlock()
}

func TestManyChangesAtOnceShareMessages(t *testing.T) {
	t.Parallel()
	a, b := start(t, connect(t, db, nil), nil).until(true), start(t, connect(t, db, nil), nil).until(true)
	const n = 500
	marks := make([]Mark, n)
	for i := range marks {
		marks[i] = b.knows(fmt.Sprint("t-", i))
	}
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { a.changed(fmt.Sprint("t-", i)) })
	}
	group.Wait()
	for i, m := range marks {
		if b.Trusted(m, time.Now()) {
			t.Errorf("token %d is still trusted", i)
		}
	}
	count, err := a.o.Client.Get(t.Context(), a.keys[1]).Int()
	if err != nil || count >= n {
		t.Errorf("%d changes took %d messages, %v", n, count, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.open) != 0 {
		t.Errorf("%d changes are still waited for", len(a.open))
	}
}

func TestChangeOfTooManyOrOddTokensIsOfEverything(t *testing.T) {
	t.Parallel()
	a, b := start(t, connect(t, db, nil), nil).until(true), start(t, connect(t, db, nil), nil).until(true)
	for name, ids := range map[string][]string{"many": make([]string, maxNamed+1), "a blank": {"x y"}, "a comma": {"x,y"}, "a star": {"*"}} {
		m := b.knows("another")
		a.changed(ids...)
		if b.Trusted(m, time.Now()) {
			t.Errorf("%s: another token is still trusted", name)
		}
	}
}

func TestReplicaThatIsGoneIsWaitedForUntilItsLeaseIsOverAndOnce(t *testing.T) {
	t.Parallel()
	a := start(t, connect(t, db, nil), nil).until(true)
	gone := start(t, connect(t, db, nil), nil).until(true)
	m := gone.knows("1-a")
	gone.cancel() // as when its process is killed, or frozen: nobody tells the store
	gone.running.Wait()
	took := a.changed("1-a")
	if gone.Trusted(m, time.Now()) {
		t.Error("the change was answered while the other still trusted what it knew")
	}
	if took > withMargin(2*time.Second)+time.Second {
		t.Errorf("waited %s", took)
	}
	if took := a.changed("1-a"); took > time.Second {
		t.Errorf("waited %s once more", took)
	}
}

func TestReplicaThatStoppedIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	a := start(t, connect(t, db, nil), nil).until(true)
	b := start(t, connect(t, db, nil), nil).until(true)
	m := b.knows("1-a")
	for range 2 {
		if err := b.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if b.Trusted(m, time.Now()) {
		t.Error("a stopped replica trusts what it knew")
	}
	if err := b.Changed(t.Context(), "1-a"); !errors.Is(err, ErrStopped) {
		t.Errorf("a stopped replica told of a change: %v", err)
	}
	if took := a.changed("1-a"); took > time.Second {
		t.Errorf("waited %s for a replica that had stopped", took)
	}
}

func TestReplicaThatRemembersNothingStillTellsOthers(t *testing.T) {
	t.Parallel()
	off := start(t, connect(t, db, nil), func(o *Options) { o.Off = true })
	b := start(t, connect(t, db, nil), nil).until(true)
	m := b.knows("1-a")
	off.changed("1-a")
	if b.Trusted(m, time.Now()) {
		t.Error("what the other knew is still trusted")
	}
	if now := time.Now(); off.Trusted(off.Mark("1-a", now), now) {
		t.Error("it holds a lease")
	}
	if took := b.changed("1-a"); took > time.Second {
		t.Errorf("it was waited for, %s", took)
	}
}

func TestNothingIsTrustedForLongerThanMaxAge(t *testing.T) {
	t.Parallel()
	a := start(t, connect(t, db, nil), func(o *Options) { o.MaxAge = time.Minute }).until(true)
	now := time.Now()
	m := a.Mark("1-a", now)
	for age, want := range map[time.Duration]bool{0: true, 59 * time.Second: true, time.Minute: false} {
		// The lease's own time is another matter.
		a.term.Store(&term{until: time.Hour, wall: now.Add(time.Hour).UnixNano()})
		if got := a.Trusted(m, now.Add(age)); got != want {
			t.Errorf("after %s trusted: %t", age, got)
		}
		if short := a.Shorten(m, time.Second); a.Trusted(short, now.Add(max(age, time.Second))) {
			t.Error("a shortened Mark is trusted for longer")
		}
	}
}

func TestLeaseIsOverByEitherClock(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := &Lease{start: now, marks: newMarks()}
	l.term.Store(&term{until: time.Second, wall: now.Add(time.Second).UnixNano()})
	for name, test := range map[string]struct {
		term term
		want bool
	}{
		"neither":       {term{time.Second, now.Add(time.Second).UnixNano()}, true},
		"the monotonic": {term{0, now.Add(time.Second).UnixNano()}, false},
		"the wall's":    {term{time.Second, now.UnixNano()}, false},
	} {
		l.term.Store(&test.term)
		if got := l.Held(now); got != test.want {
			t.Errorf("%s is over: held %t", name, got)
		}
	}
}

func TestStoreThatStartsAnewEndsLeasesAndIsWaitedFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := embeddedtest.Start(t, embedded.Server{Listen: "127.0.0.1:0", Dir: dir + "/db"})
	a, b := start(t, connect(t, server, nil), nil).until(true), start(t, connect(t, server, nil), nil).until(true)
	m := b.knows("1-a")
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	a.until(false)
	b.until(false)
	if b.Trusted(m, time.Now()) {
		t.Error("trusted without a lease")
	}
	again := embeddedtest.Start(t, embedded.Server{Listen: server.Addr(), Dir: dir + "/db"})
	a.until(true)
	b.until(true)
	if b.Trusted(m, time.Now()) {
		t.Error("what was known before the store started anew is trusted")
	}
	m = b.knows("1-a")
	a.changed("1-a")
	if b.Trusted(m, time.Now()) {
		t.Error("trusted after the change")
	}
	a.mu.Lock()
	server1, settled := a.census.server, a.census.settled(a.clock())
	a.mu.Unlock()
	if !settled {
		t.Error("the answer came while holders that the table may have lost could hold leases")
	}
	note, err := connect(t, again, nil).Get(t.Context(), a.keys[2]).Result()
	if err != nil || !strings.HasPrefix(note, server1) {
		t.Errorf("the store is noted as %q, %v", note, err)
	}
}

func TestStoreOutOfReachIsWaitedForUntilAllHaveForgotten(t *testing.T) {
	t.Parallel()
	server := embeddedtest.Start(t, embedded.Server{Listen: "127.0.0.1:0"})
	a := start(t, connect(t, server, nil), func(o *Options) { o.MaxAge = 3 * time.Second }).until(true)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if took := a.changed("1-a"); took < withMargin(3*time.Second) || took > withMargin(3*time.Second)+3*time.Second {
		t.Errorf("waited %s, want %s", took, withMargin(3*time.Second))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Changed(ctx, "1-a"); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who hung up got %v", err)
	}
}

// A user of the store may lack what the protocol needs. Then nothing is
// remembered, which needs none of it.
func TestUserWhoMayNotSubscribeHoldsNoLease(t *testing.T) {
	t.Parallel()
	admin := connect(t, db, nil)
	name := "limited-" + rand.Text()[:8]
	if err := admin.Do(t.Context(), "ACL", "SETUSER", name, "on", ">secret", "~*", "+@all", "resetchannels").Err(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Do(context.Background(), "ACL", "DELUSER", name).Err() })
	limited := connect(t, db, func(o *redis.Options) { o.Username, o.Password = name, "secret" })
	a := start(t, limited, nil)
	if err := a.renew(t.Context()); err == nil {
		t.Error("a renewal without the right to publish is no error")
	}
	if a.Held(time.Now()) {
		t.Error("a lease is held")
	}
	if n, err := admin.HLen(t.Context(), a.keys[0]).Result(); err != nil || n != 0 {
		t.Errorf("%d holders, %v", n, err)
	}
	if took := a.changed("1-a"); took > time.Second {
		t.Errorf("a change took %s, with nobody to wait for", took)
	}
	b := start(t, admin, nil).until(true)
	m := b.knows("1-a")
	a.changed("1-a") // which b is not told of
	if b.Trusted(m, time.Now()) {
		t.Error("another replica still trusts what it knew")
	}
}

func TestForeignMessagesAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "changed", "changed s 1 me", "changed s x me a", "granted s -1 z", "applied s 1"} {
		if m, err := parseMessage(text); err == nil {
			t.Errorf("%q is read as %+v", text, m)
		}
	}
	for _, reply := range []any{nil, "x", []any{}, []any{"s", "1", int64(0)}, []any{"", "1", int64(0), []any{}}, []any{"s", "x", int64(0), []any{}}, []any{"s", "1", int64(0), []any{"a"}}} {
		if got, err := parseTable(reply); err == nil {
			t.Errorf("%v is read as %+v", reply, got)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	if _, err := New(Options{}); err == nil {
		t.Error("no fault found")
	}
}
