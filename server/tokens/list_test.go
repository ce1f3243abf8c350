package tokens

import (
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/store"
)

// listRequest asks for the tokens of the fixture's instance.
func (f *fixture) listRequest(change func(*ListRequest)) ListRequest {
	r := ListRequest{Instance: instance.Instance{Host: "localhost", Port: f.port}, Sort: store.SortCreated, Descending: true, Limit: 1}
	change(&r)
	return r
}

func TestCursorIsGoodForTheListItCameFromAlone(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for range 3 {
		f.issue(t, Request{Name: "t"})
	}
	moment := f.clock.Now().Add(time.Hour)
	lists := map[string]func(*ListRequest){
		"all":             func(*ListRequest) {},
		"ascending":       func(r *ListRequest) { r.Descending = false },
		"by name":         func(r *ListRequest) { r.Sort = store.SortName },
		"by use":          func(r *ListRequest) { r.Sort = store.SortLastUsed },
		"by end":          func(r *ListRequest) { r.Sort = store.SortExpires },
		"one user's":      func(r *ListRequest) { r.Filter.Username = "user-" + strings.ToLower(f.graph) },
		"active":          func(r *ListRequest) { r.Filter.Statuses = []store.Status{store.StatusActive} },
		"named":           func(r *ListRequest) { r.Filter.Name = "t" },
		"created":         func(r *ListRequest) { r.Filter.Created.Before = &moment },
		"never used":      func(r *ListRequest) { r.Filter.NeverUsed = true },
		"of a graph":      func(r *ListRequest) { r.Filter.Graph = "social" },
		"of other graphs": func(r *ListRequest) { r.Filter.Graph = "tenant" },
	}
	cursors := map[string]string{}
	for name, change := range lists {
		page, err := f.List(t.Context(), f.listRequest(change))
		if err != nil || len(page.Tokens) != 1 || page.Next == "" {
			t.Fatalf("%s: %v, %v", name, page, err)
		}
		cursors[name] = page.Next
	}
	for name, change := range lists {
		for from, cursor := range cursors {
			r := f.listRequest(change)
			r.Cursor, r.Limit = cursor, 10
			page, err := f.List(t.Context(), r)
			switch {
			case from == name && (err != nil || len(page.Tokens) != 2 || page.Next != ""):
				t.Errorf("%s: its own cursor gives %v, %v", name, page, err)
			case from != name && fieldOf(err) != "cursor":
				t.Errorf("%s: the cursor of %s gives %v", name, from, err)
			}
		}
	}
	r := f.listRequest(func(r *ListRequest) { r.Cursor, r.Instance.Port = cursors["all"], 1 })
	if _, err := f.List(t.Context(), r); fieldOf(err) != "cursor" {
		t.Errorf("another instance: %v", err)
	}
}

func TestFiltersThatContradictThemselvesAreRefusedByName(t *testing.T) {
	t.Parallel()
	early, late := time.Unix(100, 0), time.Unix(100, 1)
	elsewhere := late.In(time.FixedZone("", 3600))
	for field, filters := range map[string][]Filter{
		"": {
			{},
			{Created: Period{&early, &late}, Expires: Period{&early, nil}, LastUsed: Period{nil, &early}},
			{NeverUsed: true, Created: Period{&early, &late}},
			{Name: "*?[\\'\"", Username: "a b", Graph: "日本"},
		},
		"created_before":   {{Created: Period{&late, &early}}, {Created: Period{&early, &early}}, {Created: Period{&late, &elsewhere}}},
		"expires_before":   {{Expires: Period{&late, &early}}},
		"last_used_before": {{LastUsed: Period{&late, &early}}},
		"never_used":       {{NeverUsed: true, LastUsed: Period{&early, nil}}, {NeverUsed: true, LastUsed: Period{nil, &early}}},
		"name":             {{Name: "a\x00"}, {Name: "\xff"}, {Name: "a\nb"}},
		"username":         {{Username: "a\x00"}, {Username: "\x1b"}},
		"graph":            {{Graph: "\x7f"}, {Graph: "\xc0\x80"}},
	} {
		for _, filter := range filters {
			if got := fieldOf(filter.validate()); got != field {
				t.Errorf("%+v: names %q, want %q", filter, got, field)
			}
		}
	}
}

