package audit

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/store"
)

var other = store.User{Username: "ada", Host: "::1", Port: 7000}

// Many writers and many replicas make one chain for each instance, without a gap
// and without a fork, of all events.
func TestManyReplicasMakeOneChain(t *testing.T) {
	t.Parallel()
	f := setup(t)
	const replicas, rounds, each = 8, 10, 7
	var group sync.WaitGroup
	errs := make([]error, replicas)
	for i := range replicas {
		s := f.replica(t)
		group.Go(func() {
			for range rounds {
				f.record(t, s, ada, each)
				f.record(t, s, other, 1)
				errs[i] = errors.Join(errs[i], s.Chain(t.Context()))
			}
		})
	}
	group.Wait()
	if err := errors.Join(append(errs, f.Chain(t.Context()))...); err != nil {
		t.Fatal(err)
	}
	for instance, want := range map[string]int{"localhost:6379": replicas * rounds * each, "[::1]:7000": replicas * rounds} {
		v, err := verify(t, f.exported(t, instance), nil)
		if err != nil || !v.Intact || v.Events != want || v.Head.Seq != int64(want) {
			t.Errorf("%s: %+v, %v, want %d events", instance, v, err, want)
		}
	}
	if waiting, err := f.store.Unchained(t.Context(), 10); err != nil || len(waiting) != 0 {
		t.Errorf("still unchained: %v, %v", waiting, err)
	}
}

func TestEventsAreChainedInTheOrderOfTheirTimes(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for range 3 {
		f.record(t, f.Service, ada, 1)
		f.advance(-time.Second)
	}
	if err := f.Chain(t.Context()); err != nil {
		t.Fatal(err)
	}
	page, err := f.List(t.Context(), store.EventQuery{Instance: "localhost:6379", Limit: 10}, "")
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range page.Events {
		if want := int64(len(page.Events) - i); e.Seq != want || i > 0 && e.At.After(page.Events[i-1].At) {
			t.Errorf("event %d has seq %d and time %v", i, e.Seq, e.At)
		}
	}
}

