package tokens

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/falkorpat/falkorpat/server/access"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/store"
)

// Filter says which tokens of an instance are meant. All that it says must hold.
type Filter struct {
	// Username is whose they are; empty for every user's.
	Username string
	// Statuses are those that they may have; none for every status.
	Statuses []store.Status
	// Name is contained in their names, in upper or lower case.
	Name string
	// Created, Expires and LastUsed are when.
	Created, Expires, LastUsed Period
	// NeverUsed leaves those that have never been used.
	NeverUsed bool
	// Graph is a graph that they may touch; empty for any.
	Graph string
}

// Period is a stretch of time between two moments; nil is no bound.
type Period struct{ After, Before *time.Time }

// validate returns a *FieldError for what no token can be like.
func (f *Filter) validate() error {
	for _, text := range [...]struct{ field, value string }{{"username", f.Username}, {"name", f.Name}, {"graph", f.Graph}} {
		if !utf8.ValidString(text.value) || strings.ContainsFunc(text.value, unicode.IsControl) {
			return &FieldError{text.field, "must be valid Unicode without control characters"}
		}
	}
	for _, period := range [...]struct {
		field string
		value Period
	}{{"created", f.Created}, {"expires", f.Expires}, {"last_used", f.LastUsed}} {
		if p := period.value; p.After != nil && p.Before != nil && !p.After.Before(*p.Before) {
			return &FieldError{period.field + "_before", "must be after " + period.field + "_after"}
		}
	}
	if f.NeverUsed && f.LastUsed != (Period{}) {
		return &FieldError{"never_used", "must not be given together with last_used_after or last_used_before"}
	}
	return nil
}

// query begins the store's query for the filter.
func (f *Filter) query(i instance.Instance, now time.Time) store.ListQuery {
	q := store.ListQuery{
		Hosts: instance.Aliases(i.Host), Port: i.Port, Username: f.Username, Statuses: f.Statuses, Now: now,
		Name: f.Name, Created: f.Created.stored(), Expires: f.Expires.stored(), LastUsed: f.LastUsed.stored(), NeverUsed: f.NeverUsed,
		Sort: store.SortCreated, Descending: true,
	}
	if f.Graph != "" {
		q.Graphs = func(patterns []string) bool { return access.MatchesGraph(patterns, f.Graph) }
	}
	return q
}

// stored is the period as the store has it. The zero time stands for no bound
// there, so that very moment gives way to another one before all tokens.
func (p Period) stored() store.Period {
	bound := func(t *time.Time) time.Time {
		switch {
		case t == nil:
			return time.Time{}
		case t.IsZero():
			return time.Unix(0, 0)
		default:
			return *t
		}
	}
	return store.Period{After: bound(p.After), Before: bound(p.Before)}
}

// ListRequest says which tokens of an instance to list, and how.
type ListRequest struct {
	Instance instance.Instance
	Filter   Filter
	// Sort and Descending are the order.
	Sort       store.Sort
	Descending bool
	// Cursor is Page.Next of the page before; empty for the first.
	Cursor string
	// Limit bounds the page, at least 1.
	Limit int
	// Total asks for Page.Total.
	Total bool
}

// Page is a part of a list.
type Page struct {
	Tokens []*store.Token
	// Next is the cursor of the page that follows; empty on the last one.
	Next string
	// Total is how many tokens all pages hold; nil unless asked for.
	Total *int
}

// List lists tokens. It returns a *FieldError for a filter that contradicts
// itself, and for a cursor that no page of this very list had.
func (s *Service) List(ctx context.Context, r ListRequest) (*Page, error) {
	if err := r.Filter.validate(); err != nil {
		return nil, err
	}
	from, err := s.openCursor(&r)
	if err != nil {
		return nil, err
	}
	q := r.Filter.query(r.Instance, s.now())
	q.Sort, q.Descending, q.From, q.Limit = r.Sort, r.Descending, from, r.Limit
	found, err := s.store.ListTokens(ctx, q)
	if err != nil {
		return nil, err
	}
	page := &Page{Tokens: found.Tokens}
	if page.Next, err = s.signCursor(&r, found.Next); err != nil {
		return nil, err
	}
	if r.Total {
		total, err := s.store.CountTokens(ctx, q)
		if err != nil {
			return nil, err
		}
		page.Total = &total
	}
	for _, t := range page.Tokens {
		s.Current(t)
	}
	return page, nil
}

// A cursor holds the store's place in the list, so that tokens that come or go
// meanwhile move nothing. It is signed together with what the list is, because
// a place means nothing in another one.
func (s *Service) signCursor(r *ListRequest, place *store.Place) (string, error) {
	if place == nil {
		return "", nil
	}
	text, err := json.Marshal(place)
	if err != nil {
		return "", fmt.Errorf("write cursor: %w", err)
	}
	context, err := r.context()
	if err != nil {
		return "", err
	}
	return s.signing.SignCursor(text, context)
}

func (s *Service) openCursor(r *ListRequest) (*store.Place, error) {
	if r.Cursor == "" {
		return nil, nil //nolint:nilnil // the first page begins at no place
	}
	context, err := r.context()
	if err != nil {
		return nil, err
	}
	text, err := s.signing.OpenCursor(r.Cursor, context)
	place := new(store.Place)
	if err != nil || json.Unmarshal(text, place) != nil {
		return nil, &FieldError{"cursor", "must be the next_cursor of an earlier answer to the same filters and order"}
	}
	return place, nil
}

// context is what a cursor is good for.
func (r *ListRequest) context() ([]byte, error) {
	list := struct {
		Instance   instance.Instance
		Filter     Filter
		Sort       store.Sort
		Descending bool
	}{r.Instance, r.Filter, r.Sort, r.Descending}
	text, err := json.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("write what a cursor is for: %w", err)
	}
	return text, nil
}
