package store

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

var (
	everySecond = []string{"--appendfsync", "everysec"}
	noSync      = []string{"--appendfsync", "no"}
)

// engine gives the process of a server, to be treated badly.
func engine(tb testing.TB, server *embedded.Server) *os.Process {
	tb.Helper()
	info, err := console(tb, server).InfoMap(tb.Context(), "server").Result()
	if err != nil {
		tb.Fatal(err)
	}
	process, err := os.FindProcess(number(tb, info["Server"]["process_id"]))
	if err != nil {
		tb.Fatal(err)
	}
	return process
}

func TestDurabilityIsWhatTheStoreOffers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server embedded.Server
		want   Durability
	}{
		"synced before each answer": {embedded.Server{}, durabilityAlways},
		"synced each second":        {embedded.Server{Args: everySecond}, durabilityWaitAOF},
		"never synced":              {embedded.Server{Args: noSync}, durabilityNone},
		"no log":                    {embedded.Server{Ephemeral: true}, durabilityNone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, s := private(t, c.server, Options{})
			if got := s.Durability(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// What the store's user may not ask is found out, or taken for the worse.
func TestDurabilityWithoutTheRightToAsk(t *testing.T) {
	t.Parallel()
	server := embeddedtest.Start(t, embedded.Server{Listen: "127.0.0.1:0"})
	for i, c := range []struct {
		without string
		want    Durability
	}{
		{"-config|get", durabilityWaitAOF},
		{"-config|get -waitaof", durabilityNone},
		{"-role", durabilityAlways},
	} {
		name := fmt.Sprint("user", i)
		rules := append([]any{"ACL", "SETUSER", name, "on", ">pw", "~*", "+@all"}, fields(c.without)...)
		if err := console(t, server).Do(t.Context(), rules...).Err(); err != nil {
			t.Fatal(err)
		}
		s := open(t, Options{URL: "falkor://" + name + ":pw@" + server.Addr(), Graph: name})
		if got := s.Durability(); got != c.want {
			t.Errorf("%s: got %s, want %s", c.without, got, c.want)
		}
		create(t, s, alice)
	}
}

func fields(text string) (fields []any) {
	for _, field := range strings.Fields(text) {
		fields = append(fields, field)
	}
	return fields
}

// A store that can't be asked is not one without a log.
func TestDurabilityOfAStoreOutOfReachIsUnknown(t *testing.T) {
	t.Parallel()
	server, s := private(t, embedded.Server{Ephemeral: true}, Options{})
	freeze(t, server)
	s.stopLinking() // which reads it too
	s.timeout = 100 * time.Millisecond
	if got, err := s.findDurability(t.Context()); !errors.Is(err, ErrUnavailable) || got != "" {
		t.Errorf("got %q, %v", got, err)
	}
}

// answered is what clients have been told.
type answered struct {
	mu      sync.Mutex
	created map[string]bool // by ID: whether revoked since
	unsure  map[string]bool // revocations whose answer did not come
	enough  chan struct{}   // closed after so many answers
	count   int
}

// write creates and revokes until the store is gone.
func (a *answered) write(t *testing.T, s *Store, enough int) {
	t.Helper()
	for i := 0; ; i++ {
		token := newToken(t, alice, noon)
		if err := s.CreateToken(t.Context(), token, nil); err != nil {
			if !errors.Is(err, ErrUnavailable) {
				t.Error(err)
			}
			return
		}
		a.note(token.ID, enough, func() { a.created[token.ID] = false })
		if i%2 == 0 {
			continue
		}
		if _, err := s.RevokeToken(t.Context(), Revocation{TokenID: token.ID, By: alice, At: noon}); err != nil {
			a.note(token.ID, enough, func() { a.unsure[token.ID] = true })
			return
		}
		a.note(token.ID, enough, func() { a.created[token.ID] = true })
	}
}

func (a *answered) note(_ string, enough int, change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
	if a.count++; a.count == enough {
		close(a.enough)
	}
}

// The store is killed in the midst of writes; what was answered must be there
// when it is back.
func TestAnsweredWritesOutliveTheStore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args    []string
		writers int
		enough  int
	}{
		"synced before each answer": {nil, 8, 300},
		"synced each second":        {everySecond, 48, 150},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, s := private(t, embedded.Server{Args: c.args}, Options{})
			told := &answered{created: map[string]bool{}, unsure: map[string]bool{}, enough: make(chan struct{})}
			var writers sync.WaitGroup
			for range c.writers {
				writers.Go(func() { told.write(t, s, c.enough) })
			}
			process := engine(t, server)
			<-told.enough
			if err := process.Kill(); err != nil {
				t.Fatal(err)
			}
			writers.Wait()
			if err := server.Close(); err != nil {
				t.Fatal(err)
			}

			back := embeddedtest.Start(t, embedded.Server{Engine: server.Engine, Dir: server.Dir, Args: c.args})
			again := open(t, Options{URL: back.URL(), Graph: s.graph})
			for id, revoked := range told.created {
				token, err := again.TokenByID(t.Context(), id)
				if err != nil {
					t.Errorf("lost: %v", err)
				} else if want := !revoked; token.Active != want && !told.unsure[id] {
					t.Errorf("token %s: active is %v, want %v", id, token.Active, want)
				}
			}
			t.Logf("%d tokens were answered for", len(told.created))
		})
	}
}

