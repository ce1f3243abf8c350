package ratelimit

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"

	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

func TestPeerHasAsManyFailuresAsTheLimit(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 2, 5, 7, 30, 0, 59} {
		t.Run(strconv.Itoa(limit), func(t *testing.T) {
			t.Parallel()
			l, addr := setup(t, Options{PerMinute: limit})
			if limit == 0 {
				limit = 30
			}
			start := time.Now()
			got := exhaust(t, l, addr)
			if got < limit || got > limit+int(regained(start, limit)) {
				t.Errorf("%d failures, want %d", got, limit)
			}
			checkForgotten(t, l)
		})
	}
}

func TestSuccessesCostNothing(t *testing.T) {
	t.Parallel()
	l, addr := setup(t, Options{PerMinute: 3})
	for range 200 {
		begin(t, l, addr).Succeeded()
	}
	if got := exhaust(t, l, addr); got != 3 {
		t.Errorf("%d failures after 200 successes, want 3", got)
	}
}

func TestOnePeersFailuresAreNotAnothers(t *testing.T) {
	t.Parallel()
	l, addr := setup(t, Options{PerMinute: 2})
	exhaust(t, l, addr)
	if got := exhaust(t, l, newPeer()); got != 2 {
		t.Errorf("another peer has %d failures, want 2", got)
	}
}

func TestPeerIsAnIPv4AddressOrAnIPv6Network(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.3", "::ffff:192.0.2.3", true},
		{"::ffff:192.0.2.4", "::ffff:192.0.2.5", false},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true},
		{"2001:db8:1:3::1", "2001:db8:1:4::1", false},
		{"fe80::1%eth0", "fe80::2", true},
		{"fe80:1::1%eth0", "fe80:1::1%eth1", true},
		{"::1", "127.0.0.1", false},
	} {
		l, _ := setup(t, Options{PerMinute: 1})
		a, b := netip.MustParseAddr(test.a), netip.MustParseAddr(test.b)
		reset(t, a, b)
		if err := guess(t, l, a); err != nil {
			t.Errorf("%s: %v", a, err)
		}
		if err := guess(t, l, b); errors.Is(err, ErrLimited) != test.same {
			t.Errorf("%s after %s: %v", b, a, err)
		}
	}
}

func TestPeersWithoutAnAddressAreOne(t *testing.T) {
	t.Parallel()
	l, _ := setup(t, Options{PerMinute: 2})
	reset(t, netip.Addr{})
	if got := exhaust(t, l, netip.Addr{}); got != 2 {
		t.Errorf("%d failures, want 2", got)
	}
}

func TestRetryAfterIsWhenTheNextAttemptBegins(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 6, 10} {
		l, addr := setup(t, Options{PerMinute: limit})
		exhaust(t, l, addr)
		var limited *LimitedError
		if err := guess(t, l, addr); !errors.As(err, &limited) || !errors.Is(err, ErrLimited) {
			t.Fatalf("%v, want a LimitedError", err)
		}
		cost := time.Minute / time.Duration(limit)
		if limited.RetryAfter > cost || limited.RetryAfter < cost-patience {
			t.Errorf("limit %d: RetryAfter %v, want %v less what the test took", limit, limited.RetryAfter, cost)
		}

		// The counting library says the same to one who asks for a failure.
		answer, err := redis_rate.NewLimiter(connect(t, db)).Allow(t.Context(), keyPrefix+defaultWhat+":"+peerKey(addr), redis_rate.PerMinute(limit))
		if err != nil {
			t.Fatal(err)
		}
		if off := limited.RetryAfter - answer.RetryAfter; answer.Allowed != 0 || off < 0 || off > 500*time.Millisecond {
			t.Errorf("limit %d: RetryAfter %v, the library says %v", limit, limited.RetryAfter, answer.RetryAfter)
		}

		const before = 4 * time.Second // longer than the test takes
		age(t, addr, answer.RetryAfter-before)
		if err := guess(t, l, addr); !errors.As(err, &limited) || limited.RetryAfter > before {
			t.Errorf("limit %d: %v shortly before RetryAfter has passed", limit, err)
		}
		age(t, addr, before)
		if err := guess(t, l, addr); err != nil {
			t.Errorf("limit %d: %v after RetryAfter has passed", limit, err)
		}
	}
}

func TestAllFailuresComeBackAfterAMinute(t *testing.T) {
	t.Parallel()
	l, addr := setup(t, Options{PerMinute: 4})
	exhaust(t, l, addr)
	age(t, addr, time.Minute)
	if got := exhaust(t, l, addr); got != 4 {
		t.Errorf("%d failures a minute later, want 4", got)
	}
}

func TestKeysAreNamedAndExpireWithinAMinute(t *testing.T) {
	t.Parallel()
	l, addr := setup(t, Options{PerMinute: 2})
	exhaust(t, l, addr)
	ttl, err := connect(t, db).TTL(t.Context(), "rate:falkorpat:login:"+netip.PrefixFrom(addr, 64).Masked().String()).Result()
	if err != nil || ttl <= 0 || ttl > time.Minute {
		t.Errorf("the key lives for %v, %v", ttl, err)
	}
}

func TestNegativeLimitIsNone(t *testing.T) {
	t.Parallel()
	l, addr := New(Options{PerMinute: -1}), newPeer()
	for range 100 {
		if err := guess(t, l, addr); err != nil {
			t.Fatal(err)
		}
		begin(t, l, addr).Succeeded()
	}
}

func TestWithoutAStoreNoAttemptBegins(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // connects and never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	client := func(addr string) redis.UniversalClient {
		c := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true})
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	for name, o := range map[string]Options{
		"none":   {},
		"gone":   {Client: client("127.0.0.1:1")},
		"silent": {Client: client(silent.Addr().String())},
	} {
		l := New(o)
		start := time.Now()
		attempt, err := l.Begin(t.Context(), newPeer())
		if attempt != nil || !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrLimited) {
			t.Errorf("%s: Begin = %v, %v, want ErrUnavailable", name, attempt, err)
		}
		if took := time.Since(start); took > storeTimeout+3*time.Second {
			t.Errorf("%s: Begin took %v", name, took)
		}
		checkForgotten(t, l)
	}
}

func TestStoreThatGoesAwayIsReportedAndHoldsNothing(t *testing.T) {
	t.Parallel()
	server := embeddedtest.Start(t, embedded.Server{Ephemeral: true})
	l, addr := New(Options{Client: connect(t, server)}), newPeer()
	failing, succeeding := begin(t, l, addr), begin(t, l, addr)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := failing.Failed(t.Context()); !errors.Is(err, ErrUnavailable) {
			t.Errorf("Failed: %v, want ErrUnavailable", err)
		}
	}
	succeeding.Succeeded()
	if err := guess(t, l, addr); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Begin: %v, want ErrUnavailable", err)
	}
	checkForgotten(t, l)
}

func TestErrorsOfTheContextAreKept(t *testing.T) {
	t.Parallel()
	l, addr := setup(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Begin(ctx, addr); !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want ErrUnavailable for context.Canceled", err)
	}
	checkForgotten(t, l)
}
