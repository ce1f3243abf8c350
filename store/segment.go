package store

import (
	"slices"
	"time"
)

// box is where tokens lie by their times.
type box struct{ created, expires, used span }

// box is where all tokens of the list lie.
func (q *ListQuery) box() box {
	b := box{q.Created.span(), q.Expires.span(), q.LastUsed.span()}
	if q.NeverUsed {
		b.used = b.used.and(never())
	}
	if !q.wants(StatusActive, StatusSuspended, StatusStale, StatusRevoked) {
		b.expires = b.expires.and(span{never().until, q.Now.Unix()})
	}
	return b
}

func (b box) isEmpty() bool { return b.created.isEmpty() || b.expires.isEmpty() || b.used.isEmpty() }

// span gives the whole seconds of a period; of those, only known ones.
func (p Period) span() span {
	if p == (Period{}) {
		return always()
	}
	s := span{never().until, afterAll}
	if !p.After.IsZero() {
		s.after = max(s.after, p.After.Unix())
	}
	if !p.Before.IsZero() {
		s.until = p.Before.Add(-time.Nanosecond).Unix()
	}
	return s
}

// segment is a part of a list whose order is that of one time. A list in the
// order of a time that not all tokens have is in two: in the one without, the
// order is that of creation.
type segment struct {
	box  box
	axis Sort
	// never says that it is the one without.
	never      bool
	descending bool
	// from is the place that it begins after; nil for its very beginning.
	from *Place
}

// segments are what the list consists of from its place on, in its order.
func (q *ListQuery) segments() []segment {
	b := q.box()
	known, without := b, b
	list := []segment{{box: b, axis: SortCreated}}
	switch q.Sort {
	case SortExpires:
		without.expires, known.expires = b.expires.and(never()), b.expires.and(span{never().until, afterAll})
		if !q.wants(StatusExpired, StatusRevoked) {
			known.expires = known.expires.and(span{q.Now.Unix(), afterAll})
		}
		list = []segment{{box: known, axis: SortExpires}, {box: without, axis: SortCreated, never: true}}
	case SortLastUsed:
		without.used, known.used = b.used.and(never()), b.used.and(span{never().until, afterAll})
		list = []segment{{box: without, axis: SortCreated, never: true}, {box: known, axis: SortLastUsed}}
	case SortCreated, SortName:
	}
	if q.Descending {
		slices.Reverse(list)
	}
	if q.From != nil {
		for len(list) > 0 && list[0].never != q.From.Never {
			list = list[1:]
		}
	}
	for i := range list {
		list[i].descending = q.Descending
	}
	if len(list) > 0 {
		list[0].from = q.From
	}
	return slices.DeleteFunc(list, func(g segment) bool { return g.box.isEmpty() })
}

// on is the box's side along an axis.
func (b *box) on(axis Sort) *span {
	switch axis {
	case SortExpires:
		return &b.expires
	case SortLastUsed:
		return &b.used
	case SortCreated, SortName:
	}
	return &b.created
}

// cut is the segment's box with only a part of its axis.
func (g segment) cut(part span) box {
	*g.box.on(g.axis) = part
	return g.box
}

// rest is what is left of the axis behind the place. What is as old as the
// place itself is part of it.
func (g segment) rest() span {
	s := *g.box.on(g.axis)
	switch {
	case g.from == nil:
		return s
	case g.descending:
		return s.and(span{beforeAll, g.from.At})
	default:
		return s.and(span{g.from.At - 1, afterAll})
	}
}

// until is what is left up to the end of a part.
func (g segment) until(part, rest span) span {
	if g.descending {
		return span{part.after, rest.until}
	}
	return span{rest.after, part.until}
}

// lastID is after the ID of every token.
const lastID = "~"

// beyond is the segment behind a part of it.
func (g segment) beyond(part span) segment {
	if g.descending {
		g.from = &Place{Never: g.never, At: part.after, ID: lastID}
	} else {
		g.from = &Place{Never: g.never, At: part.until + 1}
	}
	return g
}

// place is the one behind a token.
func (g segment) place(t *Token) Place {
	at := t.CreatedAt
	switch g.axis {
	case SortExpires:
		at = t.ExpiresAt
	case SortLastUsed:
		at = t.LastUse.At
	case SortCreated, SortName:
	}
	return Place{Never: g.never, At: unixOrNever(at), ID: t.ID}
}
