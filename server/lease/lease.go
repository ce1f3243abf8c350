package lease

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	defaultLength = 2 * time.Second
	defaultMaxAge = 10 * time.Second
	// marginPart is the part of a time that others' clocks may be wrong by.
	marginPart = 10
	// renewals is how many renewals there are in a lease's length.
	renewals = 3
)

// ErrStopped is returned for a change that this replica can no longer tell the
// others of.
var ErrStopped = errors.New("lease: stopped")

// Options configure New. Those without a default named are required.
type Options struct {
	// Client is the store's.
	Client redis.UniversalClient
	// Graph is the name of the graph that tokens are in.
	Graph string
	// Off says that this replica remembers nothing. It tells others of changes
	// all the same.
	Off bool
	// Length is how long a lease lasts; 2 s when zero. All replicas of a store must
	// have the same.
	Length time.Duration
	// MaxAge is how long anything is remembered at the most; 10 s when zero. All
	// replicas of a store must have the same.
	MaxAge time.Duration
	// Forget is called for every token that has changed, at this replica or another,
	// for what this one knows of it besides what is under Marks, which do not stand
	// any more by then; nil for nothing. ForgetAll is called when any token may have
	// changed, as also when the lease is lost. Neither may block.
	Forget    func(tokenID string)
	ForgetAll func()
	// Now is the time, with the monotonic clock's reading.
	Now     func() time.Time
	Random  io.Reader
	Log     *slog.Logger
	Metrics Metrics
}

// Metrics are called as things happen; nil functions are not.
type Metrics struct {
	// Held: the replica has got a lease, or lost it.
	Held func(held bool)
	// Confirmed: every holder knows of a change, or its lease is over. took is
	// how long that was waited for, tokens how many had changed.
	Confirmed func(took time.Duration, tokens int)
}

func (o *Options) validate() error {
	switch {
	case o.Client == nil:
		return errors.New("lease: Client is missing")
	case o.Graph == "":
		return errors.New("lease: Graph is missing")
	case o.Now == nil:
		return errors.New("lease: Now is missing")
	case o.Random == nil:
		return errors.New("lease: Random is missing")
	case o.Log == nil:
		return errors.New("lease: Log is missing")
	}
	if o.Length == 0 {
		o.Length = defaultLength
	}
	if o.MaxAge == 0 {
		o.MaxAge = defaultMaxAge
	}
	if o.Forget == nil {
		o.Forget = func(string) {}
	}
	if o.ForgetAll == nil {
		o.ForgetAll = func() {}
	}
	if o.Metrics.Held == nil {
		o.Metrics.Held = func(bool) {}
	}
	if o.Metrics.Confirmed == nil {
		o.Metrics.Confirmed = func(time.Duration, int) {}
	}
	return nil
}

// term is the time that a lease of a replica is in force, as hot paths read it.
type term struct {
	// until is on the monotonic clock, since the start; wall in Unix nanoseconds.
	until time.Duration
	wall  int64
}

// renewal is the latest one that was sent.
type renewal struct {
	stamp string
	at    time.Duration
	wall  int64
}

// Lease is a replica's part in the protocol. It is safe for concurrent use.
type Lease struct {
	o Options
	// id is the holder's name, new at every start.
	id string
	// keys are those of the scripts; changes is the channel of changes, and own
	// what begins the channel of a holder.
	keys         []string
	changes, own string
	start        time.Time
	marks        *marks
	term         atomic.Pointer[term]

	mu     sync.Mutex // guards all below
	view   view
	census census
	sent   renewal
	stamps uint64
	// open are the changes that are waited for.
	open map[*change]struct{}
	// queue is the change that the next script will tell; nil for none.
	queue *change
	// confirmations are the latest of each holder.
	confirmations map[string]message
	// owed are the changes to be confirmed: to whom, of which server, up to which.
	owed map[string]message

	renewNow, tellNow, confirmNow chan struct{}
	cancel                        context.CancelFunc
	running                       sync.WaitGroup
	stopped                       chan struct{}
	stopOnce                      sync.Once
}

