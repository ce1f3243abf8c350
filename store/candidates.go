package store

import (
	"context"
	"slices"
)

// candidates finds the rows that a list may hold, by indexes alone: whose times
// are in a box, of one instance, in one of some states. It is the rows' own user
// name and address that count: a user of another program that shares the store
// may be several User nodes.
//
// Most lists are in the order of creation and ask for no other time; then the
// other two indexes are left out, and rows that lack those times are found too.
const (
	byCreation = ` MATCH (t:Token) WHERE t.created_at > created_after AND t.created_at <= created_until`
	byTimes    = byCreation + ` AND t.expires_at > expires_after AND t.expires_at <= expires_until AND t.last_used > used_after AND t.last_used <= used_until`
	ofInstance = ` AND t.is_active IN $states AND t.port = $port AND t.host IN $hosts`
	ofUser     = ofInstance + ` AND t.username = $username`

	oneBox     = `WITH 0 AS i`
	eachBox    = `UNWIND range(0, size($boxes) - 1) AS i CALL { WITH i`
	inCreation = ` WITH $boxes[i][0] AS created_after, $boxes[i][1] AS created_until`
	inTimes    = inCreation + `, $boxes[i][2] AS expires_after, $boxes[i][3] AS expires_until, $boxes[i][4] AS used_after, $boxes[i][5] AS used_until`

	ofAnybody   = inCreation + byCreation + ofInstance
	ofOne       = inCreation + byCreation + ofUser
	ofAnybodyAt = inTimes + byTimes + ofInstance
	ofOneAt     = inTimes + byTimes + ofUser
)

// What the indexes found is looked at once more, because they take text as a
// tag: without the blanks around it, and in parts where it holds a 0x01.
// Renaming the columns keeps FalkorDB from asking the indexes for that too.
const (
	judged = `
		WITH t, t.token_id AS id, t.host AS host, t.username AS username, t.expires_at AS expires
		WHERE host IN $hosts AND ($username = '' OR username = $username) AND` + isPAT + `
			AND ($name = '' OR toLower(coalesce(t.name, '')) CONTAINS toLower($name))
		WITH t, id, CASE
			WHEN coalesce(t.revoked_at, -1) >= 0 THEN 'revoked'
			WHEN coalesce(expires, -1) >= 0 AND expires <= $now THEN 'expired'
			WHEN coalesce(t.is_active, false) = false THEN 'revoked'
			WHEN coalesce(t.suspended_at, -1) >= 0 THEN 'suspended'
			WHEN coalesce(t.stale_since, -1) >= 0 THEN 'stale'
			ELSE 'active' END AS status
		WHERE size($statuses) = 0 OR status IN $statuses`

	// Of the two columns of IDs one is empty, so that one query serves both
	// directions.
	inOrderOfTime = judged + `
		WITH t, id, CASE $sort WHEN 'expires' THEN t.expires_at WHEN 'last_used' THEN t.last_used ELSE t.created_at END AS at
		WHERE at <> $from_at OR ($descending AND id < $from_id) OR (NOT $descending AND id > $from_id)
		WITH t, CASE WHEN $descending THEN -at ELSE at END AS at, CASE WHEN $descending THEN '' ELSE id END AS up, CASE WHEN $descending THEN id ELSE '' END AS down
		ORDER BY at, up, down DESC LIMIT $limit
		RETURN` + listColumns
	inOrderOfName = judged + `
		WITH t, id, toLower(coalesce(t.name, '')) AS name
		WHERE $from_id = '' OR ($descending AND (name < $from_name OR (name = $from_name AND id < $from_id)))
			OR (NOT $descending AND (name > $from_name OR (name = $from_name AND id > $from_id)))
		WITH t, name, CASE WHEN $descending THEN '' ELSE name END AS up, CASE WHEN $descending THEN name ELSE '' END AS down,
			CASE WHEN $descending THEN '' ELSE id END AS id_up, CASE WHEN $descending THEN id ELSE '' END AS id_down
		ORDER BY up, down DESC, id_up, id_down DESC LIMIT $limit
		RETURN` + listColumns + `, name`
	inTotal = judged + ` RETURN CASE WHEN $by_graphs THEN coalesce(t.graphs, '') ELSE '' END AS graphs, count(t)`
)

// The boxes are looked at one by one until the limit is reached.
const boxCount = ` RETURN t } WITH i LIMIT $limit RETURN i, count(i)`

