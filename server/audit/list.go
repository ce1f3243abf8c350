package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/store"
)

// Page is a part of a history, newest first.
type Page struct {
	Events []store.Event
	// Next is the cursor of the page that follows; empty on the last one.
	Next string
}

// List lists events, newest first; those that were made until now are among
// them. The cursor is Page.Next of the page before, empty for the first. It
// returns crypto.ErrCursor for a cursor that no page of this list had.
func (s *Service) List(ctx context.Context, q store.EventQuery, cursor string) (*Page, error) {
	next, err := s.openCursor(&q, cursor)
	if err != nil {
		return nil, err
	}
	chain, err := s.current(ctx, q.Instance)
	if err != nil {
		return nil, err
	}
	limit := q.Limit
	q.Until, q.After = min(next, chain.Head.Seq), chain.Anchor.Seq
	q.Limit++ // one more tells whether a page follows
	page := &Page{}
	if page.Events, err = s.store.Events(ctx, q); err != nil {
		return nil, err
	}
	if len(page.Events) > limit {
		page.Events = page.Events[:limit]
		page.Next, err = s.signCursor(&q, page.Events[limit-1].Seq-1)
	}
	return page, err
}

// A cursor is the number that a page begins with, bound to what is listed.
func (s *Service) signCursor(q *store.EventQuery, seq int64) (string, error) {
	what, err := listed(q)
	if err != nil {
		return "", err
	}
	return s.signing.SignCursor(strconv.AppendInt(nil, seq, 10), what)
}

// openCursor gives the number; the largest for no cursor.
func (s *Service) openCursor(q *store.EventQuery, cursor string) (int64, error) {
	if cursor == "" {
		return math.MaxInt64, nil
	}
	what, err := listed(q)
	if err != nil {
		return 0, err
	}
	place, err := s.signing.OpenCursor(cursor, what)
	if err != nil {
		return 0, err
	}
	seq, err := strconv.ParseInt(string(place), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", crypto.ErrCursor, err)
	}
	return seq, nil
}

// listed is all of a query that two pages of one list have in common. Nobody
// else's cursors begin so.
func listed(q *store.EventQuery) ([]byte, error) {
	what, err := json.Marshal([...]any{"events", q.Instance, q.TokenID, q.Username, q.Action, q.Outcome, q.Since.UTC(), q.Before.UTC()})
	if err != nil {
		return nil, fmt.Errorf("encode what is listed: %w", err)
	}
	return what, nil
}

// current writes what waits, and gives the chain with it.
func (s *Service) current(ctx context.Context, instance string) (store.Chain, error) {
	if err := s.runOnce(ctx); err != nil {
		return store.Chain{}, err
	}
	return s.store.Chain(ctx, instance)
}

// exportBatch is how many events an export holds in memory.
const exportBatch = 500

// Export gives the events of an instance, oldest first, batch by batch, to each,
// after the chain's state to begin. It ends early with the error of either.
func (s *Service) Export(
	ctx context.Context, q store.EventQuery, begin func(store.Chain) error, each func([]store.Event) error,
) error {
	chain, err := s.current(ctx, q.Instance)
	if err != nil {
		return err
	}
	if err := begin(chain); err != nil {
		return err
	}
	for after := chain.Anchor.Seq; after < chain.Head.Seq; after += exportBatch {
		q.After, q.Until, q.Limit = after, min(chain.Head.Seq, after+exportBatch), exportBatch
		events, err := s.store.Events(ctx, q)
		if err != nil {
			return err
		}
		if err := each(reversed(events)); err != nil {
			return err
		}
	}
	return nil
}

func reversed(events []store.Event) []store.Event {
	turned := make([]store.Event, len(events))
	for i := range events {
		turned[len(events)-1-i] = events[i]
	}
	return turned
}
