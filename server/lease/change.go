package lease

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxNamed is how many tokens a change names; one of more is of everything, which
// so many would nearly be anyway.
const maxNamed = 4096

// retryPause is the pause between tries to tell others of a change.
const retryPause = 50 * time.Millisecond

// change is what one script tells: tokens that have changed, of one or more
// callers.
type change struct {
	ids []string
	// from is when the last caller came.
	from time.Duration
	// told is closed once the script has run, or need not run any more, or when err
	// is set; confirmed when all holders have confirmed.
	told, confirmed chan struct{}
	// wait is what remains to be waited for; nil for nothing.
	wait *confirmation
	err  error
}

// Changed tells every replica that tokens have changed, which the store must
// have committed already. When it returns nil, none uses what it learnt before.
//
// It takes as long as the slowest holder, a lease's length and a tenth when one
// does not answer, and MaxAge and a tenth when the store does not. It returns
// early with an error, and without a promise, when ctx ends, and ErrStopped.
func (l *Lease) Changed(ctx context.Context, tokenIDs ...string) error {
	if len(tokenIDs) == 0 {
		return nil
	}
	start := l.clock()
	for _, id := range tokenIDs {
		l.marks.drop(id)
		l.o.Forget(id)
	}
	c := l.enqueue(tokenIDs, start)
	if err := l.await(ctx, c.told, nil); err != nil {
		return err
	}
	if c.err != nil {
		return c.err
	}
	if err := l.awaitHolders(ctx, c); err != nil {
		return err
	}
	l.o.Metrics.Confirmed(l.clock()-start, len(tokenIDs))
	return nil
}

func (l *Lease) enqueue(ids []string, now time.Duration) *change {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.queue == nil {
		l.queue = &change{told: make(chan struct{}), confirmed: make(chan struct{})}
	}
	l.queue.from = now
	l.queue.ids = append(l.queue.ids, ids...)
	wake(l.tellNow)
	return l.queue
}

// await waits for a channel to be closed, or for a time.
func (l *Lease) await(ctx context.Context, done <-chan struct{}, timeout <-chan time.Time) error {
	select {
	case <-done:
	case <-timeout:
	case <-l.stopped:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // the caller's own
	}
	return nil
}

// awaitHolders waits until every holder has confirmed a change, or its lease is
// over.
func (l *Lease) awaitHolders(ctx context.Context, c *change) error {
	confirmed := c.confirmed
	for {
		left := l.left(c)
		if left <= 0 {
			return nil
		}
		timer := time.NewTimer(left)
		err := l.await(ctx, confirmed, timer.C)
		timer.Stop()
		if err != nil {
			return err
		}
		confirmed = nil // what is left then is a matter of time
	}
}

// left is how long a change is still to be waited for if nobody else confirms.
func (l *Lease) left(c *change) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.wait == nil {
		return 0
	}
	left := c.wait.until() - l.clock()
	if left <= 0 {
		delete(l.open, c)
	}
	return left
}

// tellLoop tells changes, all that have come meanwhile at once.
func (l *Lease) tellLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.tellNow:
		}
		l.mu.Lock()
		c := l.queue
		l.queue = nil
		l.mu.Unlock()
		if c != nil {
			l.tell(ctx, c)
		}
	}
}

// tell tells a change to the others, or waits until there is no need to.
func (l *Lease) tell(ctx context.Context, c *change) {
	defer close(c.told)
	names := namesOf(c.ids)
	failed := false
	for {
		err := l.tellOnce(ctx, c, names)
		if err == nil || l.clock()-c.from >= withMargin(l.o.MaxAge) {
			return
		}
		if !failed && ctx.Err() == nil {
			failed = true
			l.o.Log.WarnContext(ctx, "other replicas cannot be told of a change; its answer waits until they have forgotten", "error", err)
		}
		if !wait(ctx, retryPause, nil) {
			c.err = ErrStopped
			return
		}
	}
}

// namesOf writes token IDs down. Those of other programs could be anything.
func namesOf(ids []string) string {
	if len(ids) > maxNamed || slices.ContainsFunc(ids, func(id string) bool { return strings.ContainsAny(id, " ,*") }) {
		return everything
	}
	return strings.Join(ids, ",")
}

func (l *Lease) tellOnce(ctx context.Context, c *change, names string) error {
	ctx, cancel := context.WithTimeout(ctx, l.o.Length/2)
	defer cancel()
	reply, err := changeScript.Run(ctx, l.o.Client, l.keys, l.id, l.changes, names).Result()
	if err != nil {
		return err //nolint:wrapcheck // logged as it is
	}
	t, err := parseTable(reply)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.census.note(l.clock(), t)
	c.wait = l.census.await(t.seq, l.id)
	l.open[c] = struct{}{}
	for _, m := range l.confirmations {
		c.wait.applied(m.server, m.subject, m.seq) // it may have been faster than the table
	}
	l.settle(c)
	return nil
}

// applied takes in that a holder has applied changes.
func (l *Lease) applied(m message) {
	l.confirmations[m.subject] = m
	for c := range l.open {
		c.wait.applied(m.server, m.subject, m.seq)
		l.settle(c)
	}
}

// settle ends the wait for confirmations once there are none to come.
func (l *Lease) settle(c *change) {
	if len(c.wait.ends) == 0 {
		delete(l.open, c)
		close(c.confirmed)
	}
}

func stampText(n uint64) string { return strconv.FormatUint(n, 36) }