// New makes a Lease. Nothing is sent yet.
func New(o Options) (*Lease, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	var id [12]byte
	if _, err := io.ReadFull(o.Random, id[:]); err != nil {
		return nil, fmt.Errorf("lease: draw a name: %w", err)
	}
	base := "lease:{falkorpat:" + o.Graph + "}:"
	return &Lease{
		o: o, id: hex.EncodeToString(id[:]),
		keys: []string{base + "holders", base + "count", base + "server"}, changes: base + "changes", own: base + "to:",
		start: o.Now(), marks: newMarks(),
		census: census{term: withMargin(o.Length)},
		open:   make(map[*change]struct{}), owed: make(map[string]message), confirmations: make(map[string]message),
		renewNow: make(chan struct{}, 1), tellNow: make(chan struct{}, 1), confirmNow: make(chan struct{}, 1),
		stopped: make(chan struct{}),
	}, nil
}

// withMargin is how long another's clock may take for a time.
func withMargin(d time.Duration) time.Duration { return d + d/marginPart }

// Start begins the work in the background, until Stop.
func (l *Lease) Start(ctx context.Context) {
	ctx, l.cancel = context.WithCancel(ctx)
	for _, loop := range []func(context.Context){l.renewLoop, l.listenLoop, l.tellLoop, l.confirmLoop} {
		l.running.Go(func() { loop(ctx) })
	}
}

// Stop gives the lease up, tells the store so for as long as ctx allows, and
// ends the work in the background. It may be called again, and without a Start.
func (l *Lease) Stop(ctx context.Context) error {
	var err error
	l.stopOnce.Do(func() {
		close(l.stopped)
		if l.cancel == nil {
			return
		}
		l.cancel()
		l.running.Wait()
		l.mu.Lock()
		l.view.until = 0
		l.term.Store(nil)
		l.mu.Unlock()
		if !l.o.Off {
			err = l.o.Client.HDel(ctx, l.keys[0], l.id).Err()
		}
	})
	if err != nil {
		return fmt.Errorf("lease: leave the holders: %w", err)
	}
	return nil
}

// clock is the time since the start, on the monotonic clock.
func (l *Lease) clock() time.Duration { return l.o.Now().Sub(l.start) }

// Mark must be taken before the store is asked about a token.
func (l *Lease) Mark(tokenID string, now time.Time) Mark {
	return Mark{Point: l.marks.take(tokenID), until: now.Sub(l.start) + l.o.MaxAge}
}

// Shorten limits what was asked after a Mark was taken to an age of less than
// MaxAge.
func (l *Lease) Shorten(m Mark, age time.Duration) Mark {
	m.until -= l.o.MaxAge - age
	return m
}

// Trusted tells whether what was asked after a Mark was taken may be used for a
// request that came before now.
func (l *Lease) Trusted(m Mark, now time.Time) bool {
	return l.Held(now) && now.Sub(l.start) < m.until && l.marks.stands(m.Point)
}

// Stands tells whether nothing can have changed since a Mark was taken, however
// long ago that was.
func (l *Lease) Stands(m Mark, now time.Time) bool { return l.Held(now) && l.marks.stands(m.Point) }

// Held tells whether there is a lease at now.
func (l *Lease) Held(now time.Time) bool {
	t := l.term.Load()
	return t != nil && now.Sub(l.start) < t.until && now.UnixNano() < t.wall
}

// Off tells whether this replica remembers nothing at all.
func (l *Lease) Off() bool { return l.o.Off }

// Drop makes this replica, and no other, forget what it knows of a token.
func (l *Lease) Drop(tokenID string) { l.marks.drop(tokenID) }

// wake tells a loop that there is something to do.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it has been told already
	}
}

// wait waits for a while; false when ctx ends first.
func wait(ctx context.Context, d time.Duration, early <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-early:
	}
	return true
}
