package store

import (
	"context"
	"fmt"
)

// FalkorDB's indexes find the rows of a span of time without looking at others,
// but they don't give them in order, so the newest hundred of a span cost as
// much as all that are in it. Hence the span is cut down first, by counting
// candidates from its beginning on only as far as it matters.
//
// It is told here for lists that begin with the newest. For others the axis of
// time is turned round.

// span is a stretch of time in Unix seconds: after < time <= until.
type span struct {
	after, until int64
}

func (s span) isEmpty() bool { return s.after >= s.until }

// and is what two spans have in common.
func (s span) and(other span) span { return span{max(s.after, other.after), min(s.until, other.until)} }

// mirrored is the span with the axis of time turned round.
func (s span) mirrored() span { return span{-s.until - 1, -s.after - 1} }

// always is the span of every time, and of none; never that of none, which is
// kept as -1.
func always() span { return span{beforeAll, afterAll} }
func never() span  { return span{beforeAll, -1} }

const (
	// beforeAll is before any creation time; -1 is that of a row without one.
	beforeAll = -2
	// afterAll is after any, and small enough to reckon with.
	afterAll = 1 << 60
	// pieces is how many parts a span is cut into at most at a time.
	pieces = 16
	// countSlack is how many candidates more than wanted a span may hold.
	countSlack = 100
)

// nearest cuts what is left of a segment down to its first part that holds as
// many candidates as wanted, if there are that many, and not many more. It tells
// how many it has found there. Tokens that come or go meanwhile make the part a
// little larger or smaller than it should be.
func (s *Store) nearest(ctx context.Context, q *ListQuery, g segment, want int) (part span, found int, err error) {
	rest := g.rest()
	parts := g.begin(rest, q.Now.Unix())
	for before := 0; ; {
		enough := want - before + countSlack
		counts, err := s.count(ctx, q, g, parts, enough)
		if err != nil {
			return span{}, 0, err
		}
		last, found := 0, counts[0]
		for found < want-before && last < len(parts)-1 {
			last++
			found += counts[last]
		}
		part := parts[last]
		if found < enough || part.until-part.after <= 1 {
			return g.until(part, rest), before + found, nil
		}
		// The counting ended within this part: it holds more, who knows how many.
		before += found - counts[last]
		parts = g.parts(part, span.dividing)
	}
}

// begin cuts what is left of the list, so that its first parts are small where
// tokens are likely to be.
func (g segment) begin(rest span, now int64) []span {
	switch {
	case g.descending:
		return rest.widening(now)
	case rest.after > never().until:
		return g.parts(rest, func(s span) []span { return s.widening(afterAll) })
	default: // it begins with the oldest, and nobody knows when that was
		return rest.receding(now)
	}
}

// parts cuts a span, and gives the parts in the list's order.
func (g segment) parts(s span, cut func(span) []span) []span {
	if g.descending {
		return cut(s)
	}
	parts := cut(s.mirrored())
	for i := range parts {
		parts[i] = parts[i].mirrored()
	}
	return parts
}

// count counts the candidates of spans, from the first on until there are enough.
func (s *Store) count(ctx context.Context, q *ListQuery, g segment, spans []span, enough int) ([]int, error) {
	boxes := make([]box, len(spans))
	for i := range spans {
		boxes[i] = g.cut(spans[i])
	}
	query := q.queries(g.box).count
	rows, err := s.read(ctx, query, append(q.params(boxes...), param{"limit", enough})...)
	if err != nil {
		return nil, err
	}
	counts := make([]int, len(spans))
	for i := range rows {
		of, found := rows[i].integer(-1), rows[i].integer(0)
		if rows[i].err != nil {
			return nil, rows[i].err
		}
		if of < 0 || of >= int64(len(spans)) {
			return nil, fmt.Errorf("%w: it counted a span that is not there", ErrUnavailable)
		}
		counts[of] = int(found)
	}
	return counts, nil
}

// widening cuts a span into parts, newest first: what is still to come at now,
// a second, four, sixteen …; the last one, from nine years on, takes the rest.
func (s span) widening(now int64) []span {
	parts := make([]span, 0, pieces)
	until := s.until
	cut := func(after int64) {
		if after > s.after && after < until {
			parts = append(parts, span{after, until})
			until = after
		}
	}
	cut(now)
	for width := int64(1); len(parts) < pieces-1 && until-width > s.after; width *= 4 {
		cut(until - width)
	}
	return append(parts, span{s.after, until})
}

// receding cuts a span into parts, oldest first: each a quarter as far from now
// as the one before, the last but one ends at now.
func (s span) receding(now int64) []span {
	parts := make([]span, 0, pieces)
	after := s.after
	cut := func(until int64) {
		if until > after && until < s.until {
			parts = append(parts, span{after, until})
			after = until
		}
	}
	for width := int64(1) << 28; width > 1; width /= 4 { // from nine years on
		cut(now - width)
	}
	cut(now)
	return append(parts, span{after, s.until})
}

// dividing cuts a span that holds too much into eighths, and the newest one
// again in the same way, and again: mostly it is there that enough is found, and
// if not, the next look is at an eighth.
func (s span) dividing() []span {
	parts := make([]span, 0, pieces)
	until := s.until
	for _, divisor := range [...]int64{512, 64, 8} {
		if after := s.until - (s.until-s.after)/divisor; after < until {
			parts = append(parts, span{after, until})
			until = after
		}
	}
	width := max(1, (s.until-s.after)/8)
	for len(parts) < pieces-1 && until-width > s.after {
		parts = append(parts, span{until - width, until})
		until -= width
	}
	return append(parts, span{s.after, until})
}
