package store

import (
	"context"
	"fmt"
	"time"
)

// FalkorDB's indexes find the rows of a span of time without looking at others,
// but they don't give them in order, so the newest hundred of a span cost as
// much as all that are in it. Hence the span is cut down first, by counting
// candidates only as far as it matters.

// span is a stretch of creation times in Unix seconds: after < created_at <= until.
type span struct {
	after, until int64
}

const (
	// beforeAll is before any creation time; -1 is that of a row without one.
	beforeAll = -2
	// pieces is how many parts a span is cut into at a time.
	pieces = 16
	// countSlack is how many candidates more than wanted a span may hold.
	countSlack = 64
)

const (
	countHead = `UNWIND $spans AS span CALL { WITH span WITH span[0] AS after, span[1] AS until`
	countTail = ` WITH t LIMIT $count_limit RETURN count(t) AS found } RETURN found`

	queryCount       = countHead + candidates + countTail
	queryCountOfUser = countHead + candidatesOfUser + countTail
)

// newest cuts a span down to its newest part that holds as many candidates as
// wanted, if there are that many, and not many more. Tokens that come or go
// meanwhile make the part a little larger or smaller than it should be.
func (s *Store) newest(ctx context.Context, q *ListQuery, whole span, want int) (span, error) {
	limit := want + countSlack
	parts := whole.widening(q.Now)
	for {
		counts, err := s.count(ctx, q, parts, limit)
		if err != nil {
			return span{}, err
		}
		dense := 0
		for dense < len(parts)-1 && counts[dense] < want {
			want -= counts[dense]
			dense++
		}
		part := parts[dense]
		if counts[dense] < limit || part.until-part.after <= 1 {
			return span{part.after, whole.until}, nil
		}
		parts = part.even()
	}
}

// count counts the candidates of each span, up to a limit.
func (s *Store) count(ctx context.Context, q *ListQuery, spans []span, limit int) ([]int, error) {
	query := queryCount
	if q.Username != "" {
		query = queryCountOfUser
	}
	rows, err := s.read(ctx, query, append(q.params(), param{"spans", spans}, param{"count_limit", limit})...)
	if err != nil {
		return nil, err
	}
	if len(rows) != len(spans) {
		return nil, fmt.Errorf("%w: it counted %d spans, want %d", ErrUnavailable, len(rows), len(spans))
	}
	counts := make([]int, len(spans))
	for i := range rows {
		counts[i] = int(rows[i].integer(0))
		if rows[i].err != nil {
			return nil, rows[i].err
		}
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

// even cuts a span into parts of about the same length, newest first.
func (s span) even() []span {
	width := max(1, (s.until-s.after)/pieces)
	parts := make([]span, 0, pieces)
	until := s.until
	for len(parts) < pieces-1 && until-width > s.after {
		parts = append(parts, span{until - width, until})
		until -= width
	}
	return append(parts, span{s.after, until})
}
