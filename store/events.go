package store

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"time"
)

const eventColumns = ` e.event_id, e.at, e.instance, e.action, e.outcome, e.reason, e.user_id, e.username, e.actor_token_id,
	e.ip, e.agent, e.token_id, e.token_name, e.owner, e.details, e.seq, e.prev, e.hash`

// A chain has no gaps, so a stretch of it holds as many events as it is long:
// without a filter, a page is one stretch. With one, stretches are looked at from
// the newest on, each longer than the one before; a count that ends where there
// are enough keeps any from giving much more than is wanted.
const (
	eventStretch  = ` MATCH (e:Event) WHERE e.seq > $after AND e.seq <= $until AND e.instance = $instance`
	eventsOfToken = ` AND e.token_id = $token_id`
	eventsOfUser  = ` AND (e.username = $username OR e.owner = $username)`
	// What few events match is found by the indexes too: otherwise all stretches
	// would be read for nothing.
	eventsOfKind = ` AND e.at >= $since AND e.at < $before AND e.action IN $actions AND e.outcome IN $outcomes`
	// Text is a tag to the indexes: it is looked at once more.
	eventFilter = ` WITH e, e.instance AS at_instance, e.token_id AS of_token, e.username AS by_user, e.owner AS of_user, e.at AS at
		WHERE at_instance = $instance AND ($token_id = '' OR of_token = $token_id) AND ($username = '' OR by_user = $username OR of_user = $username)
			AND ($action = '' OR e.action = $action) AND ($outcome = '' OR e.outcome = $outcome) AND at >= $since AND at < $before`
	eventCount = ` WITH e LIMIT $limit RETURN count(e)`
	eventPage  = ` WITH e ORDER BY e.seq DESC LIMIT $limit RETURN` + eventColumns

	queryCountEvents             = eventStretch + eventFilter + eventCount
	queryCountEventsOfToken      = eventStretch + eventsOfToken + eventFilter + eventCount
	queryCountEventsOfUser       = eventStretch + eventsOfUser + eventFilter + eventCount
	queryCountEventsOfKind       = eventStretch + eventsOfKind + eventFilter + eventCount
	queryCountEventsOfUserOfKind = eventStretch + eventsOfKind + eventsOfUser + eventFilter + eventCount
	queryEventsOfKind            = eventStretch + eventsOfKind + eventFilter + eventPage
	queryEventsOfUserOfKind      = eventStretch + eventsOfKind + eventsOfUser + eventFilter + eventPage
	queryEvents                  = eventStretch + eventFilter + eventPage
	queryEventsOfToken           = eventStretch + eventsOfToken + eventFilter + eventPage
	queryEventsOfUser            = eventStretch + eventsOfUser + eventFilter + eventPage
	queryRecordEvents            = `UNWIND $events AS e MERGE (n:Event {event_id: e.id}) ON CREATE SET n.unchained = true, n.instance = e.instance, n.at = e.at,
		n.action = e.action, n.outcome = e.outcome, n.reason = e.reason, n.user_id = e.user_id, n.username = e.username, n.actor_token_id = e.actor_token_id,
		n.ip = e.ip, n.agent = e.agent, n.token_id = e.token_id, n.token_name = e.token_name, n.owner = e.owner, n.details = e.details`
)

const (
	// firstStretch is how long the first stretch is, in pages.
	firstStretch = 4
	// stretchGrowth is how much longer each one is than the one before.
	stretchGrowth = 8
)

// EventQuery says which events to list.
type EventQuery struct {
	// Instance is the InstanceName whose events to list.
	Instance string
	// TokenID, Action and Outcome narrow the list; empty for all.
	TokenID string
	Action  Action
	Outcome Outcome
	// Username narrows it to events that a user made or that concern a token of
	// theirs; empty for all.
	Username string
	// Since and Before bound the time: not before Since, and before Before. The
	// zero time is no bound.
	Since, Before time.Time
	// After and Until bound the place in the chain: after < seq <= until.
	After, Until int64
	// Limit bounds the answer, at least 1.
	Limit int
}

// Events lists events that have their place in the chain, newest first. The
// time it takes depends on how many it returns, and not on how many there are.
func (s *Store) Events(ctx context.Context, q EventQuery) ([]Event, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var found []Event
	length := int64(q.Limit * firstStretch)
	for until := q.Until; until > q.After && len(found) < q.Limit; {
		after := max(q.After, until-length)
		full, err := s.holdsMany(ctx, &q, after, until)
		if err != nil {
			return nil, err
		}
		if full && until-after > int64(q.Limit)*firstStretch {
			length = (until - after) / stretchGrowth
			continue
		}
		part, err := s.eventStretch(ctx, &q, after, until, q.Limit-len(found))
		if err != nil {
			return nil, err
		}
		found, until, length = append(found, part...), after, length*stretchGrowth
	}
	return found, nil
}

