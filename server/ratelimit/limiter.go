package ratelimit

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
)

// Defaults of Options.
const (
	defaultPerMinute  = 30
	defaultMaxWaiting = 64
	defaultMaxPeers   = 10_000
)

// Bounds in time.
const (
	// maxWait bounds the wait for other attempts.
	maxWait = 5 * time.Second
	// storeTimeout bounds one question to the store.
	storeTimeout = 2 * time.Second
	// crowdRetry is what a peer is told whose attempts are too many at once.
	// They end with the logins under way, within seconds.
	crowdRetry = time.Second
)

// keyPrefix stands in front of what is limited and the peer in the store's keys.
const keyPrefix = "falkorpat:"

// defaultWhat is what a Limiter limits unless told otherwise.
const defaultWhat = "login"

// errNoClient is the cause of ErrUnavailable in a Limiter without a store.
var errNoClient = errors.New("no store")

// Options configure a Limiter.
type Options struct {
	// Client reaches the store that all replicas share. It is the caller's to
	// close. It should honour the deadlines of contexts
	// (ContextTimeoutEnabled), or its own timeouts bound every question. With
	// nil no attempt begins, unless PerMinute is negative.
	Client redis.UniversalClient
	// What names what is limited, in a word for the store's keys: limiters of
	// different names count apart. "login" when empty.
	What string
	// PerMinute is how many failures a peer may have in a minute, and at once.
	// 0 stands for 30, a negative number for no limit at all.
	PerMinute int
	// MaxWaiting is how many attempts of one peer may wait to begin; further
	// ones are refused. 0 or less stands for 64.
	MaxWaiting int
	// MaxPeers is how many peers may have attempts waiting or under way on
	// this replica; those of further peers are refused. 0 or less stands for
	// 10,000.
	MaxPeers int
}

// Limiter decides which attempts of a peer may begin. It is safe for concurrent
// use and needs no closing.
type Limiter struct {
	counter    *redis_rate.Limiter // nil without a store
	prefix     string
	limit      redis_rate.Limit
	unlimited  bool
	maxWaiting int
	maxPeers   int
	maxWait    time.Duration

	mu    sync.Mutex
	peers map[string]*peer
}

// New returns a Limiter that counts in o.Client's store.
func New(o Options) *Limiter {
	if o.PerMinute == 0 {
		o.PerMinute = defaultPerMinute
	}
	if o.MaxWaiting <= 0 {
		o.MaxWaiting = defaultMaxWaiting
	}
	if o.MaxPeers <= 0 {
		o.MaxPeers = defaultMaxPeers
	}
	if o.What == "" {
		o.What = defaultWhat
	}
	l := &Limiter{
		prefix:     keyPrefix + o.What + ":",
		limit:      redis_rate.PerMinute(o.PerMinute),
		unlimited:  o.PerMinute < 0,
		maxWaiting: o.MaxWaiting,
		maxPeers:   o.MaxPeers,
		maxWait:    maxWait,
		peers:      map[string]*peer{},
	}
	if o.Client != nil {
		l.counter = redis_rate.NewLimiter(o.Client)
	}
	return l
}

// Begin admits a login attempt of the peer at addr, whose outcome the caller
// must report to the Attempt, whatever happens. While as many attempts of the
// peer are under way as it has failures left, Begin waits for one of them to
// end, 5 seconds at most; the store has 2 seconds to answer. A caller with less
// time sets a deadline on ctx.
//
// It returns a *LimitedError when the peer has no failures left, when too many
// of its attempts are waiting, or when waiting was in vain; and ErrUnavailable
// when the store cannot be asked or ctx ends. An address that is not valid
// counts as a peer of its own, together with all such.
func (l *Limiter) Begin(ctx context.Context, addr netip.Addr) (*Attempt, error) {
	if l.unlimited {
		return &Attempt{}, nil
	}
	p, err := l.enter(peerKey(addr))
	if err != nil {
		return nil, err
	}
	if err := l.admit(ctx, p); err != nil {
		l.leave(p)
		return nil, err
	}
	return &Attempt{limiter: l, peer: p}, nil
}

// Take counts something that the peer at addr does and that has no outcome to
// wait for: each one costs what a failure costs. It returns a *LimitedError when
// the peer has none left, which costs nothing, and ErrUnavailable when the store
// cannot be asked within 2 seconds.
func (l *Limiter) Take(ctx context.Context, addr netip.Addr) error {
	if l.unlimited {
		return nil
	}
	answer, err := l.ask(ctx, "count a request", peerKey(addr), 1)
	if err != nil {
		return err
	}
	if answer.Allowed < 1 {
		return &LimitedError{RetryAfter: max(answer.RetryAfter, time.Millisecond)}
	}
	return nil
}

// peerKey returns what an address counts as. A zone is dropped: it names an
// interface of this machine, and the prefix holds more than one anyway.
func peerKey(addr netip.Addr) string {
	addr = addr.Unmap()
	if !addr.Is6() {
		return addr.String() // "invalid IP" for the zero Addr
	}
	return netip.PrefixFrom(addr.WithZone(""), 64).Masked().String()
}

// left asks the store how many failures a peer has left now. With none, retry
// is when it has one again.
func (l *Limiter) left(ctx context.Context, key string) (n int, retry time.Duration, err error) {
	// Asking for nothing spends nothing, but it is also never refused, so the
	// answer's own RetryAfter says nothing even when none are left.
	answer, err := l.ask(ctx, "look up failures", key, 0)
	if err != nil {
		return 0, 0, err
	}
	// ResetAfter is the debt in time. It may be the period at most, less what
	// one failure costs; the rest has to pass first.
	cost := l.limit.Period / time.Duration(l.limit.Rate)
	return answer.Remaining, max(answer.ResetAfter+cost-l.limit.Period, time.Millisecond), nil
}

// spend tells the store of one failure. A peer that has none left, because
// another replica spent it meanwhile, stays at none.
func (l *Limiter) spend(ctx context.Context, key string) error {
	_, err := l.ask(ctx, "count a failure", key, 1)
	return err
}

// ask puts one question to the store, which takes n failures from a peer if it
// has them. Without an answer it returns ErrUnavailable, which names the step.
func (l *Limiter) ask(ctx context.Context, step, key string, n int) (*redis_rate.Result, error) {
	if l.counter == nil {
		return nil, unavailable(step, errNoClient)
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	answer, err := l.counter.AllowN(ctx, l.prefix+key, l.limit, n)
	if err != nil {
		return nil, unavailable(step, err)
	}
	return answer, nil
}
