package session

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/server/audit"
	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/ratelimit"
	"github.com/falkorpat/falkorpat/store"
	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

var db = &embedded.Server{Listen: "127.0.0.1:0"}

func TestMain(m *testing.M) { os.Exit(embeddedtest.Run(m, &db)) }

type fixture struct {
	*Service
	store *store.Store
	raw   redis.UniversalClient
	port  int
	mu    sync.Mutex
	now   time.Time
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

func ring[R any](t *testing.T, secret string, err error, parse func(string) (R, error)) R {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	r, err := parse(secret)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func setup(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{now: time.Now()}
	var err error
	if f.store, err = store.Open(t.Context(), store.Options{URL: db.URL(), Graph: t.Name()}); err != nil {
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
	keeper, keeperErr := credentials.New(credentials.Options{
		Directory: directory, Limiter: ratelimit.New(ratelimit.Options{Client: f.raw, PerMinute: -1}),
		Sealer: crypto.NewSealer(ring(t, sealing, err, crypto.ParseSealingRing), rand.Reader, false),
		Now:    f.Now, Log: slog.New(slog.DiscardHandler),
	})
	if keeperErr != nil {
		t.Fatal(keeperErr)
	}
	signing, err := crypto.NewSigningSecret(rand.Reader)
	signingRing := ring(t, signing, err, crypto.ParseSigningRing)
	history, err := audit.New(audit.Options{Store: f.store, Signing: signingRing, Now: f.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	f.Service, err = New(Options{
		Store: f.store, Keeper: keeper, Signing: signingRing, Audit: history,
		Now: f.Now, Random: rand.Reader, CookiePath: "/pat/",
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) signIn(t *testing.T, secure bool) (Accepted, *http.Cookie) {
	t.Helper()
	name := "u-" + strings.ToLower(t.Name())
	if err := f.raw.Do(t.Context(), "ACL", "SETUSER", name, "reset", "on", ">secret", "~*", "+@connection", "+graph.query").Err(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.raw.Do(context.Background(), "ACL", "DELUSER", name).Err() })
	accepted, cookie, err := f.SignIn(t.Context(), netip.MustParseAddr("192.0.2.1"),
		instance.Credentials{Username: name, Password: "secret", Host: "127.0.0.1", Port: f.port}, secure)
	if err != nil {
		t.Fatal(err)
	}
	return accepted, cookie
}

func TestSessionLastsUntilSignOut(t *testing.T) {
	t.Parallel()
	f := setup(t)
	signedIn, cookie := f.signIn(t, false)
	got, err := f.Verify(t.Context(), cookie)
	if err != nil {
		t.Fatal(err)
	}
	if got.Session().ID != signedIn.Session().ID || got.Role() != store.RoleReadWrite || got.Session().User.Host != "localhost" {
		t.Errorf("verified as %+v, %s", got.Session().User, got.Role())
	}
	for range 2 { // signing out twice is no error
		if err := f.SignOut(t.Context(), cookie); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Verify(t.Context(), cookie); !errors.Is(err, ErrNoSession) {
		t.Errorf("after sign-out: %v, want ErrNoSession", err)
	}
}

func TestSessionEndsAfterItsLifetime(t *testing.T) {
	t.Parallel()
	f := setup(t)
	_, cookie := f.signIn(t, false)
	f.advance(MaxLifetime - time.Minute)
	if _, err := f.Verify(t.Context(), cookie); err != nil {
		t.Errorf("a minute before its end: %v", err)
	}
	f.advance(time.Minute)
	if _, err := f.Verify(t.Context(), cookie); !errors.Is(err, ErrNoSession) {
		t.Errorf("at its end: %v, want ErrNoSession", err)
	}
}

func TestCookieIsOutOfReachOfScriptsAndOtherSites(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, secure := range []bool{false, true} {
		_, cookie := f.signIn(t, secure)
		clearing := f.Clearing(secure)
		for what, c := range map[string]*http.Cookie{"session": cookie, "clearing": clearing} {
			if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure != secure || c.Path != "/pat/" || c.Domain != "" {
				t.Errorf("%s cookie, secure %v: %v", what, secure, c)
			}
			if strings.HasPrefix(c.Name, "__Secure-") != secure {
				t.Errorf("%s cookie, secure %v, is named %s", what, secure, c.Name)
			}
		}
		if clearing.MaxAge >= 0 || clearing.Value != "" {
			t.Errorf("clearing cookie does not clear: %v", clearing)
		}
		if err := cookie.Valid(); err != nil {
			t.Error(err)
		}
	}
}

func TestOnlyTheGenuineCookieLeadsToTheSession(t *testing.T) {
	t.Parallel()
	f := setup(t)
	accepted, cookie := f.signIn(t, false)
	other := setup(t) // other keys, the same store
	_, foreign := other.signIn(t, false)
	for what, c := range map[string]*http.Cookie{
		"none":              nil,
		"the bare ID":       {Name: cookie.Name, Value: accepted.Session().ID},
		"cut":               {Name: cookie.Name, Value: cookie.Value[:len(cookie.Value)-4]},
		"under other name":  {Name: "__Secure-" + cookie.Name, Value: cookie.Value},
		"another service's": foreign,
	} {
		if _, err := f.Verify(t.Context(), c); !errors.Is(err, ErrNoSession) {
			t.Errorf("%s: %v, want ErrNoSession", what, err)
		}
		if err := f.SignOut(t.Context(), c); err != nil {
			t.Errorf("sign-out, %s: %v", what, err)
		}
	}
	if _, err := f.Verify(t.Context(), cookie); err != nil {
		t.Errorf("the genuine one: %v", err)
	}
}

func TestSessionFollowsTheUser(t *testing.T) {
	t.Parallel()
	f := setup(t)
	accepted, cookie := f.signIn(t, false)
	if err := f.raw.Do(t.Context(), "ACL", "SETUSER", accepted.Session().User.Username, "off").Err(); err != nil {
		t.Fatal(err)
	}
	f.advance(time.Minute)
	if _, err := f.Verify(t.Context(), cookie); !errors.Is(err, credentials.ErrStale) {
		t.Errorf("user switched off: %v, want ErrStale", err)
	}
}
