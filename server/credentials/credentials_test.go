package credentials

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/ratelimit"
	"github.com/falkorpat/falkorpat/store"
	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

var db = &embedded.Server{Listen: "127.0.0.1:0", Ephemeral: true}

func TestMain(m *testing.M) { os.Exit(embeddedtest.Run(m, &db)) }

type fixture struct {
	*Keeper
	raw    *redis.Client
	ring   crypto.SealingRing
	log    *bytes.Buffer
	port   int
	name   string
	mu     sync.Mutex
	now    time.Time
	sealed string
}

func (f *fixture) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fixture) advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

const password = `p"a\s s é`

// The rules of ACL users by role.
const (
	rulesReadWrite = "~* +@connection +graph.query"
	rulesReadOnly  = "~* +@connection +graph.ro_query"
	rulesAdmin     = "~* +@all"
)

func setup(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{now: time.Now(), log: &bytes.Buffer{}, name: strings.ToLower(t.Name())}
	f.raw = redis.NewClient(&redis.Options{Addr: db.Addr(), Protocol: 2})
	t.Cleanup(func() { _ = f.raw.Close() })
	allowed, err := instance.ParseAllowed(db.Addr())
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(f.log, nil))
	directory, err := instance.New(instance.Options{Allowed: allowed, Log: log, FailureFloor: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	f.port = directory.Instances()[0].Port
	secret, err := crypto.NewSealingSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if f.ring, err = crypto.ParseSealingRing(secret); err != nil {
		t.Fatal(err)
	}
	f.Keeper, err = New(Options{
		Directory: directory, Limiter: ratelimit.New(ratelimit.Options{Client: f.raw, PerMinute: 3}),
		Sealer: crypto.NewSealer(f.ring, rand.Reader, false), Now: f.Now, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.rules(t, rulesReadWrite)
	t.Cleanup(func() { _ = f.raw.Do(context.Background(), "ACL", "DELUSER", f.name).Err() })
	if f.sealed, err = f.Seal(password, "1-00000000", f.user()); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) rules(t *testing.T, rules string) {
	t.Helper()
	args := []any{"ACL", "SETUSER", f.name, "reset", "on", ">" + password}
	for _, rule := range strings.Fields(rules) {
		args = append(args, rule)
	}
	if err := f.raw.Do(t.Context(), args...).Err(); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) user() store.User {
	return store.User{ID: "user-1", Username: f.name, Host: "localhost", Port: f.port}
}

func (f *fixture) kept() Kept { return Kept{ID: "1-00000000", User: f.user(), Sealed: f.sealed} }

func (f *fixture) expectRole(t *testing.T, what string, want store.Role) {
	t.Helper()
	if got, err := f.Role(t.Context(), f.kept()); err != nil || got != want {
		t.Errorf("%s: role is %q, %v; want %q", what, got, err, want)
	}
}

func TestRoleIsWhatTheUserMayDoNowWithinTheMaximumAge(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.expectRole(t, "at first", store.RoleReadWrite)
	f.rules(t, rulesReadOnly)
	f.advance(maxAge - time.Second)
	f.expectRole(t, "before the answer is too old", store.RoleReadWrite)
	f.advance(2 * time.Second)
	f.expectRole(t, "after it", store.RoleReadOnly)
	f.rules(t, rulesAdmin)
	f.Forget(f.kept().ID)
	f.expectRole(t, "once forgotten", store.RoleAdmin)
}

func TestMaximumAgeIsWithinTheThirtySecondsPromised(t *testing.T) {
	t.Parallel()
	if maxAge+loginTime >= 30*time.Second {
		t.Errorf("%v and a login of %v reach 30 seconds", maxAge, loginTime)
	}
}

func TestCredentialsThatNoLongerLogInAreStale(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for what, change := range map[string][]any{
		"password changed": {"resetpass", ">other"},
		"switched off":     {"off"},
	} {
		f.rules(t, rulesReadWrite)
		f.Forget(f.kept().ID)
		f.expectRole(t, "before "+what, store.RoleReadWrite)
		if err := f.raw.Do(t.Context(), append([]any{"ACL", "SETUSER", f.name}, change...)...).Err(); err != nil {
			t.Fatal(err)
		}
		f.advance(maxAge + time.Second)
		if _, err := f.Role(t.Context(), f.kept()); !errors.Is(err, ErrStale) {
			t.Errorf("%s: %v, want ErrStale", what, err)
		}
		if err := f.Ping(t.Context(), f.kept()); !errors.Is(err, ErrStale) {
			t.Errorf("%s: ping: %v, want ErrStale", what, err)
		}
	}
	f.rules(t, rulesReadWrite)
	f.advance(maxAge + time.Second)
	f.expectRole(t, "with the password back", store.RoleReadWrite)
}

func TestInstanceThatIsNoLongerAllowedIsStale(t *testing.T) {
	t.Parallel()
	f := setup(t)
	elsewhere := f.user()
	elsewhere.Port = 1
	sealed, err := f.Seal(password, "1-00000000", elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Role(t.Context(), Kept{ID: "1-00000000", User: elsewhere, Sealed: sealed}); !errors.Is(err, ErrStale) {
		t.Errorf("got %v, want ErrStale", err)
	}
}

func TestSealedPasswordOpensForItsOwnRowOnly(t *testing.T) {
	t.Parallel()
	f := setup(t)
	if c, err := f.Open(t.Context(), f.kept()); err != nil || c.Password != password {
		t.Fatalf("own row: %v", err)
	}
	for what, change := range map[string]func(*Kept){
		"another ID":   func(k *Kept) { k.ID = "2-00000000" },
		"another user": func(k *Kept) { k.User.Username = "x" },
		"another host": func(k *Kept) { k.User.Host = "evil.example" },
		"another port": func(k *Kept) { k.User.Port++ },
		"destroyed":    func(k *Kept) { k.Sealed = "" },
	} {
		kept := f.kept()
		change(&kept)
		if _, err := f.Open(t.Context(), kept); !errors.Is(err, ErrStale) {
			t.Errorf("%s: %v, want ErrStale", what, err)
		}
	}
	if strings.Contains(f.log.String(), password) || !strings.Contains(f.log.String(), "does not open") {
		t.Errorf("log is %s", f.log)
	}
}

func TestConcurrentQuestionsMakeOneLogin(t *testing.T) {
	t.Parallel()
	f := setup(t)
	own := embeddedtest.Start(t, embedded.Server{Listen: "127.0.0.1:0", Ephemeral: true}) // whose logins can be counted
	kept := f.moveTo(t, own)
	var group sync.WaitGroup
	start := make(chan struct{})
	for range 50 {
		group.Go(func() {
			<-start
			if got, err := f.Role(t.Context(), kept); err != nil || got != store.RoleAdmin {
				t.Errorf("role is %q, %v", got, err)
			}
		})
	}
	close(start)
	group.Wait()
	raw := redis.NewClient(&redis.Options{Addr: own.Addr(), Protocol: 2})
	defer func() { _ = raw.Close() }()
	stats, err := raw.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(stats, "cmdstat_auth:calls=1,") {
		t.Errorf("not one login: %s", stats)
	}
}

// moveTo makes another server the instance and gives what is kept of its default user.
func (f *fixture) moveTo(t *testing.T, server *embedded.Server) Kept {
	t.Helper()
	allowed, err := instance.ParseAllowed(server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	f.directory, err = instance.New(instance.Options{Allowed: allowed, Log: slog.New(slog.DiscardHandler), FailureFloor: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	user := store.User{Username: "default", Host: "localhost", Port: f.directory.Instances()[0].Port}
	sealed, err := f.Seal("", "3-00000000", user)
	if err != nil {
		t.Fatal(err)
	}
	return Kept{ID: "3-00000000", User: user, Sealed: sealed}
}

func TestInstanceOutOfReachIsNotRemembered(t *testing.T) {
	t.Parallel()
	f := setup(t)
	own := embeddedtest.Start(t, embedded.Server{Listen: "127.0.0.1:0", Ephemeral: true})
	kept := f.moveTo(t, own)
	if err := own.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Role(t.Context(), kept); !errors.Is(err, instance.ErrUnreachable) {
		t.Fatalf("down: %v, want ErrUnreachable", err)
	}
	if _, err := f.Role(t.Context(), kept); !errors.Is(err, instance.ErrUnreachable) {
		t.Fatalf("right after: %v, want ErrUnreachable", err)
	}
	f.advance(downTime)
	again := embeddedtest.Start(t, embedded.Server{Listen: own.Addr(), Ephemeral: true})
	if got, err := f.Role(t.Context(), kept); err != nil || got != store.RoleAdmin {
		t.Errorf("up again at %s: %q, %v", again.Addr(), got, err)
	}
}

func TestFailedLoginsCountAndSuccessfulOnesDoNot(t *testing.T) {
	t.Parallel()
	f := setup(t)
	peer := netip.MustParseAddr("192.0.2.77")
	right := instance.Credentials{Username: f.name, Password: password, Host: "127.0.0.1", Port: f.port}
	for range 10 {
		if _, err := f.Login(t.Context(), peer, right); err != nil {
			t.Fatal(err)
		}
	}
	wrong := right
	wrong.Password = "wrong"
	for range 3 {
		if _, err := f.Login(t.Context(), peer, wrong); !errors.Is(err, instance.ErrRefused) {
			t.Fatalf("wrong password: %v", err)
		}
	}
	if _, err := f.Login(t.Context(), peer, right); !errors.Is(err, ratelimit.ErrLimited) {
		t.Errorf("after three failures: %v, want ErrLimited", err)
	}
	if _, err := f.Login(t.Context(), netip.MustParseAddr("192.0.2.78"), right); err != nil {
		t.Errorf("another peer: %v", err)
	}
}