// The zero time means no bound to the store, and yet is a time before all tokens.
func TestTimesBeforeAllTokensAreBounds(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.issue(t, Request{Name: "t"})
	for _, long := range []time.Time{{}, time.Unix(0, 0), time.Unix(-1, 0)} {
		for what, change := range map[string]func(*ListRequest){
			"created before":                 func(r *ListRequest) { r.Filter.Created.Before = &long },
			"expires before":                 func(r *ListRequest) { r.Filter.Expires.Before = &long },
			"expires after, which it never":  func(r *ListRequest) { r.Filter.Expires.After = &long },
			"used after, which it never was": func(r *ListRequest) { r.Filter.LastUsed.After = &long },
		} {
			page, err := f.List(t.Context(), f.listRequest(change))
			if err != nil || len(page.Tokens) != 0 {
				t.Errorf("%s %v: %v, %v", what, long, page, err)
			}
		}
		if page, err := f.List(t.Context(), f.listRequest(func(r *ListRequest) { r.Filter.Created.After = &long })); err != nil || len(page.Tokens) != 1 {
			t.Errorf("created after %v: %v, %v", long, page, err)
		}
	}
}

func TestTotalIsOfAllPagesAndOnlyWhenAskedFor(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for range 4 {
		f.issue(t, Request{Name: "t"})
	}
	page, err := f.List(t.Context(), f.listRequest(func(r *ListRequest) { r.Total = true }))
	if err != nil || page.Total == nil || *page.Total != 4 || len(page.Tokens) != 1 {
		t.Errorf("%v, %v", page, err)
	}
	if page, err := f.List(t.Context(), f.listRequest(func(*ListRequest) {})); err != nil || page.Total != nil {
		t.Errorf("not asked for: %v, %v", page, err)
	}
	if page, err := f.List(t.Context(), f.listRequest(func(r *ListRequest) { r.Total, r.Filter.Username = true, "nobody" })); err != nil || *page.Total != 0 {
		t.Errorf("of nobody: %v, %v", page, err)
	}
}

// Uses that are not written yet are shown, and not sorted by.
func TestListShowsUsesThatAreNotWrittenYet(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, _ := f.issue(t, Request{Name: "t"})
	if _, err := f.Verify(t.Context(), issued.Text, client("192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	for _, never := range []bool{true, false} {
		page, err := f.List(t.Context(), f.listRequest(func(r *ListRequest) { r.Filter.NeverUsed = never }))
		if err != nil || len(page.Tokens) != 1 || !page.Tokens[0].LastUse.At.Equal(f.clock.Now().Truncate(time.Second)) {
			t.Errorf("never used %t: %v, %v", never, page, err)
		}
	}
	if err := f.recorder.flush(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if page, err := f.List(t.Context(), f.listRequest(func(r *ListRequest) { r.Filter.NeverUsed = true })); err != nil || len(page.Tokens) != 0 {
		t.Errorf("written: %v, %v", page, err)
	}
}

func TestListShowsTheLaterOfTwoUsesInOneSecond(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, _ := f.issue(t, Request{Name: "t"})
	for _, address := range []string{"192.0.2.1", "192.0.2.2"} {
		if _, err := f.Verify(t.Context(), issued.Text, client(address)); err != nil {
			t.Fatal(err)
		}
		page, err := f.List(t.Context(), f.listRequest(func(*ListRequest) {}))
		if err != nil || len(page.Tokens) != 1 || page.Tokens[0].LastUse.IP != address {
			t.Errorf("used from %s: %v, %v", address, page, err)
		}
		if err := f.recorder.flush(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	}
}
