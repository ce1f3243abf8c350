package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/falkorpat/falkorpat/store"
)

// line is one line of an export, whose fields a test may change.
type line map[string]any

// export makes an export of n events behind an anchor.
func export(anchor store.ChainPlace, n int) []line {
	lines, place := []line{nil}, anchor
	for i := range n {
		e := store.Event{
			ID: fmt.Sprintf("e-%d", i), At: noon.Truncate(time.Millisecond).Add(time.Duration(i) * time.Second), Host: "localhost", Port: 6379,
			Action: store.ActionTokenCreated, Outcome: store.OutcomeSuccess, Reason: "r", UserID: "user-1", Username: "ada", ActorTokenID: "1-b",
			IP: "192.0.2.1", Agent: "curl", TokenID: "1-a", TokenName: "nightly", Owner: "ada", Details: map[string]string{"k": "v"},
			Seq: place.Seq + 1, Prev: place.Hash,
		}
		e.Hash = Hash(&e)
		place = store.ChainPlace{Seq: e.Seq, Hash: e.Hash}
		lines = append(lines, lineOf(&e))
	}
	lines[0] = line{"chain": "localhost:6379", "complete": true, "anchor": anchor, "head": place}
	return lines
}

func lineOf(e *store.Event) line {
	return line{
		"id": e.ID, "seq": e.Seq, "at": e.At.Format(timeFormat), "instance": store.InstanceName(e.Host, e.Port), "action": string(e.Action),
		"outcome": string(e.Outcome), "reason": e.Reason, "user_id": e.UserID, "username": e.Username, "actor_token_id": e.ActorTokenID,
		"ip": e.IP, "agent": e.Agent, "token_id": e.TokenID, "token_name": e.TokenName, "owner": e.Owner, "details": e.Details,
		"prev_hash": e.Prev, "hash": e.Hash,
	}
}

func verify(tb rapid.TB, lines []line, expect *store.ChainPlace) (*Verdict, error) {
	tb.Helper()
	var text strings.Builder
	for _, l := range lines {
		encoded, err := json.Marshal(l)
		if err != nil {
			tb.Fatal(err)
		}
		text.Write(append(encoded, '\n'))
	}
	return Verify(strings.NewReader(text.String()), expect)
}

func TestUntouchedExportIsIntact(t *testing.T) {
	t.Parallel()
	anchor := store.ChainPlace{Seq: 7, Hash: strings.Repeat("a", 64)}
	for _, n := range []int{0, 1, 5} {
		for _, anchor := range []store.ChainPlace{{}, anchor} {
			v, err := verify(t, export(anchor, n), nil)
			if err != nil || !v.Intact || v.Events != n || v.Anchor != anchor || v.Head.Seq != anchor.Seq+int64(n) {
				t.Errorf("%d events behind %d: %+v, %v", n, anchor.Seq, v, err)
			}
		}
	}
}

func TestVerdictSaysWhereAndWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(lines []line) []line
		seq    int64
		why    string
	}{
		"value changed":    {func(l []line) []line { l[3]["username"] = "eve"; return l }, 3, "changed"},
		"detail changed":   {func(l []line) []line { l[3]["details"] = line{"k": "w"}; return l }, 3, "changed"},
		"detail added":     {func(l []line) []line { l[3]["details"] = line{"k": "v", "l": ""}; return l }, 3, "changed"},
		"time, a little":   {func(l []line) []line { l[3]["at"] = "2026-11-22T12:00:02.1239Z"; return l }, 3, "changed"},
		"one missing":      {func(l []line) []line { return slices.Delete(l, 3, 4) }, 3, "missing"},
		"the first":        {func(l []line) []line { return slices.Delete(l, 1, 2) }, 1, "missing"},
		"the last":         {func(l []line) []line { return l[:5] }, 5, "missing"},
		"repeated":         {func(l []line) []line { return slices.Insert(l, 3, l[2]) }, 3, "repeated"},
		"swapped":          {func(l []line) []line { l[2], l[3] = l[3], l[2]; return l }, 2, "missing"},
		"of another chain": {func(l []line) []line { l[2]["instance"] = "db:1"; return l }, 2, "another instance"},
		"written anew": {func(l []line) []line {
			forged := export(store.ChainPlace{Seq: 2, Hash: strings.Repeat("b", 64)}, 3)
			return append(l[:3], forged[1:]...)
		}, 3, "forked"},
		"head": {func(l []line) []line { l[0]["head"] = store.ChainPlace{Seq: 5, Hash: "ab"}; return l }, 6, "does not end with the head"},
	} {
		v, err := verify(t, c.change(export(store.ChainPlace{}, 5)), nil)
		if err != nil || v.Intact || v.BadSeq != c.seq || !strings.Contains(v.Why, c.why) || v.Events != int(c.seq)-1 {
			t.Errorf("%s: %+v, %v; want %q at %d", name, v, err, c.why, c.seq)
		}
	}
}

