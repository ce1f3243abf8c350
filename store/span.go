package store

import (
	"context"
	"fmt"
	"time"
)

// FalkorDB's indexes find the rows of a span of time without looking at others,
// but they don't give them in order, so the newest hundred of a span cost as
// much as all that are in it. Hence the span is cut down first, by counting
// candidates from the newest on only as far as it matters.

// span is a stretch of creation times in Unix seconds: after < created_at <= until.
type span struct {
	after, until int64
}

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

// The spans are looked at one by one, newest first, until the limit is reached.
const (
	countHead = `UNWIND range(0, size($spans) - 1) AS i CALL { WITH i WITH $spans[i][0] AS after, $spans[i][1] AS until`
	countTail = ` RETURN t } WITH i LIMIT $limit RETURN i, count(i)`

	queryCount       = countHead + candidates + countTail
	queryCountOfUser = countHead + candidatesOfUser + countTail
)

// newest cuts a span down to its newest part that holds as many candidates as
// wanted, if there are that many, and not many more. Tokens that come or go
// meanwhile make the part a little larger or smaller than it should be.
func (s *Store) newest(ctx context.Context, q *ListQuery, whole span, want int) (span, error) {
	parts := whole.widening(q.Now)
	for {
		enough := want + countSlack
		counts, err := s.count(ctx, q, parts, enough)
		if err != nil {
			return span{}, err
		}
		last, found := 0, counts[0]
		for found < want && last < len(parts)-1 {
			last++
			found += counts[last]
		}
		part := parts[last]
		if found < enough || part.until-part.after <= 1 {
			return span{part.after, whole.until}, nil
		}
		// The counting ended within this part: it holds more, who knows how many.
		want -= found - counts[last]
		parts = part.dividing()
	}
}

// count counts the candidates of spans, from the first on until there are enough.
func (s *Store) count(ctx context.Context, q *ListQuery, spans []span, enough int) ([]int, error) {
	query := queryCount
	if q.Username != "" {
		query = queryCountOfUser
	}
	rows, err := s.read(ctx, query, append(q.params(), param{"spans", spans}, param{"limit", enough})...)
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
func (s span) widening(now time.Time) []span {
	parts := make([]span, 0, pieces)
	until := s.until
	cut := func(after int64) {
		if after > s.after && after < until {
			parts = append(parts, span{after, until})
			until = after
		}
	}
	cut(now.Unix())
	for width := int64(1); len(parts) < pieces-1 && until-width > s.after; width *= 4 {
		cut(until - width)
	}
	return append(parts, span{s.after, until})
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
