package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"time"
)

// Action says what an event is about.
type Action string

// The actions. Their words are the API's.
const (
	ActionTokenCreated      Action = "token.created"
	ActionTokenCreateFailed Action = "token.create_failed"
	ActionTokenRotated      Action = "token.rotated"
	// ActionTokenRevoked tells of one token; a revocation that ends several has
	// an event for each.
	ActionTokenRevoked Action = "token.revoked"
	// ActionTokenRebound tells that a token got the current password of its user.
	ActionTokenRebound   Action = "token.rebound"
	ActionTokenUseDenied Action = "token.use_denied"
	// ActionTokenReported tells that somebody gave a token away as leaked.
	ActionTokenReported Action = "token.reported"
	// ActionTokenReused tells of the use of a token that was rotated out, after
	// its grace.
	ActionTokenReused    Action = "token.reused"
	ActionTokenSuspended Action = "token.suspended"
	// ActionTokenShortened tells that the policy ends a token sooner than it
	// was to end.
	ActionTokenShortened Action = "token.shortened"
	ActionTokenResumed   Action = "token.resumed"
	ActionPolicyChanged  Action = "policy.changed"
	// These tell of what is kept in the instance, not here.
	ActionGraphDeleted  Action = "graph.deleted"
	ActionGraphCopied   Action = "graph.copied"
	ActionConfigChanged Action = "config.changed"
	ActionSignedIn      Action = "session.signed_in"
	ActionSignInFailed  Action = "session.sign_in_failed"
	ActionSignedOut     Action = "session.signed_out"
)

// actions are all of them.
func actions() []string {
	all := [...]Action{
		ActionTokenCreated, ActionTokenCreateFailed, ActionTokenRotated, ActionTokenRevoked, ActionTokenRebound, ActionTokenUseDenied,
		ActionTokenReported, ActionTokenReused, ActionTokenSuspended, ActionTokenResumed, ActionTokenShortened, ActionPolicyChanged,
		ActionGraphDeleted, ActionGraphCopied, ActionConfigChanged, ActionSignedIn, ActionSignInFailed, ActionSignedOut,
	}
	words := make([]string, len(all))
	for i, action := range all {
		words[i] = string(action)
	}
	return words
}

// Outcome says how it ended.
type Outcome string

// The outcomes.
const (
	OutcomeSuccess Outcome = "success"
	// OutcomeDenied: whoever asked may not do that.
	OutcomeDenied Outcome = "denied"
	// OutcomeFailed: it could not be done, whoever asked.
	OutcomeFailed Outcome = "failed"
)

// The reasons of revocations. Those of denials and failures are the codes of
// the API's errors.
const (
	ReasonDirect = "direct" // it was this token that was named
	ReasonBulk   = "bulk"   // one of many that a request asked for
	ReasonReport = "report" // reported as leaked
	ReasonReuse  = "reuse"  // used after it was rotated out
	// reasonRotation: it took a named token's place, or the other way round.
	reasonRotation = "rotation"
	// reasonIssuer: it was made from one that was ended.
	reasonIssuer = "issuer"
)

// Event tells what was done or tried, by whom, from where, when and with what
// outcome. It is written in the query that makes the change that it tells of,
// and never changed afterwards.
type Event struct {
	// ID is unique.
	ID string
	// At is when, with the precision of a millisecond.
	At time.Time
	// Host and Port are the canonical address of the instance that it concerns.
	Host string
	Port int

	Action  Action
	Outcome Outcome
	// Reason is the code of the error when it did not succeed, and why a token
	// was revoked; empty otherwise.
	Reason string

	// UserID and Username are who acted, on the event's instance, ActorTokenID
	// the token that they showed; empty where nobody was known, or for a session.
	UserID, Username, ActorTokenID string
	// IP is the client's address, Agent its User-Agent.
	IP, Agent string

	// TokenID and TokenName are the token that it was done to, Owner the name of
	// its user; empty for none.
	TokenID, TokenName, Owner string

	// Seq, Prev and Hash are its place in the instance's chain: its number from 1
	// on, the hash of the event before it, and its own. Zero until it has one.
	Seq        int64
	Prev, Hash string

	// Details are what else there is to say: few and short, keys are constants.
	Details map[string]string
}

// Every query that changes something worth an event ends with one of these,
// which write the events in the same stroke: the change is there if and only if
// they are. The first takes the events as they are; the second is for queries
// whose tokens are not known before, and makes one for each token t, for the
// given reason.
//
// An event is marked as unchained until it has its place in the instance's chain.
const (
	keepEvents = ` FOREACH (e IN $events | CREATE (:Event {` + eventSource +
		`, reason: e.reason, token_id: e.token_id, token_name: e.token_name, owner: e.owner}))`
	keepEventOfToken = ` FOREACH (e IN $events | CREATE (:Event {` + eventSourceOfToken +
		`, reason: reason, token_id: t.token_id, token_name: t.name, owner: t.username}))`

	eventSource        = `event_id: e.id, ` + eventCommon
	eventSourceOfToken = `event_id: e.id + '/' + t.token_id, ` + eventCommon
	eventCommon        = `unchained: true, instance: e.instance, at: e.at, action: e.action, outcome: e.outcome, user_id: e.user_id,
		username: e.username, actor_token_id: e.actor_token_id, ip: e.ip, agent: e.agent, details: e.details`
)

func eventsParam(events ...Event) param { return param{"events", events} }

// InstanceName is how an instance is named in events and chains: host:port.
func InstanceName(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

func appendEvent(b []byte, e Event) ([]byte, error) {
	details, err := detailsText(e.Details)
	if err != nil {
		return nil, err
	}
	b = append(b, "{at:"...)
	b = strconv.AppendInt(b, e.At.UnixMilli(), 10)
	for _, field := range [...]struct{ name, value string }{
		{"id", e.ID},
		{"instance", InstanceName(e.Host, e.Port)},
		{"action", string(e.Action)},
		{"outcome", string(e.Outcome)},
		{"reason", e.Reason},
		{"user_id", e.UserID},
		{"username", e.Username},
		{"actor_token_id", e.ActorTokenID},
		{"ip", e.IP},
		{"agent", e.Agent},
		{"token_id", e.TokenID},
		{"token_name", e.TokenName},
		{"owner", e.Owner},
		{"details", details},
	} {
		b = append(append(append(b, ','), field.name...), ':')
		if b, err = appendString(b, field.value); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// detailsText is how details are kept: JSON with sorted keys; empty for none.
func detailsText(details map[string]string) (string, error) {
	if len(details) == 0 {
		return "", nil
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(details); err != nil {
		return "", fmt.Errorf("encode details: %w", err)
	}
	return string(bytes.TrimSpace(text.Bytes())), nil
}
