package tokens

import (
	"context"
	"log/slog"
	"sync"
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

// entry is what the recorder knows of one token.
type entry struct {
	use store.Use
	// written is when the store last got a use of this token.
	written time.Time
	// pending is whether use is newer than what the store has.
	pending bool
}

// recorder keeps the latest use of each token and writes it in batches, each
// token at most once an interval.
type recorder struct {
	store    *store.Store
	now      func() time.Time
	log      *slog.Logger
	interval time.Duration

	mu      sync.Mutex
	entries map[string]entry
	dropped int

	loop loop
}

func newRecorder(o Options) *recorder {
	r := &recorder{
		store: o.Store, now: o.Now, log: o.Log, interval: o.UsageInterval,
		entries: make(map[string]entry),
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

// record notes a use. stored is the time of the use that the store has.
func (r *recorder) record(use store.Use, stored time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, known := r.entries[use.TokenID]
	if !known && len(r.entries) >= maxRecorded {
		r.dropped++
		return
	}
	if stored.After(e.written) {
		e.written = stored // another replica wrote it
	}
	e.use, e.pending = use, true
	r.entries[use.TokenID] = e
}

// latest gives the latest use that this replica has seen and still holds.
func (r *recorder) latest(tokenID string) (store.Use, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.entries[tokenID]
	return e.use, ok
}

// flush writes the uses that are due, or all that are pending. What cannot be
// written stays for the next time.
func (r *recorder) flush(ctx context.Context, all bool) error {
	uses, dropped := r.take(all)
	if dropped > 0 {
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
		uses = uses[len(batch):]
	}
	return nil
}

// take marks as written what is to be written now, and forgets tokens that
// have not been used for an interval.
func (r *recorder) take(all bool) (uses []store.Use, dropped int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	for id, e := range r.entries {
		due := now.Sub(e.written).Abs() >= r.interval // also when the clock was set back
		switch {
		case e.pending && (due || all):
			uses = append(uses, e.use)
			e.pending, e.written = false, now
			r.entries[id] = e
		case !e.pending && due:
			delete(r.entries, id)
		}
	}
	dropped, r.dropped = r.dropped, 0
	return uses, dropped
}

// giveBack makes uses pending again, unless newer ones have come meanwhile.
func (r *recorder) giveBack(uses []store.Use) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, use := range uses {
		e := r.entries[use.TokenID]
		e.written = time.Time{}
		if !e.pending {
			e.use, e.pending = use, true
		}
		r.entries[use.TokenID] = e
	}
}
