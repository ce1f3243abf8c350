package tokens

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/store"
)

const (
	// bulkBatch is how many tokens one query revokes, with all that falls with them.
	bulkBatch = 100
	// maxKept is how many IDs Bulk.Kept holds at most.
	maxKept = 1000
	// bulkTime is how long one call goes on beginning batches; the first one it
	// begins anyhow.
	bulkTime = 10 * time.Second
)

// Verdict says what may be done to a token.
type Verdict int

// The verdicts.
const (
	// Hidden is for a token that does not exist for whoever asks.
	Hidden Verdict = iota
	Forbidden
	Allowed
)

// BulkRequest says which tokens to revoke: those with some IDs, or those that a filter
// finds.
type BulkRequest struct {
	By   store.User
	From netip.Addr
	// Asking is the token that asks; nil for a session. It is found by its ID
	// only: a filter passes over it, and over those that it would fall with.
	Asking *store.Token
	// IDs name tokens, each once, and Judge says what may be done to each.
	IDs   []string
	Judge func(*store.Token) Verdict
	// Filter counts when there are no IDs. Whose tokens it may find has been
	// decided. Revoked ones it does not find.
	Filter Filter
	// DryRun finds out what would be done, and does nothing.
	DryRun bool
}

// Bulk is what became of a BulkRequest. Its lists hold IDs, and are never nil.
type Bulk struct {
	DryRun bool
	// Matched counts the tokens that were asked for and may be revoked.
	Matched int
	// Revoked counts those that this call ended, with all that fell with them.
	// Already counts those of Matched that somebody else had revoked.
	Revoked, Already int
	// NotFound and NotAllowed are of the IDs given, Kept what the filter passed over.
	NotFound, NotAllowed, Kept []string
	// Complete is false when there was no time for all: the same call again
	// takes the next ones.
	Complete bool
}

// RevokeMany revokes tokens as Revoke does each, in batches of which each ends
// as a whole or not at all. When it returns, no replica accepts what it has ended. After an error some may be done; the same call again
// does the rest.
//
// It returns a *FieldError for a filter that contradicts itself.
func (s *Service) RevokeMany(ctx context.Context, r BulkRequest) (*Bulk, error) {
	b := &bulk{
		service: s, request: &r, ended: make(map[string]bool), until: s.now().Add(bulkTime),
		Bulk: Bulk{DryRun: r.DryRun, NotFound: []string{}, NotAllowed: []string{}, Kept: []string{}, Complete: true},
	}
	run := b.byFilter
	if len(r.IDs) > 0 {
		run = b.byID
	}
	if err := run(ctx); err != nil {
		return nil, err
	}
	b.Revoked, b.Already = len(b.ended), len(b.already)
	if r.DryRun {
		return &b.Bulk, nil
	}
	return &b.Bulk, s.tellAgain(ctx, b.already...)
}

// bulk is a BulkRequest under way.
type bulk struct {
	Bulk
	service *Service
	request *BulkRequest
	// ended are the IDs of the tokens that have been ended, or would be.
	ended map[string]bool
	// already are the IDs of those that somebody else has revoked.
	already []string
	until   time.Time
}

func (b *bulk) byID(ctx context.Context) error {
	found, err := b.service.store.TokensByID(ctx, b.request.IDs)
	if err != nil {
		return err
	}
	tokens := make(map[string]*store.Token, len(found))
	for _, t := range found {
		tokens[t.ID] = canonical(t)
	}
	left, now := make([]string, 0, len(tokens)), b.service.now()
	for _, id := range b.request.IDs {
		t, verdict := tokens[id], Hidden
		if t != nil {
			verdict = b.request.Judge(t)
		}
		switch {
		case verdict == Hidden:
			b.NotFound = append(b.NotFound, id)
		case verdict == Forbidden:
			b.NotAllowed = append(b.NotAllowed, id)
		case t.Status(now) == store.StatusRevoked:
			b.Matched++
			b.already = append(b.already, id)
		default:
			left = append(left, id)
		}
	}
	for len(left) > 0 {
		batch := left[:min(bulkBatch, len(left))]
		if err := b.end(ctx, batch); err != nil {
			return err
		}
		if left = left[len(batch):]; len(left) > 0 && !b.hasTime() {
			return nil
		}
	}
	return nil
}

func (b *bulk) byFilter(ctx context.Context) error {
	if err := b.request.Filter.validate(); err != nil {
		if field := (*FieldError)(nil); errors.As(err, &field) {
			return &FieldError{"filter." + field.Field, field.Message}
		}
		return err
	}
	kept, err := b.kept(ctx)
	if err != nil {
		return err
	}
	by := b.request.By
	q := b.request.Filter.query(instance.Instance{Host: by.Host, Port: by.Port}, b.service.now())
	q.Limit = bulkBatch
	for {
		page, err := b.service.store.ListTokens(ctx, q)
		if err != nil {
			return err
		}
		var batch []string
		for _, t := range page.Tokens {
			if !kept[t.ID] {
				batch = append(batch, t.ID)
			} else if len(b.Kept) < maxKept {
				b.Kept = append(b.Kept, t.ID)
			}
		}
		if err := b.end(ctx, batch); err != nil {
			return err
		}
		if q.From = page.Next; q.From == nil || !b.hasTime() {
			return nil
		}
	}
}

// kept are the tokens that a filter passes over.
func (b *bulk) kept(ctx context.Context) (map[string]bool, error) {
	if b.request.Asking == nil {
		return nil, nil //nolint:nilnil // none
	}
	ids, err := b.service.store.Lineage(ctx, b.request.Asking.ID)
	kept := make(map[string]bool, len(ids))
	for _, id := range ids {
		kept[id] = true
	}
	return kept, err
}

// hasTime tells whether there is time for another batch, and takes note if not.
func (b *bulk) hasTime() bool {
	b.Complete = b.service.now().Before(b.until)
	return b.Complete
}

// end ends a batch. Those that fell with an earlier one of this call are not
// asked for again.
func (b *bulk) end(ctx context.Context, ids []string) error {
	b.Matched += len(ids)
	var left []string
	for _, id := range ids {
		if !b.ended[id] {
			left = append(left, id)
		}
	}
	if len(left) == 0 {
		return nil
	}
	ended, err := b.revoke(ctx, left)
	if err != nil {
		return err
	}
	for _, id := range ended {
		b.ended[id] = true
	}
	for _, id := range left {
		if !b.ended[id] {
			b.already = append(b.already, id)
		}
	}
	return nil
}

func (b *bulk) revoke(ctx context.Context, ids []string) ([]string, error) {
	s := b.service
	if b.request.DryRun {
		return s.store.WouldRevoke(ctx, ids)
	}
	start := s.now()
	event := s.audit.Success(ctx, store.ActionTokenRevoked, &store.Token{User: b.request.By}) // and completed with each token
	event.Reason = store.ReasonBulk
	ended, err := s.store.RevokeTokens(ctx, ids, store.Revocation{
		By: b.request.By, At: s.now().Truncate(time.Second), IP: b.request.From.String(), Event: event,
	})
	if err != nil {
		return nil, err
	}
	if err := s.changed(ctx, ended...); err != nil || len(ended) == 0 {
		return ended, err
	}
	s.metrics.Revoked(s.now().Sub(start))
	return ended, nil
}