// Where the log is synced each second, an answer that comes earlier promises
// what may not come true.
func TestWriteIsAnsweredOnlyOnceItIsConfirmed(t *testing.T) {
	t.Parallel()
	server, s := private(t, embedded.Server{Args: everySecond}, Options{})
	token := create(t, s, alice)
	session := newSession(t, alice)
	if err := s.CreateSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	if n := calls(t, server, "waitaof"); n < 3 { // one asked for the durability
		t.Errorf("WAITAOF was sent %d times", n)
	}
	s.stopLinking() // which reads it too
	s.timeout = 400 * time.Millisecond
	for name, settings := range map[string][]string{
		"log that is never synced": {"appendfsync", "no"},
		"log that was turned off":  {"appendonly", "no"},
	} {
		if err := console(t, server).ConfigSet(t.Context(), settings[0], settings[1]).Err(); err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"create":         s.CreateToken(t.Context(), newToken(t, alice, noon), nil),
			"create session": s.CreateSession(t.Context(), newSession(t, alice)),
			"revoke":         second(s.RevokeToken(t.Context(), Revocation{TokenID: token.ID, By: alice, At: noon})),
			"delete session": s.DeleteSession(t.Context(), session.Hash),
		} {
			if !errors.Is(err, ErrUnavailable) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		// A conflict is a conflict, whatever becomes of the log.
		if err := s.CreateToken(t.Context(), token, nil); !errors.Is(err, ErrConflict) {
			t.Errorf("%s, conflict: %v", name, err)
		}
	}
}

func TestConfirmationCountsTheLocalLog(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reply any
		ok    bool
	}{
		{[]any{int64(1), int64(0)}, true},
		{[]any{int64(1), int64(2)}, true},
		{[]any{int64(0), int64(0)}, false}, // not within the time given
		{[]any{int64(0), int64(3)}, false}, // replicas are no disk
		{[]any{}, false},
		{"OK", false},
		{[]any{"x"}, false},
	} {
		waitaof := redis.NewCmd(t.Context())
		waitaof.SetVal(c.reply)
		if err := confirmed(waitaof); (err == nil) != c.ok || !c.ok && !errors.Is(err, ErrUnavailable) {
			t.Errorf("%v: %v", c.reply, err)
		}
	}
	waitaof := redis.NewCmd(t.Context())
	waitaof.SetErr(replied("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."))
	if err := confirmed(waitaof); !errors.Is(err, ErrUnavailable) {
		t.Errorf("no log: %v", err)
	}
}

