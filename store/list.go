package store

import (
	"context"
	"fmt"
	"time"
)

// ListQuery says which tokens to list, and in which order.
type ListQuery struct {
	// Hosts are all spellings of the instance's host, Port is its port.
	Hosts []string
	Port  int
	// Username narrows the list to one user; empty for every user.
	Username string
	// Statuses narrow the list to tokens that have one of them at Now; none for
	// every status.
	Statuses []Status
	Now      time.Time
	// Name narrows the list to tokens whose name holds this text, in upper or
	// lower case.
	Name string
	// Created, Expires and LastUsed narrow the list to tokens whose times are
	// known and lie within.
	Created, Expires, LastUsed Period
	// NeverUsed narrows the list to tokens that have never been used.
	NeverUsed bool
	// Graphs narrows the list to tokens whose graph patterns it approves of; nil
	// for all tokens. It is given nil where a token has no such limit.
	Graphs func(patterns []string) bool

	// Sort says by which property the list is in order, SortCreated when empty, Descending in which
	// direction. Tokens that are alike in it are in the order of their creation.
	Sort       Sort
	Descending bool
	// From is the place that the page begins after; nil for the first page.
	From *Place
	// Limit bounds the page, at least 1.
	Limit int
}

// Sort is a property that lists can be sorted by.
type Sort string

// The properties.
const (
	SortCreated Sort = "created"
	// SortExpires puts tokens that never expire after all others.
	SortExpires Sort = "expires"
	// SortLastUsed puts tokens that were never used before all others.
	SortLastUsed Sort = "last_used"
	// SortName disregards upper and lower case.
	SortName Sort = "name"
)

// Period is a stretch of time: after After and before Before. The zero time is
// no bound.
type Period struct{ After, Before time.Time }

// Place is a place in a list: behind one token and before the next. It stays
// there when tokens come or go. It is good for the same query only.
type Place struct {
	// Never says that the place is among the tokens without the time that the
	// list is sorted by. At is that time, or else the one of creation.
	Never bool  `json:"n,omitempty"`
	At    int64 `json:"a,omitempty"`
	// Name is the name in lower case where the list is sorted by it.
	Name string `json:"t,omitempty"`
	// ID is the token's.
	ID string `json:"i,omitempty"`
}

// Page is a part of a list.
type Page struct {
	// Tokens are never nil. SealedPassword and CA are left empty.
	Tokens []*Token
	// Next is the place that the next page begins after; nil at the end.
	Next *Place
}

// maxExamined is how many candidates a page looks at: where few of them are
// listed, it may end before it is full.
const maxExamined = 10_000

// ListTokens lists tokens of one instance, page by page until Next is nil. A
// token that is there throughout and keeps what the list is sorted by is listed
// once.
//
// In the order of a time, what a page costs depends on what it returns: the
// indexes find users, instances, times, and whether a token was ended. Names,
// graphs and the other statuses are looked for among what they find, at most
// 10,000 tokens at a time; a page that had to look at more is short, or even empty, and
// has a Next. In the order of names every page costs as much as all tokens that
// the indexes find, 2 to 4 µs each, since there is no order that they know. Where the
// oldest token is nobody knows either: the first page of an ascending list counts in long
// stretches before it finds out, which takes some 0.1 µs for each token there.
func (s *Store) ListTokens(ctx context.Context, q ListQuery) (*Page, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	page, err := s.list(ctx, &q)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return page, nil
}

func (s *Store) list(ctx context.Context, q *ListQuery) (*Page, error) {
	if q.Limit < 1 {
		return nil, fmt.Errorf("limit is %d, want at least 1", q.Limit)
	}
	l := &listing{store: s, query: q, page: &Page{Tokens: make([]*Token, 0, min(q.Limit, 128))}}
	if q.Sort == SortName {
		_, err := l.take(ctx, q.From, l.byName)
		return l.page, err
	}
	for _, g := range q.segments() {
		if done, err := l.walk(ctx, g); done || err != nil {
			return l.page, err
		}
	}
	return l.page, nil
}

// listing is a page that is being made.
type listing struct {
	store *Store
	query *ListQuery
	page  *Page
	// last is the place behind the token that was looked at last, in whatever
	// segment; examined counts the candidates that were.
	last     *Place
	examined int
}

// walk goes through a segment until the page is done, which it tells. Candidates are
// not all listed: sessions, and tokens of another status, are among them.
// Wanting more from turn to turn keeps the turns few.
func (l *listing) walk(ctx context.Context, g segment) (done bool, err error) {
	for want := l.query.Limit; !g.rest().isEmpty(); want = l.more(want) {
		part, found, err := l.store.nearest(ctx, l.query, g, want)
		if err != nil {
			return false, err
		}
		before := l.examined
		if done, err := l.take(ctx, g.from, l.within(g, part)); done || err != nil {
			return done, err
		}
		// Those fetched for the filter by graphs are among those found.
		l.examined = max(l.examined, before+found)
		if g = g.beyond(part); l.examined >= maxExamined {
			l.page.Next = g.from
			return true, nil
		}
	}
	return false, nil
}

// more is how many candidates to want after some.
func (l *listing) more(want int) int {
	most := max(countSlack, maxExamined-l.examined)
	if l.query.Graphs != nil {
		most = min(most, graphBatch) // or each batch would be looked for in all that is wanted
	}
	return min(4*want, most)
}

// listed is a token and the place behind it.
type listed struct {
	token *Token
	place Place
}

// fetch gives what follows on a place, at most limit tokens.
type fetch func(ctx context.Context, from *Place, limit int) ([]listed, error)

// take fills the page with what there is, and tells whether it is done. One
// token more than the page holds shows that another page follows.
func (l *listing) take(ctx context.Context, from *Place, next fetch) (done bool, err error) {
	for {
		limit := l.query.Limit + 1 - len(l.page.Tokens)
		if l.query.Graphs != nil {
			limit = max(limit, min(4*limit, graphBatch))
		}
		found, err := next(ctx, from, limit)
		if err != nil {
			return false, err
		}
		for i := range found {
			if l.query.Graphs == nil || l.query.Graphs(found[i].token.Graphs) {
				if len(l.page.Tokens) == l.query.Limit {
					l.page.Next = l.last
					return true, nil
				}
				l.page.Tokens = append(l.page.Tokens, found[i].token)
			}
			from = &found[i].place
			l.last = from
		}
		if len(found) < limit {
			return false, nil
		}
		if l.examined += len(found); l.examined >= maxExamined {
			l.page.Next = from
			return true, nil
		}
	}
}

// graphBatch is how many tokens one query fetches at most for the filter by graphs,
// when the page holds fewer.
const graphBatch = 500

// CountTokens counts the tokens of a list, on all its pages. It costs as much as
// all tokens that the indexes find.
func (s *Store) CountTokens(ctx context.Context, q ListQuery) (int, error) {
	b := q.box()
	query := q.queries(b).total
	rows, err := s.read(ctx, query, append(append(q.params(b), q.filters()...), param{"by_graphs", q.Graphs != nil})...)
	if err != nil {
		return 0, fmt.Errorf("count tokens: %w", err)
	}
	total := 0
	for i := range rows {
		graphs, n := split(rows[i].text()), int(rows[i].integer(0))
		if rows[i].err != nil {
			return 0, fmt.Errorf("count tokens: %w", rows[i].err)
		}
		if q.Graphs == nil || q.Graphs(graphs) {
			total += n
		}
	}
	return total, nil
}
