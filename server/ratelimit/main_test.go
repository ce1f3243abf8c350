package ratelimit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

// db is the store of all tests that need none to themselves. They keep apart
// by being different peers.
var db *embedded.Server

// patience bounds what a test waits for; nothing takes that long.
const patience = 20 * time.Second

// TestMain runs the tests and then looks for goroutines that they left behind.
func TestMain(m *testing.M) {
	code := embeddedtest.Run(m, &db)
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// connect returns a client of the server, as one replica would have it.
func connect(t *testing.T, server *embedded.Server) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	o.ContextTimeoutEnabled = true
	o.MaxRetries = -1
	client := redis.NewClient(o)
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

// setup returns a Limiter on the shared store and a peer that nobody else is.
func setup(t *testing.T, o Options) (*Limiter, netip.Addr) {
	t.Helper()
	o.Client = connect(t, db)
	return New(o), newPeer()
}

// newPeer returns an address that no other test uses.
func newPeer() netip.Addr {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[0], b[1] = 0x20, 0x01
	return netip.AddrFrom16(b)
}

// guess makes an attempt that fails, and returns Begin's error.
func guess(t *testing.T, l *Limiter, addr netip.Addr) error {
	t.Helper()
	attempt, err := l.Begin(t.Context(), addr)
	if err != nil {
		return err
	}
	if err := attempt.Failed(t.Context()); err != nil {
		t.Errorf("Failed: %v", err)
	}
	return nil
}

// exhaust guesses until the peer is limited, and returns how often it could.
func exhaust(t *testing.T, l *Limiter, addr netip.Addr) (guesses int) {
	t.Helper()
	for range 10_000 {
		err := guess(t, l, addr)
		if errors.Is(err, ErrLimited) {
			return guesses
		}
		if err != nil {
			t.Fatal(err)
		}
		guesses++
	}
	t.Fatal("there is no limit")
	return 0
}

// begin begins an attempt that must be let through at once.
func begin(t *testing.T, l *Limiter, addr netip.Addr) *Attempt {
	t.Helper()
	attempt, err := l.Begin(t.Context(), addr)
	if err != nil {
		t.Fatalf("Begin: %v", err)
	}
	return attempt
}

// outcome is what a Begin returned.
type outcome struct {
	attempt *Attempt
	err     error
}

// beginLater begins an attempt in the background and returns when it waits
// for another attempt to end.
func beginLater(t *testing.T, l *Limiter, ctx context.Context, addr netip.Addr) <-chan outcome {
	t.Helper()
	before := waiting(l, addr)
	result := make(chan outcome, 1)
	go func() {
		attempt, err := l.Begin(ctx, addr)
		result <- outcome{attempt, err}
	}()
	until(t, "an attempt waits", func() bool { return waiting(l, addr) > before })
	return result
}

// waiting returns how many attempts of a peer have not begun.
func waiting(l *Limiter, addr netip.Addr) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.peers[peerKey(addr)]; p != nil {
		return p.waiting
	}
	return 0
}

// receive returns what a channel brings.
func receive[T any](t *testing.T, from <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-from:
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	return value
}

// until waits for a condition.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !is(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// checkForgotten fails the test when a Limiter still remembers a peer.
func checkForgotten(t *testing.T, l *Limiter) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, p := range l.peers {
		t.Errorf("the peer %s is remembered with %d waiting and %d in flight", key, p.waiting, p.inFlight)
	}
}

// storeKey is where the store keeps what it knows of a peer. It is spelled out
// here, since operators rely on it.
func storeKey(addr netip.Addr) string { return "rate:falkorpat:login:" + peerKey(addr) }

// reset makes the store forget peers, for tests with addresses that matter.
func reset(t *testing.T, addrs ...netip.Addr) {
	t.Helper()
	client := connect(t, db)
	for _, addr := range addrs {
		if err := client.Del(t.Context(), storeKey(addr)).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// age makes the store believe that time has passed for a peer, by moving what
// it remembers into the past.
func age(t *testing.T, addr netip.Addr, by time.Duration) {
	t.Helper()
	client := connect(t, db)
	at, err := client.Get(t.Context(), storeKey(addr)).Float64()
	if err != nil {
		t.Fatal(err)
	}
	moved := strconv.FormatFloat(at-by.Seconds(), 'f', -1, 64)
	if err := client.Set(t.Context(), storeKey(addr), moved, redis.KeepTTL).Err(); err != nil {
		t.Fatal(err)
	}
}
