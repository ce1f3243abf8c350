package audit

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/falkorpat/falkorpat/store"
)

// ErrExport is returned for something that is no export of a history.
var ErrExport = errors.New("not an export of events")

// maxLine bounds a line of an export.
const maxLine = 1 << 20

// Verdict is what an export has shown.
type Verdict struct {
	// Instance is whose chain it is.
	Instance string `json:"instance"`
	// Intact is whether every event is as it was chained, and none is missing
	// between Anchor and Head.
	Intact bool `json:"intact"`
	// Events is how many were found in order.
	Events int `json:"events"`
	// Anchor is the place that the export begins behind, Head its end.
	Anchor store.ChainPlace `json:"anchor"`
	Head   store.ChainPlace `json:"head"`
	// BadSeq is the first number at which the chain is broken, Why what is wrong
	// there; 0 and empty when it is intact.
	BadSeq int64  `json:"bad_seq,omitempty"`
	Why    string `json:"why,omitempty"`
}

// exportHead is the first line of an export.
type exportHead struct {
	Chain    string           `json:"chain"`
	Complete bool             `json:"complete"`
	Anchor   store.ChainPlace `json:"anchor"`
	Head     store.ChainPlace `json:"head"`
}

// exportEvent is every other line. Null and the empty text are the same.
type exportEvent struct {
	ID           string            `json:"id"`
	Seq          int64             `json:"seq"`
	At           time.Time         `json:"at"`
	Instance     string            `json:"instance"`
	Action       string            `json:"action"`
	Outcome      string            `json:"outcome"`
	Reason       string            `json:"reason"`
	UserID       string            `json:"user_id"`
	Username     string            `json:"username"`
	ActorTokenID string            `json:"actor_token_id"`
	IP           string            `json:"ip"`
	Agent        string            `json:"agent"`
	TokenID      string            `json:"token_id"`
	TokenName    string            `json:"token_name"`
	Owner        string            `json:"owner"`
	Details      map[string]string `json:"details"`
	PrevHash     string            `json:"prev_hash"`
	Hash         string            `json:"hash"`
}

// Verify reads an export and checks the chain in it: every hash, every link,
// every number from the anchor to the head. When expect is not nil, the place
// that it names, noted from an earlier export, must be in the chain as well.
//
// It returns ErrExport for what cannot be read as an export of all events.
func Verify(r io.Reader, expect *store.ChainPlace) (*Verdict, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	var head exportHead
	if err := readLine(lines, &head); err != nil {
		return nil, fmt.Errorf("%w: first line: %w", ErrExport, err)
	}
	if head.Chain == "" {
		return nil, fmt.Errorf("%w: the first line does not say whose chain it is", ErrExport)
	}
	if !head.Complete {
		return nil, fmt.Errorf("%w: it holds only a part of the events, whose gaps would look like missing ones; export all of them, as an Admin and without filters", ErrExport)
	}
	v := &Verdict{Instance: head.Chain, Anchor: head.Anchor, Head: head.Head}
	c := checker{instance: head.Chain, last: head.Anchor, expect: expect}
	for {
		var e exportEvent
		err := readLine(lines, &e)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: line after event %d: %w", ErrExport, c.last.Seq, err)
		}
		if v.Why = c.next(&e); v.Why != "" {
			v.BadSeq = c.last.Seq + 1
			return v, nil
		}
		v.Events++
	}
	if v.Why = c.end(head); v.Why != "" {
		v.BadSeq = c.last.Seq + 1
	}
	v.Intact = v.Why == ""
	return v, nil
}

// readLine reads one line strictly; what a line holds besides would be covered
// by no hash.
func readLine(lines *bufio.Scanner, into any) error {
	if !lines.Scan() {
		if err := lines.Err(); err != nil {
			return fmt.Errorf("read a line: %w", err)
		}
		return io.EOF
	}
	decoder := json.NewDecoder(strings.NewReader(lines.Text()))
	if _, isEvent := into.(*exportEvent); isEvent {
		decoder.DisallowUnknownFields()
	}
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("decode a line: %w", err)
	}
	if decoder.More() {
		return errors.New("more than one object on a line")
	}
	return nil
}

// checker walks along a chain.
type checker struct {
	instance string
	last     store.ChainPlace
	expect   *store.ChainPlace
	seen     bool
}

// next checks the next event, and says what is wrong with it.
func (c *checker) next(e *exportEvent) string {
	want := c.last.Seq + 1
	switch {
	case e.Instance != c.instance:
		return fmt.Sprintf("an event of another instance, %s", e.Instance)
	case e.Seq > want:
		return fmt.Sprintf("missing: after event %d comes event %d", c.last.Seq, e.Seq)
	case e.Seq < want:
		return fmt.Sprintf("reordered or repeated: after event %d comes event %d", c.last.Seq, e.Seq)
	case e.At.Nanosecond()%int(time.Millisecond) != 0, e.Hash != Hash(e.event()):
		return "changed: the event does not have the hash that it says"
	case e.PrevHash != c.last.Hash:
		return fmt.Sprintf("forked: it does not follow event %d as that is here", c.last.Seq)
	}
	c.last = store.ChainPlace{Seq: e.Seq, Hash: e.Hash}
	if c.expect != nil && c.expect.Seq == e.Seq {
		c.seen = true
		if c.expect.Hash != e.Hash {
			return "forked: it has another hash than the expected one; the chain was written anew"
		}
	}
	return ""
}

// end checks that the chain ends where the export says, and holds what is
// expected.
func (c *checker) end(head exportHead) string {
	switch {
	case c.last.Seq < head.Head.Seq:
		return fmt.Sprintf("missing: the export ends with event %d, and the chain with event %d", c.last.Seq, head.Head.Seq)
	case c.last != head.Head:
		return "changed: the chain does not end with the head that the export names"
	case c.expect == nil || c.seen:
		return ""
	case c.expect.Seq > c.last.Seq:
		return fmt.Sprintf("missing: event %d is expected, and the chain ends with event %d", c.expect.Seq, c.last.Seq)
	case *c.expect == head.Anchor:
		return ""
	default:
		return fmt.Sprintf("missing: event %d is expected, and the export begins behind event %d", c.expect.Seq, head.Anchor.Seq)
	}
}

func (e *exportEvent) event() *store.Event {
	host, port, _ := net.SplitHostPort(e.Instance)
	number, _ := strconv.Atoi(port)
	return &store.Event{
		ID: e.ID, At: e.At, Host: host, Port: number, Action: store.Action(e.Action), Outcome: store.Outcome(e.Outcome), Reason: e.Reason,
		UserID: e.UserID, Username: e.Username, ActorTokenID: e.ActorTokenID, IP: e.IP, Agent: e.Agent,
		TokenID: e.TokenID, TokenName: e.TokenName, Owner: e.Owner, Details: e.Details, Seq: e.Seq, Prev: e.PrevHash, Hash: e.Hash,
	}
}