const (
	queryPage         = oneBox + ofAnybody + inOrderOfTime
	queryPageOfUser   = oneBox + ofOne + inOrderOfTime
	queryPageAt       = oneBox + ofAnybodyAt + inOrderOfTime
	queryPageOfUserAt = oneBox + ofOneAt + inOrderOfTime

	queryNames         = oneBox + ofAnybody + inOrderOfName
	queryNamesOfUser   = oneBox + ofOne + inOrderOfName
	queryNamesAt       = oneBox + ofAnybodyAt + inOrderOfName
	queryNamesOfUserAt = oneBox + ofOneAt + inOrderOfName

	queryTotal         = oneBox + ofAnybody + inTotal
	queryTotalOfUser   = oneBox + ofOne + inTotal
	queryTotalAt       = oneBox + ofAnybodyAt + inTotal
	queryTotalOfUserAt = oneBox + ofOneAt + inTotal

	queryCount         = eachBox + ofAnybody + boxCount
	queryCountOfUser   = eachBox + ofOne + boxCount
	queryCountAt       = eachBox + ofAnybodyAt + boxCount
	queryCountOfUserAt = eachBox + ofOneAt + boxCount
)

// listQueries are the queries for one choice of indexes.
type listQueries struct{ page, names, total, count string }

// queries chooses the indexes: that of users where only one is asked for, those
// of all times where a box has more than times of creation.
func (q *ListQuery) queries(b box) listQueries {
	switch user, at := q.Username != "", b.expires != always() || b.used != always(); {
	case user && at:
		return listQueries{queryPageOfUserAt, queryNamesOfUserAt, queryTotalOfUserAt, queryCountOfUserAt}
	case user:
		return listQueries{queryPageOfUser, queryNamesOfUser, queryTotalOfUser, queryCountOfUser}
	case at:
		return listQueries{queryPageAt, queryNamesAt, queryTotalAt, queryCountAt}
	default:
		return listQueries{queryPage, queryNames, queryTotal, queryCount}
	}
}

// params are those of candidates in some boxes.
func (q *ListQuery) params(boxes ...box) []param {
	var states []bool
	if q.wants(StatusActive, StatusSuspended, StatusStale, StatusExpired) {
		states = append(states, true)
	}
	if q.wants(StatusRevoked, StatusExpired) { // expired ones are swept or not
		states = append(states, false)
	}
	return []param{{"boxes", boxes}, {"hosts", q.Hosts}, {"port", q.Port}, {"username", q.Username}, {"states", states}}
}

// filters are the params of what the indexes don't know.
func (q *ListQuery) filters() []param {
	return []param{{"name", q.Name}, {"statuses", q.Statuses}, {"now", q.Now}}
}

// wants tells whether tokens of one of these statuses are listed.
func (q *ListQuery) wants(statuses ...Status) bool {
	return len(q.Statuses) == 0 || slices.ContainsFunc(statuses, func(s Status) bool { return slices.Contains(q.Statuses, s) })
}

// within gives the tokens of a segment's part.
func (l *listing) within(g segment, part span) fetch {
	return func(ctx context.Context, from *Place, limit int) ([]listed, error) {
		g := g
		if g.from = from; from == nil {
			from = &Place{At: beforeAll - 1}
		}
		b := g.cut(part.and(g.rest()))
		query, params := l.query.queries(b).page, append(l.query.params(b), l.query.filters()...)
		rows, err := l.store.read(ctx, query, append(params, param{"sort", g.axis}, param{"descending", g.descending},
			param{"from_at", from.At}, param{"from_id", from.ID}, param{"limit", limit})...)
		if err != nil {
			return nil, err
		}
		return scanListed(rows, func(t *Token, _ *row) Place { return g.place(t) })
	}
}

// byName gives the tokens in the order of their names.
func (l *listing) byName(ctx context.Context, from *Place, limit int) ([]listed, error) {
	if from == nil {
		from = &Place{}
	}
	b := l.query.box()
	query, params := l.query.queries(b).names, append(l.query.params(b), l.query.filters()...)
	rows, err := l.store.read(ctx, query, append(params,
		param{"descending", l.query.Descending}, param{"from_name", from.Name}, param{"from_id", from.ID}, param{"limit", limit})...)
	if err != nil {
		return nil, err
	}
	return scanListed(rows, func(t *Token, r *row) Place { return Place{Name: r.text(), ID: t.ID} })
}

func scanListed(rows []row, place func(*Token, *row) Place) ([]listed, error) {
	found := make([]listed, len(rows))
	for i := range rows {
		t, err := scanToken(&rows[i])
		if err != nil {
			return nil, err
		}
		found[i] = listed{t, place(t, &rows[i])}
		if rows[i].err != nil {
			return nil, rows[i].err
		}
	}
	return found, nil
}