// What is older than the retention goes, from the beginning on; the rest can
// still be verified, from the anchor.
func TestOldEventsGoAndTheRestStaysVerifiable(t *testing.T) {
	t.Parallel()
	f := setup(t)
	const old, young = 1234, 17
	f.record(t, f.Service, ada, old)
	if err := f.Chain(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := f.exported(t, "localhost:6379")
	f.advance(DefaultRetention - time.Hour)
	f.record(t, f.Service, ada, young)
	if n, err := f.Prune(t.Context(), "localhost:6379"); n != 0 || err != nil {
		t.Errorf("pruned %d, %v, before the time", n, err)
	}
	f.advance(2 * time.Hour)
	if n, err := f.Prune(t.Context(), "localhost:6379"); n != old || err != nil {
		t.Errorf("pruned %d, %v, want %d", n, err, old)
	}
	v, err := verify(t, f.exported(t, "localhost:6379"), nil)
	if err != nil || !v.Intact || v.Events != young || v.Anchor.Seq != old || fmt.Sprint(v.Anchor.Hash) != fmt.Sprint(before[old]["hash"]) {
		t.Errorf("%+v, %v", v, err)
	}
	// A chain of which nothing is left goes on where it was.
	f.advance(2 * DefaultRetention)
	if n, err := f.Prune(t.Context(), "localhost:6379"); n != young || err != nil {
		t.Errorf("pruned %d, %v, want %d", n, err, young)
	}
	f.record(t, f.Service, ada, 1)
	if v, err = verify(t, f.exported(t, "localhost:6379"), nil); err != nil || !v.Intact || v.Events != 1 || v.Head.Seq != old+young+1 {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestOneOfManyReplicasPrunes(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.record(t, f.Service, ada, 700)
	if err := f.Chain(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.advance(2 * DefaultRetention)
	counts := make([]int, 6)
	var group sync.WaitGroup
	for i := range counts {
		group.Go(func() {
			n, err := f.Prune(t.Context(), "localhost:6379")
			if err != nil {
				t.Error(err)
			}
			counts[i] = n
		})
	}
	group.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	if v, err := verify(t, f.exported(t, "localhost:6379"), nil); err != nil || !v.Intact || v.Anchor.Seq != 700 || total != 700 {
		t.Errorf("%+v, %v; pruned %v", v, err, counts)
	}
}

func TestFiltersAndPagesGiveEveryEventOnce(t *testing.T) {
	t.Parallel()
	f := setup(t)
	tokens := []*store.Token{{ID: "1-a", User: ada}, {ID: "1-b", User: store.User{Username: "grace", Host: "localhost", Port: 6379}}}
	var all []store.Event
	for i := range 900 {
		token := tokens[0]
		if i%300 == 7 {
			token = tokens[1]
		}
		e := f.Success(WithActor(t.Context(), ada, ""), store.ActionTokenCreated, token)
		if i >= 450 {
			e.Action = store.ActionTokenRevoked
		}
		all = append(all, e)
		f.advance(time.Second)
	}
	if err := f.store.RecordEvents(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		query store.EventQuery
		want  int
	}{
		"all":                {store.EventQuery{Limit: 100}, 900},
		"small pages":        {store.EventQuery{Limit: 7}, 900},
		"a rare token":       {store.EventQuery{Limit: 2, TokenID: "1-b"}, 3},
		"a frequent token":   {store.EventQuery{Limit: 50, TokenID: "1-a"}, 897},
		"an owner":           {store.EventQuery{Limit: 2, Username: "grace"}, 3},
		"an actor":           {store.EventQuery{Limit: 100, Username: "ada"}, 900},
		"nobody":             {store.EventQuery{Limit: 10, Username: "eve"}, 0},
		"an action":          {store.EventQuery{Limit: 100, Action: store.ActionTokenCreated}, 450},
		"an outcome":         {store.EventQuery{Limit: 100, Outcome: store.OutcomeDenied}, 0},
		"a time":             {store.EventQuery{Limit: 10, Since: all[100].At, Before: all[200].At}, 100},
		"a token and a time": {store.EventQuery{Limit: 10, TokenID: "1-b", Since: all[300].At}, 2},
	} {
		q := c.query
		q.Instance = "localhost:6379"
		seen := map[string]bool{}
		cursor := ""
		for pages := 0; ; pages++ {
			page, err := f.List(t.Context(), q, cursor)
			if err != nil || pages > 1000 {
				t.Fatalf("%s: %v", name, err)
			}
			for _, e := range page.Events {
				if seen[e.ID] {
					t.Fatalf("%s: event %d twice", name, e.Seq)
				}
				seen[e.ID] = true
			}
			if page.Next == "" {
				break
			}
			cursor = page.Next
		}
		if len(seen) != c.want {
			t.Errorf("%s: %d events, want %d", name, len(seen), c.want)
		}
	}
	if page, err := f.List(t.Context(), store.EventQuery{Instance: "localhost:6380", Limit: 10}, ""); err != nil || len(page.Events) != 0 {
		t.Errorf("another instance shows %v, %v", page, err)
	}
}

func TestCursorIsGoodForTheListItCameFromAlone(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.record(t, f.Service, ada, 5)
	q := store.EventQuery{Instance: "localhost:6379", Limit: 2}
	page, err := f.List(t.Context(), q, "")
	if err != nil || page.Next == "" {
		t.Fatalf("%+v, %v", page, err)
	}
	for name, change := range map[string]func(*store.EventQuery){
		"instance": func(q *store.EventQuery) { q.Instance = "localhost:6380" }, "token": func(q *store.EventQuery) { q.TokenID = "1-a" },
		"user": func(q *store.EventQuery) { q.Username = "ada" }, "action": func(q *store.EventQuery) { q.Action = store.ActionTokenCreated },
		"outcome": func(q *store.EventQuery) { q.Outcome = store.OutcomeSuccess }, "since": func(q *store.EventQuery) { q.Since = noon },
		"before": func(q *store.EventQuery) { q.Before = noon },
	} {
		changed := q
		change(&changed)
		if _, err := f.List(t.Context(), changed, page.Next); !errors.Is(err, crypto.ErrCursor) {
			t.Errorf("with another %s: %v", name, err)
		}
	}
	q.Limit = 100 // as many as one likes
	if rest, err := f.List(t.Context(), q, page.Next); err != nil || len(rest.Events) != 3 || rest.Events[0].Seq != 3 {
		t.Errorf("%+v, %v", rest, err)
	}
}