// Whatever single value of whatever event is changed to something else, it is
// found, at that event.
func TestAnySingleChangeIsFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines := export(store.ChainPlace{}, 6)
		seq := rapid.IntRange(1, 6).Draw(t, "seq")
		fields := slices.Sorted(func(yield func(string) bool) {
			for name := range lines[seq] {
				if !yield(name) {
					return
				}
			}
		})
		field := rapid.SampledFrom(fields).Draw(t, "field")
		before := lines[seq][field]
		switch field {
		case "seq":
			lines[seq][field] = rapid.Int64().Draw(t, "value")
		case "at":
			lines[seq][field] = time.UnixMilli(rapid.Int64Range(0, 1<<41).Draw(t, "value")).UTC().Format(timeFormat)
		case "details":
			lines[seq][field] = rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "value")
		default:
			lines[seq][field] = rapid.String().Draw(t, "value")
		}
		if fmt.Sprint(before) == fmt.Sprint(lines[seq][field]) {
			return
		}
		v, err := verify(t, lines, nil)
		if err == nil && (v.Intact || v.BadSeq != int64(seq)) {
			t.Fatalf("%s changed from %v to %v: %+v", field, before, lines[seq][field], v)
		}
	})
}

func TestExpectedHeadMustBeInTheChain(t *testing.T) {
	t.Parallel()
	anchor := store.ChainPlace{Seq: 3, Hash: strings.Repeat("a", 64)}
	lines := export(anchor, 4)
	hash, _ := lines[2]["hash"].(string)
	for name, c := range map[string]struct {
		expect store.ChainPlace
		why    string
	}{
		"in it":             {store.ChainPlace{Seq: 5, Hash: hash}, ""},
		"the anchor":        {anchor, ""},
		"written anew":      {store.ChainPlace{Seq: 5, Hash: strings.Repeat("c", 64)}, "forked"},
		"cut off":           {store.ChainPlace{Seq: 9, Hash: hash}, "missing: event 9"},
		"before the anchor": {store.ChainPlace{Seq: 2, Hash: hash}, "missing: event 2"},
		"another anchor":    {store.ChainPlace{Seq: 3, Hash: hash}, "missing: event 3"},
	} {
		v, err := verify(t, lines, &c.expect)
		if err != nil || v.Intact != (c.why == "") || !strings.Contains(v.Why, c.why) {
			t.Errorf("%s: %+v, %v, want %q", name, v, err, c.why)
		}
	}
}

func TestWhatIsNoWholeExportIsRefused(t *testing.T) {
	t.Parallel()
	partial := export(store.ChainPlace{}, 2)
	partial[0]["complete"] = false
	encoded, err := json.Marshal(partial[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing": "", "no JSON": "hello\n", "an event first": `{"id":"x"}` + "\n", "a part of the events": string(encoded) + "\n",
		"unknown fields": `{"chain":"a:1","complete":true,"anchor":{"seq":0,"hash":""},"head":{"seq":1,"hash":"a"}}` + "\n" + `{"seq":1,"also":1}` + "\n",
		"two on a line":  `{"chain":"a:1","complete":true} {}` + "\n",
	} {
		if v, err := Verify(strings.NewReader(text), nil); !errors.Is(err, ErrExport) {
			t.Errorf("%s: %+v, %v, want ErrExport", name, v, err)
		}
	}
}

// Every field has its own place in the hash: moving a byte from one to the next
// makes another event.
func TestNoTwoEventsHaveTheSameHash(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := store.Event{UserID: rapid.String().Draw(t, "a"), Username: rapid.String().Draw(t, "b")}
		b := store.Event{UserID: rapid.String().Draw(t, "c"), Username: rapid.String().Draw(t, "d")}
		if same := a.UserID == b.UserID && a.Username == b.Username; (Hash(&a) == Hash(&b)) != same {
			t.Fatalf("%+v and %+v", a, b)
		}
	})
	if Hash(&store.Event{UserID: "ab", Username: "c"}) == Hash(&store.Event{UserID: "a", Username: "bc"}) {
		t.Error("a byte that moved does not change the hash")
	}
}