// eventQueries are the queries for one choice of indexes.
type eventQueries struct{ page, count string }

// queries chooses the indexes.
func (q *EventQuery) queries() eventQueries {
	switch {
	case q.TokenID != "":
		return eventQueries{queryEventsOfToken, queryCountEventsOfToken}
	case q.isOfKind() && q.Username != "":
		return eventQueries{queryEventsOfUserOfKind, queryCountEventsOfUserOfKind}
	case q.isOfKind():
		return eventQueries{queryEventsOfKind, queryCountEventsOfKind}
	case q.Username != "":
		return eventQueries{queryEventsOfUser, queryCountEventsOfUser}
	default:
		return eventQueries{queryEvents, queryCountEvents}
	}
}

// holdsMany tells whether a stretch holds a good deal more than a page.
func (s *Store) holdsMany(ctx context.Context, q *EventQuery, after, until int64) (bool, error) {
	enough := q.Limit * firstStretch
	if until-after <= int64(enough) {
		return false, nil
	}
	query := q.queries().count
	rows, err := s.read(ctx, query, append(q.params(after, until), param{"limit", enough})...)
	n, err := countOf(rows, err, "count events")
	return n >= enough, err
}

func (s *Store) eventStretch(ctx context.Context, q *EventQuery, after, until int64, limit int) ([]Event, error) {
	query := q.queries().page
	rows, err := s.read(ctx, query, append(q.params(after, until), param{"limit", limit})...)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	return scanEvents(rows)
}

// isOfKind tells whether the query asks for some kinds of events or some time.
func (q *EventQuery) isOfKind() bool {
	return q.Action != "" || q.Outcome != "" || !q.Since.IsZero() || !q.Before.IsZero()
}

func (q *EventQuery) params(after, until int64) []param {
	since, before := int64(0), int64(afterAll)
	if !q.Since.IsZero() {
		since = q.Since.UnixMilli()
	}
	if !q.Before.IsZero() {
		before = q.Before.UnixMilli()
	}
	kinds, outcomes := actions(), []string{string(OutcomeSuccess), string(OutcomeDenied), string(OutcomeFailed)}
	if q.Action != "" {
		kinds = []string{string(q.Action)}
	}
	if q.Outcome != "" {
		outcomes = []string{string(q.Outcome)}
	}
	return []param{
		{"actions", kinds},
		{"outcomes", outcomes},
		{"instance", q.Instance},
		{"token_id", q.TokenID},
		{"username", q.Username},
		{"action", string(q.Action)},
		{"outcome", string(q.Outcome)},
		{"since", since},
		{"before", before},
		{"after", after},
		{"until", until},
	}
}

// querySetPolicy keeps what the operator allows beside the schema's version.
const querySetPolicy = `MATCH (s:Schema {name: 'falkorpat'}) WHERE coalesce(s.policy, '') <> $policy SET s.policy = $policy` +
	keepEvents + ` RETURN count(s)`

// SetPolicy notes what the operator allows, and writes what events tell of it. It
// tells whether that is anything new; nothing is written when not.
func (s *Store) SetPolicy(ctx context.Context, policy map[string]string, events ...Event) (bool, error) {
	text, err := detailsText(policy)
	if err != nil {
		return false, err
	}
	rows, err := s.write(ctx, querySetPolicy, param{"policy", text}, eventsParam(events...))
	n, err := countOf(rows, err, "set policy")
	return n > 0, err
}

// RecordEvents writes events that accompany no change, in one query. Writing
// them twice is writing them once.
func (s *Store) RecordEvents(ctx context.Context, events []Event) error {
	if len(events) == 0 {
		return nil
	}
	_, err := s.write(ctx, queryRecordEvents, eventsParam(events...))
	return wrapped(err, "record events")
}

func scanEvents(rows []row) ([]Event, error) {
	events := make([]Event, len(rows))
	for i := range rows {
		if err := scanEvent(&rows[i], &events[i]); err != nil {
			return nil, fmt.Errorf("read event: %w", err)
		}
	}
	return events, nil
}

func scanEvent(r *row, e *Event) error {
	e.ID, e.At = r.text(), time.UnixMilli(r.integer(0)).UTC()
	host, port, _ := net.SplitHostPort(r.text())
	e.Host = host
	e.Port, _ = strconv.Atoi(port)
	e.Action, e.Outcome, e.Reason = Action(r.text()), Outcome(r.text()), r.text()
	e.UserID, e.Username, e.ActorTokenID = r.text(), r.text(), r.text()
	e.IP, e.Agent = r.text(), r.text()
	e.TokenID, e.TokenName, e.Owner = r.text(), r.text(), r.text()
	details := r.text()
	e.Seq, e.Prev, e.Hash = r.integer(0), r.text(), r.text()
	if r.err != nil || details == "" {
		return r.err
	}
	return wrapped(json.Unmarshal([]byte(details), &e.Details), "decode details")
}
