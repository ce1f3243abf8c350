package store

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

func TestURLsOfEverySchemeAreRead(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]struct {
		network, addr, user, password string
		tls                           bool
	}{
		"falkor://localhost:6379":            {"tcp", "localhost:6379", "", "", false},
		"falkordb://localhost":               {"tcp", "localhost:6379", "", "", false},
		"redis://:secret@db:7000":            {"tcp", "db:7000", "", "secret", false},
		"falkors://me:p%40ss@db.example.com": {"tcp", "db.example.com:6379", "me", "p@ss", true},
		"rediss://[::1]:7000/0":              {"tcp", "[::1]:7000", "", "", true},
		"unix:///run/falkor.sock":            {"unix", "/run/falkor.sock", "", "", false},
		"unix://me:secret@/run/falkor.sock":  {"unix", "/run/falkor.sock", "me", "secret", false},
	} {
		got, err := ParseURL(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if got.Network != want.network || got.Addr != want.addr || got.Username != want.user || got.Password != want.password || (got.TLSConfig != nil) != want.tls {
			t.Errorf("%s reads as %s %s, %q, %q, TLS %v", address, got.Network, got.Addr, got.Username, got.Password, got.TLSConfig != nil)
		}
	}
}

func TestErrorsOfAURLDoNotHoldIt(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"", "hunter2", "localhost:6379", "hunter2@localhost:6379", "http://me:hunter2@localhost", "FALKOR://me:hunter2@localhost",
		"falkor://me:hunter2@local host", "falkor://me:hunter2%zz@localhost", "falkor://me:hunter2@localhost:port", "falkor://me:hunter2@localhost/db",
		"falkor://me:hunter2@localhost?nope=1", "falkor://me:hunter2@\x00", "unix://me:hunter2@", "hunter2://localhost", "redis://me:hunter2@localhost?db=x",
	} {
		_, err := ParseURL(address)
		if err == nil {
			t.Errorf("%q was read", address)
			continue
		}
		_, opened := Open(t.Context(), Options{URL: address})
		for _, err := range []error{err, opened} {
			if err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q: %v", address, err)
			}
		}
	}
}

func TestURLCannotLoosenTheConnection(t *testing.T) {
	t.Parallel()
	client, err := connect(Options{
		URL: "falkor://localhost:1?max_retries=7&protocol=3&read_timeout=-1&pool_size=9999&dial_timeout=1h", Timeout: time.Second, PoolSize: 3,
	}, refuseReplica)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	o := client.Options()
	if o.MaxRetries != 0 || o.Protocol != 2 || o.ReadTimeout != time.Second || o.DialTimeout != time.Second || o.PoolTimeout != time.Second ||
		o.PoolSize != 3 || !o.ContextTimeoutEnabled || o.DialerRetries != 1 {
		t.Errorf("got %+v", o)
	}
}

// silent accepts connections and never says a word.
func silent(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

func closedPort(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestStoreOutOfReachIsUnavailableInTime(t *testing.T) {
	t.Parallel()
	const timeout = 400 * time.Millisecond
	for name, address := range map[string]string{
		"closed port":   "falkor://" + closedPort(t),
		"silent server": "falkor://" + silent(t),
		"silent, TLS":   "falkors://" + silent(t),
		"no TLS there":  "falkors://" + closedPort(t),
		"no socket":     "unix:///nowhere/falkor.sock",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun := time.Now()
			s, err := Open(t.Context(), Options{URL: address, Timeout: timeout})
			if !errors.Is(err, ErrUnavailable) || s != nil {
				t.Errorf("got %v, %v", s, err)
			}
			if took := time.Since(begun); took > 10*timeout {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	address := "falkor://" + silent(t)
	if _, err := Open(ctx, Options{URL: address}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	begun := time.Now()
	if _, err := Open(ctx, Options{URL: address, Timeout: time.Minute}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled meanwhile: %v", err)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestStoreThatDoesNotLetUsInIsUnavailable(t *testing.T) {
	t.Parallel()
	server := embeddedtest.Start(t, embedded.Server{Listen: "127.0.0.1:0", Ephemeral: true, Args: []string{"--requirepass", "right"}})
	for _, userinfo := range []string{"", ":hunter2@", "me:hunter2@"} {
		_, err := Open(t.Context(), Options{URL: "falkor://" + userinfo + server.Addr(), Timeout: 5 * time.Second})
		if !errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", userinfo, err)
		}
	}
	open(t, Options{URL: "falkor://:right@" + server.Addr()})
}

func TestStoreIsReachedOverTLS(t *testing.T) {
	t.Parallel()
	files, _ := embeddedtest.WriteCerts(t, t.TempDir())
	server := embeddedtest.Start(t, embedded.Server{Listen: "127.0.0.1:0", Ephemeral: true, TLS: &files})
	_, err := Open(t.Context(), Options{URL: "falkors://" + server.Addr(), Timeout: 5 * time.Second})
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate of an unknown authority: %v", err)
	}
	s := open(t, Options{URL: "falkors://" + server.Addr() + "?skip_verify=true"})
	create(t, s, alice)
}

func TestReplicaIsRefused(t *testing.T) {
	t.Parallel()
	primary, s := private(t, embedded.Server{Listen: "127.0.0.1:0", Ephemeral: true}, Options{})
	host, port, _ := net.SplitHostPort(primary.Addr())
	replica := embeddedtest.Start(t, embedded.Server{Listen: "127.0.0.1:0", Ephemeral: true})
	moved := open(t, Options{URL: replica.URL()})
	follow := console(t, replica).Do(t.Context(), "REPLICAOF", host, port)
	if follow.Err() != nil {
		t.Fatal(follow.Err())
	}
	create(t, s, alice)
	_, err := Open(t.Context(), Options{URL: replica.URL(), Timeout: 5 * time.Second})
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "replica") {
		t.Errorf("opened: %v", err)
	}
	// A store whose server became a replica must not read from it once its
	// connections are new: what is revoked may still be active there.
	if err := console(t, replica).Do(t.Context(), "CLIENT", "KILL", "TYPE", "NORMAL", "SKIPME", "YES").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := moved.TokenByID(t.Context(), "1-a"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("read from a replica: %v", err)
	}
	if err := console(t, replica).Do(t.Context(), "REPLICAOF", "NO", "ONE").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := moved.TokenByID(t.Context(), "1-a"); errors.Is(err, errReplica) {
		t.Errorf("it is a primary again, but: %v", err)
	}
}

func TestOptionsHaveDefaults(t *testing.T) {
	t.Parallel()
	o := Options{URL: "falkor://localhost"}
	if err := o.validate(); err != nil {
		t.Fatal(err)
	}
	if o.Graph != "token_management" || o.Timeout != 3*time.Second || o.PoolSize != 64 || o.Log == nil {
		t.Errorf("got %+v", o)
	}
	if err := (&Options{}).validate(); err == nil || !strings.Contains(err.Error(), "URL") {
		t.Errorf("without a URL: %v", err)
	}
}