func TestNotesDoNotWaitForTheLog(t *testing.T) {
	t.Parallel()
	server, s := private(t, embedded.Server{Args: everySecond}, Options{})
	token := create(t, s, alice)
	before := calls(t, server, "waitaof")
	if err := s.RecordUses(t.Context(), []Use{{TokenID: token.ID, At: noon}}); err != nil {
		t.Fatal(err)
	}
	if err := s.UpdateRole(t.Context(), token.ID, RoleAdmin); err != nil {
		t.Fatal(err)
	}
	if n := calls(t, server, "waitaof") - before; n != 0 {
		t.Errorf("WAITAOF was sent %d times", n)
	}
	if got := byID(t, s, token.ID); got.Role != RoleAdmin || !got.LastUse.At.Equal(noon) {
		t.Errorf("written: %+v", got)
	}
	// Destroying a password is a promise.
	create(t, s, alice, expiringAt(at(-1)))
	sweep(t, s, time.Time{}, noon, 10)
	if n := calls(t, server, "waitaof") - before; n < 2 {
		t.Errorf("a token and a sweep were confirmed %d times", n)
	}
}

func TestFrozenStoreIsUnavailableInTime(t *testing.T) {
	t.Parallel()
	const timeout = 300 * time.Millisecond
	server, s := private(t, embedded.Server{Ephemeral: true}, Options{})
	token := create(t, s, alice)
	freeze(t, server)
	s.stopLinking() // which reads it too
	s.timeout = timeout
	ctx := t.Context()
	type result struct {
		name string
		err  error
		took time.Duration
	}
	operations := map[string]func() error{
		"ready":           func() error { return s.Ready(ctx) },
		"token by hash":   func() error { return second(s.TokenByHash(ctx, token.Hash)) },
		"token by ID":     func() error { return second(s.TokenByID(ctx, token.ID)) },
		"session by hash": func() error { return second(s.SessionByHash(ctx, token.Hash, noon)) },
		"create":          func() error { return s.CreateToken(ctx, newToken(t, alice, noon), nil) },
		"create session":  func() error { return s.CreateSession(ctx, newSession(t, alice)) },
		"delete session":  func() error { return s.DeleteSession(ctx, token.Hash) },
		"revoke":          func() error { return second(s.RevokeToken(ctx, Revocation{TokenID: token.ID, By: alice, At: noon})) },
		"update role":     func() error { return s.UpdateRole(ctx, token.ID, RoleAdmin) },
		"record uses":     func() error { return s.RecordUses(ctx, []Use{{TokenID: token.ID, At: noon}}) },
		"list": func() error {
			return second(s.ListTokens(ctx, ListQuery{Hosts: localhost, Port: 1, Now: noon, Limit: 10}))
		},
		"sweep": func() error { _, err := s.Sweep(ctx, time.Time{}, noon, 10); return err },
	}
	names := make([]string, 0, len(operations))
	for name := range operations {
		names = append(names, name)
	}
	for _, r := range parallel(len(names), func(i int) result {
		begun := time.Now()
		err := operations[names[i]]()
		return result{names[i], err, time.Since(begun)}
	}) {
		if !errors.Is(r.err, ErrUnavailable) {
			t.Errorf("%s: %v", r.name, r.err)
		}
		if r.took > 20*timeout {
			t.Errorf("%s took %v", r.name, r.took)
		}
	}
}

// freeze stops a server in its tracks until the test ends.
func freeze(t *testing.T, server *embedded.Server) {
	t.Helper()
	process := engine(t, server)
	if err := process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := process.Signal(syscall.SIGCONT); err != nil {
			t.Error(err)
		}
	})
	stat := fmt.Sprintf("/proc/%d/stat", process.Pid)
	eventually(t, "the server is frozen", func() bool {
		text, err := os.ReadFile(stat)
		return err == nil && slices.Contains(strings.Fields(string(text)), "T")
	})
}
