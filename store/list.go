package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// candidates finds the rows that a list may hold, by indexes alone: made after
// after and not after until, of one instance, in one of some states. It is the
// rows' own user name and address that count: a user of another program that
// shares the store may be several User nodes.
const (
	candidates       = ` MATCH (t:Token) WHERE t.created_at > after AND t.created_at <= until AND t.is_active IN $states AND t.port = $port AND t.host IN $hosts`
	candidatesOfUser = candidates + ` AND t.username = $username`
)

// A page is taken from the newest span of time that holds enough candidates.
// What the indexes found is looked at once more, because they take text as a
// tag: without the blanks around it, and in parts where it holds a 0x01.
// Renaming the columns keeps FalkorDB from asking the indexes for that too.
const (
	pageHead = `WITH $after AS after, $until AS until`
	pageTail = `
		WITH t, t.token_id AS id, t.created_at AS at, t.host AS host, t.username AS username, t.expires_at AS expires
		WHERE (at < $cursor_at OR id < $cursor_id) AND host IN $hosts AND ($username = '' OR username = $username) AND` + isPAT + `
		WITH t, id, at, CASE
			WHEN coalesce(t.revoked_at, -1) >= 0 THEN 'revoked'
			WHEN coalesce(expires, -1) >= 0 AND expires <= $now THEN 'expired'
			WHEN coalesce(t.is_active, false) = false THEN 'revoked'
			WHEN coalesce(t.suspended_at, -1) >= 0 THEN 'suspended'
			WHEN coalesce(t.stale_since, -1) >= 0 THEN 'stale'
			ELSE 'active' END AS status
		WHERE $status = '' OR status = $status
		WITH t, id, at ORDER BY at DESC, id DESC LIMIT $limit
		RETURN` + listColumns
)

const (
	queryPage       = pageHead + candidates + pageTail
	queryPageOfUser = pageHead + candidatesOfUser + pageTail
	queryCreatedAt  = `MATCH (t:Token {token_id: $token_id}) WHERE` + isPAT + `RETURN t.created_at`
)

// ListQuery says which tokens to list.
type ListQuery struct {
	// Hosts are all spellings of the instance's host, Port is its port.
	Hosts []string
	Port  int
	// Username narrows the list to one user; empty for every user.
	Username string
	// Status narrows the list to one status at Now; empty for every status.
	Status Status
	Now    time.Time
	// Before is the ID that all listed ones are older than; empty for the first page.
	Before string
	// Limit bounds the answer, at least 1.
	Limit int
}

// ListTokens lists tokens of one instance, newest first: by the second of their
// creation, and in the same second by ID. The time it takes depends on how many
// it returns, and not on how many there are. Following Before from page to page
// gives each token that is there throughout once. SealedPassword and CA are left
// empty.
func (s *Store) ListTokens(ctx context.Context, q ListQuery) ([]*Token, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	tokens, err := s.list(ctx, &q)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return tokens, nil
}

func (s *Store) list(ctx context.Context, q *ListQuery) ([]*Token, error) {
	if q.Limit < 1 {
		return nil, fmt.Errorf("limit is %d, want at least 1", q.Limit)
	}
	cursor, err := s.cursor(ctx, q.Before)
	if err != nil {
		return nil, err
	}
	tokens := make([]*Token, 0, min(q.Limit, 128))
	rest := span{beforeAll, cursor.at}
	// Candidates are not all listed: sessions, and tokens of another status, are
	// among them. Wanting more from turn to turn keeps the turns few.
	for want := q.Limit; ; want *= 4 {
		part, err := s.newest(ctx, q, rest, want)
		if err != nil {
			return nil, err
		}
		if tokens, err = s.appendPage(ctx, tokens, q, part, cursor); err != nil {
			return nil, err
		}
		if len(tokens) == q.Limit || part.after == rest.after {
			return tokens, nil
		}
		rest.until = part.after
	}
}

// appendPage appends what a span holds, as far as the limit allows.
func (s *Store) appendPage(ctx context.Context, tokens []*Token, q *ListQuery, part span, c cursor) ([]*Token, error) {
	query := queryPage
	if q.Username != "" {
		query = queryPageOfUser
	}
	rows, err := s.read(ctx, query, append(q.params(),
		param{"after", part.after}, param{"until", part.until},
		param{"cursor_at", c.at}, param{"cursor_id", c.id},
		param{"status", string(q.Status)}, param{"now", q.Now}, param{"limit", q.Limit - len(tokens)})...)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		t, err := scanToken(&rows[i])
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
	}
	return tokens, nil
}

// params are those of candidates.
func (q *ListQuery) params() []param {
	states := []bool{true, false}
	switch q.Status {
	case StatusActive, StatusSuspended, StatusStale:
		states = states[:1]
	case StatusRevoked:
		states = states[1:]
	case StatusExpired: // swept or not
	}
	return []param{{"hosts", q.Hosts}, {"port", q.Port}, {"username", q.Username}, {"states", states}}
}

// cursor is the place in the list that a page begins after: a creation time in
// Unix seconds, and an ID.
type cursor struct {
	at int64
	id string
}

// cursor finds the place of a token. An ID that no token has stands for the
// time that is in it.
func (s *Store) cursor(ctx context.Context, before string) (cursor, error) {
	if before == "" {
		return cursor{at: afterAll}, nil
	}
	rows, err := s.read(ctx, queryCreatedAt, param{"token_id", before})
	if err != nil {
		return cursor{}, err
	}
	if len(rows) == 0 {
		head, _, _ := strings.Cut(before, "-")
		milliseconds, _ := strconv.ParseInt(head, 10, 64) // none: then nothing is older
		return cursor{milliseconds / 1000, before}, nil
	}
	return cursor{rows[0].integer(beforeAll), before}, rows[0].err
}
