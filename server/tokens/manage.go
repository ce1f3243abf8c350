package tokens

import (
	"cmp"
	"context"
	"encoding/base64"
	"net/netip"
	"slices"
	"time"

	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/store"
)

// Get finds a token by its ID, whatever its status. It returns
// store.ErrNotFound when there is none.
func (s *Service) Get(ctx context.Context, id string) (*store.Token, error) {
	t, err := s.store.TokenByID(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.Current(t), nil
}

// Current completes a row with what this replica knows better: uses that are
// not written yet.
func (s *Service) Current(t *store.Token) *store.Token {
	if use, ok := s.recorder.latest(t.ID); ok && use.At.After(t.LastUse.At) {
		t.LastUse = use
	}
	return canonical(t)
}

// ListRequest says which tokens of an instance to list.
type ListRequest struct {
	Instance instance.Instance
	// Username narrows the list to one user; empty for every user.
	Username string
	// Status narrows the list to one status; empty for every status.
	Status store.Status
	// Cursor is Page.Next of the page before; empty for the first.
	Cursor string
	// Limit bounds the page, at least 1.
	Limit int
}

// Page is a part of a list.
type Page struct {
	Tokens []*store.Token
	// Next is the cursor of the page that follows; empty on the last one.
	Next string
}

// List lists tokens, newest first. It returns a *FieldError for a cursor that
// no page had.
func (s *Service) List(ctx context.Context, r ListRequest) (*Page, error) {
	before, err := decodeCursor(r.Cursor)
	if err != nil {
		return nil, err
	}
	found, err := s.store.ListTokens(ctx, store.ListQuery{
		Hosts: instance.Aliases(r.Instance.Host), Port: r.Instance.Port, Username: r.Username,
		Status: r.Status, Now: s.now(), Before: before,
		Limit: r.Limit + 1, // one more tells whether a page follows
	})
	if err != nil {
		return nil, err
	}
	page := &Page{Tokens: found}
	if len(found) > r.Limit {
		page.Tokens = found[:r.Limit]
		page.Next = encodeCursor(page.Tokens[r.Limit-1].ID)
	}
	for _, t := range page.Tokens {
		s.Current(t)
	}
	return page, nil
}

// A cursor is the ID of a page's last token: tokens that come or go meanwhile
// move nothing.
func encodeCursor(id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(id))
}

func decodeCursor(cursor string) (string, error) {
	id, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || !isTokenID(id) {
		return "", &FieldError{"cursor", "must be the next_cursor of an earlier answer"}
	}
	return string(id), nil
}

// isTokenID tells whether a text could be an ID; the empty one stands for none.
func isTokenID(id []byte) bool {
	for _, c := range id {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' {
			return false
		}
	}
	return len(id) <= 64
}

// RevokeRequest says who revokes a token, and from where.
type RevokeRequest struct {
	By   store.User
	From netip.Addr
	// KeepSuccessor spares the token that took this one's place, if there is one.
	KeepSuccessor bool
	// Reason is why, as events tell it; store.ReasonDirect when empty.
	Reason string
}

// Revoke ends a token, all that it was rotated from or to, and all made from
// any of these. It tells whether the token worked or had only expired before, in
// contrast to having been revoked already.
func (s *Service) Revoke(ctx context.Context, t *store.Token, r RevokeRequest) (bool, error) {
	event := s.audit.Success(ctx, store.ActionTokenRevoked, t)
	event.Reason = cmp.Or(r.Reason, store.ReasonDirect)
	ended, err := s.store.RevokeToken(ctx, store.Revocation{
		TokenID: t.ID, By: r.By, At: s.now().Truncate(time.Second), IP: r.From.String(),
		KeepSuccessor: r.KeepSuccessor && t.RotatedTo != "", Event: event,
	})
	if err != nil {
		return false, err
	}
	s.changed(ended...)
	return slices.Contains(ended, t.ID), nil
}

// changed is called after every change to tokens that decides whether they are
// accepted, and for what: nothing remembered of them counts from then on.
func (s *Service) changed(ids ...string) {
	for _, id := range ids {
		s.keeper.Forget(id)
	}
}
