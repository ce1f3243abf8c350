package tokens

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/falkorpat/falkorpat/store"
)

const (
	// maxRecorded bounds the tokens whose latest use is held in memory. Above
	// it, uses of further tokens are not recorded until others are written.
	maxRecorded = 100_000
	// flushBatch is how many uses one query writes.
	flushBatch = 200
)

// usage is the latest use of one token. Each has a lock of its own, held for a
// few nanoseconds, and noting a use allocates nothing.
type usage struct {
	tokenID string

	mu    sync.Mutex
	ip    netip.Addr
	agent string
	// at is when, in Unix seconds; 0 before the first use.
	at int64
	// written is when the store last got a use of this token, in Unix seconds; 0 for
	// never.
	written int64
	// pending is whether the use is newer than what the store has.
	pending bool
	// gone says that the recorder has forgotten it: what is noted here is lost.
	gone bool
}

// note notes a use; false when the usage is gone. Where lists show another use
// from now on, that is counted.
func (u *usage) note(at time.Time, client Client, shown *atomic.Uint64) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.gone {
		return false
	}
	if u.at != at.Unix() || u.agent != client.Agent || u.ip != client.IP {
		shown.Add(1) // who reads the use of this count has to wait for the lock
	}
	u.at, u.ip, u.agent, u.pending = at.Unix(), client.IP, client.Agent, true
	return true
}

// latest is the use for the store; the lock must be held.
func (u *usage) latest() store.Use {
	return store.Use{TokenID: u.tokenID, At: time.Unix(u.at, 0).UTC(), IP: u.ip.String(), Agent: u.agent}
}

// recorder keeps the latest use of each token and writes it in batches, each
// token at most once an interval.
type recorder struct {
	store    *store.Store
	now      func() time.Time
	log      *slog.Logger
	metrics  Metrics
	interval time.Duration
	dropped  atomic.Int64
	// shown counts the changes of what latest gives.
	shown atomic.Uint64

	// mu guards usages. It is never taken while a usage's own lock is held.
	mu     sync.RWMutex
	usages map[string]*usage

	loop loop
}

func newRecorder(o Options) *recorder {
	r := &recorder{
		store: o.Store, now: o.Now, log: o.Log, metrics: o.Metrics, interval: o.UsageInterval,
		usages: make(map[string]*usage),
	}
	r.loop = loop{interval: o.FlushInterval, run: func(ctx context.Context) { _ = r.flush(ctx, false) }}
	return r
}

func (r *recorder) start(ctx context.Context) { r.loop.start(ctx) }

// stop ends the loop and writes what is pending, due or not.
func (r *recorder) stop(ctx context.Context) error {
	r.loop.stop()
	return r.flush(ctx, true)
}

// record notes a use of a token. place remembers where its uses are noted.
func (r *recorder) record(t *store.Token, place *atomic.Pointer[usage], at time.Time, client Client) {
	if u := place.Load(); u != nil && u.note(at, client, &r.shown) {
		return
	}
	for { // a new one may be gone only when an interval passes meanwhile
		u := r.usageOf(t)
		if u == nil {
			r.dropped.Add(1)
			return
		}
		place.Store(u)
		if u.note(at, client, &r.shown) {
			return
		}
	}
}

// usageOf finds where a token's uses are noted; nil when there are too many.
func (r *recorder) usageOf(t *store.Token) *usage {
	r.mu.Lock()
	defer r.mu.Unlock()
	u, known := r.usages[t.ID]
	if !known {
		if len(r.usages) >= maxRecorded {
			return nil
		}
		u = &usage{tokenID: t.ID}
		r.usages[t.ID] = u
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if !t.LastUse.At.IsZero() {
		u.written = max(u.written, t.LastUse.At.Unix()) // another replica wrote it
	}
	return u
}

// latest gives the latest use that this replica has seen and still holds.
func (r *recorder) latest(tokenID string) (store.Use, bool) {
	r.mu.RLock()
	u, ok := r.usages[tokenID]
	r.mu.RUnlock()
	if !ok {
		return store.Use{}, false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.latest(), u.at != 0
}

func (r *recorder) size() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.usages)
}

// flush writes the uses that are due, or all that are pending. What cannot be
// written stays for the next time.
func (r *recorder) flush(ctx context.Context, all bool) error {
	uses := r.take(all)
	if dropped := r.dropped.Swap(0); dropped > 0 {
		r.metrics.Dropped(int(dropped))
		r.log.WarnContext(ctx, "more tokens in use than are recorded; some uses were not noted", "uses", dropped)
	}
	for len(uses) > 0 {
		batch := uses[:min(flushBatch, len(uses))]
		if err := r.store.RecordUses(ctx, batch); err != nil {
			r.giveBack(uses)
			if ctx.Err() == nil {
				r.log.WarnContext(ctx, "uses of tokens not written; they are kept for the next try", "uses", len(uses), "error", err)
			}
			return err
		}
		r.metrics.Written(len(batch))
		uses = uses[len(batch):]
	}
	return nil
}

// take marks as written what is to be written now, and forgets tokens that
// have not been used for an interval.
func (r *recorder) take(all bool) []store.Use {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	var uses []store.Use
	for id, u := range r.usages {
		u.mu.Lock()
		due := now.Sub(time.Unix(u.written, 0)).Abs() >= r.interval // also when the clock was set back
		switch {
		case u.pending && (due || all):
			uses = append(uses, u.latest())
			u.pending, u.written = false, now.Unix()
		case !u.pending && due:
			u.gone = true
			delete(r.usages, id)
		}
		u.mu.Unlock()
	}
	return uses
}

// giveBack makes uses pending again. Newer ones may have come meanwhile, which
// are written in their place.
func (r *recorder) giveBack(uses []store.Use) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, use := range uses {
		if u, ok := r.usages[use.TokenID]; ok {
			u.mu.Lock()
			u.written, u.pending = 0, true
			u.mu.Unlock()
		}
	}
}
