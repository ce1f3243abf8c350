package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

var localhost = []string{"localhost", "127.0.0.1", "::1"}

// list lists all pages of a query.
func list(tb testing.TB, s *Store, q ListQuery) (tokens []*Token) {
	tb.Helper()
	if q.Now.IsZero() {
		q.Now = noon
	}
	if q.Sort == "" {
		q.Sort, q.Descending = SortCreated, true
	}
	for {
		page, err := s.ListTokens(tb.Context(), q)
		if err != nil {
			tb.Fatal(err)
		}
		tokens = append(tokens, page.Tokens...)
		if page.Next == nil {
			return tokens
		}
		q.From = page.Next
	}
}

// only is the filter for one status; "" is for all.
func only(status Status) []Status {
	if status == "" {
		return nil
	}
	return []Status{status}
}

// newestFirst is the order of lists.
func newestFirst(a, b *Token) int {
	if c := b.CreatedAt.Compare(a.CreatedAt); c != 0 {
		return c
	}
	return strings.Compare(b.ID, a.ID)
}

func TestListIsNewestFirst(t *testing.T) {
	t.Parallel()
	s := setup(t)
	var want []*Token
	for _, ago := range rand.Perm(40) {
		age := time.Duration(ago/4) * 700 * time.Millisecond // several in one second, some in one millisecond
		if ago%5 == 0 {
			age = time.Duration(ago) * 400 * time.Hour
		}
		want = append(want, create(t, s, alice, createdAt(noon.Add(-age))))
	}
	slices.SortFunc(want, newestFirst)
	for _, limit := range []int{1, 3, 39, 40, 41, 1000} {
		got := list(t, s, ListQuery{Hosts: localhost, Port: 6379, Limit: limit})
		equal(t, fmt.Sprintf("list by %d", limit), ids(got), ids(want))
	}
	got := list(t, s, ListQuery{Hosts: localhost, Port: 6379, Limit: 100})
	equal(t, "newest", got[0], asListed(want[0]))
}

// asListed is a token less what no list holds: its credentials.
func asListed(t *Token) *Token {
	listed := *t
	listed.SealedPassword, listed.CA = "", ""
	return &listed
}

func TestEmptyListIsNotNil(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, sort := range []Sort{SortCreated, SortName} {
		got, err := s.ListTokens(t.Context(), ListQuery{Hosts: localhost, Port: 6379, Now: noon, Sort: sort, Limit: 10})
		if err != nil || got.Tokens == nil || len(got.Tokens) != 0 || got.Next != nil {
			t.Errorf("got %v, %v", got, err)
		}
	}
}

func TestListWithoutALimitIsRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, limit := range []int{0, -1} {
		if got, err := s.ListTokens(t.Context(), ListQuery{Hosts: localhost, Port: 6379, Now: noon, Limit: limit}); err == nil {
			t.Errorf("limit %d gave %v", limit, got)
		}
	}
}

const (
	markSuspended = `MATCH (t:Token {token_id: $token_id}) SET t.suspended_at = $at`
	markStale     = `MATCH (t:Token {token_id: $token_id}) SET t.stale_since = $at`
)

func TestStatusFilterAtTheBoundariesOfTime(t *testing.T) {
	t.Parallel()
	s := setup(t)
	now := noon.Add(500 * time.Millisecond) // times are kept to the second, now is not
	want := map[Status][]string{}
	add := func(status Status, token *Token) {
		want[status] = append(want[status], token.ID)
		want[""] = append(want[""], token.ID)
	}
	add(StatusActive, create(t, s, alice))
	add(StatusActive, create(t, s, alice, expiringAt(noon.Add(time.Second))))
	swept := create(t, s, alice, expiringAt(noon.Add(-time.Hour)))
	sweep(t, s, time.Time{}, noon, 10)
	add(StatusExpired, swept)
	add(StatusExpired, create(t, s, alice, expiringAt(noon)))
	add(StatusExpired, create(t, s, alice, expiringAt(noon.Add(-time.Second))))
	for _, change := range []func(*Token){expiringAt(time.Time{}), expiringAt(noon.Add(time.Hour)), expiringAt(noon.Add(-time.Hour))} {
		token := create(t, s, alice, change)
		revoke(t, s, token.ID)
		add(StatusRevoked, token)
	}
	for i, change := range []func(*Token){expiringAt(time.Time{}), expiringAt(noon.Add(time.Hour)), expiringAt(noon)} {
		rests, stale, both := create(t, s, alice, change), create(t, s, alice, change), create(t, s, alice, change)
		for _, mark := range []struct{ query, id string }{{markSuspended, rests.ID}, {markStale, stale.ID}, {markSuspended, both.ID}, {markStale, both.ID}} {
			raw(t, s, mark.query, param{"token_id", mark.id}, param{"at", noon.Add(-time.Hour)})
		}
		if i == 2 {
			add(StatusExpired, rests)
			add(StatusExpired, stale)
			add(StatusExpired, both)
			continue
		}
		add(StatusSuspended, rests)
		add(StatusStale, stale)
		add(StatusSuspended, both)
	}
	unmarked := create(t, s, alice) // by a time that is never
	raw(t, s, markSuspended, param{"token_id", unmarked.ID}, param{"at", time.Time{}})
	raw(t, s, markStale, param{"token_id", unmarked.ID}, param{"at", time.Time{}})
	add(StatusActive, unmarked)
	for status, listed := range want {
		for _, username := range []string{"", "alice"} {
			for _, limit := range []int{1, 100} {
				got := list(t, s, ListQuery{Hosts: localhost, Port: 6379, Username: username, Statuses: only(status), Now: now, Limit: limit})
				equal(t, fmt.Sprintf("%q of %q", status, username), sorted(ids(got)), sorted(listed))
				for _, token := range got {
					if is := token.Status(now); status != "" && is != status {
						t.Errorf("%s is listed as %s and says %s", token.ID, status, is)
					}
				}
			}
		}
	}
}

func TestListKeepsUsersAndInstancesApart(t *testing.T) {
	t.Parallel()
	s := setup(t)
	tokens := map[string]string{}
	for _, u := range []User{
		alice, bob, user("alice", "127.0.0.1", 6379), user("alice", "localhost", 6380), user("alice", "db.example.com", 6379),
		user("Alice", "localhost", 6379), user("alice ", "localhost", 6379), user("alice\x01bob", "localhost", 6379), user("*", "localhost", 6379),
		user("bob", "localhost\x01db.example.com", 6379),
	} {
		tokens[fmt.Sprintf("%s@%s:%d", u.Username, u.Host, u.Port)] = create(t, s, u).ID
	}
	for _, c := range []struct {
		hosts    []string
		port     int
		username string
		want     []string
	}{
		{localhost, 6379, "alice", []string{"alice@localhost:6379", "alice@127.0.0.1:6379"}},
		{localhost, 6379, "bob", []string{"bob@localhost:6379"}},
		{localhost, 6379, "Alice", []string{"Alice@localhost:6379"}},
		{localhost, 6379, "*", []string{"*@localhost:6379"}},
		{localhost, 6379, "nobody", nil},
		{localhost, 6380, "alice", []string{"alice@localhost:6380"}},
		{localhost, 6380, "bob", nil},
		{localhost, 6379, "", []string{
			"alice@localhost:6379", "alice@127.0.0.1:6379", "bob@localhost:6379", "Alice@localhost:6379", "alice @localhost:6379",
			"alice\x01bob@localhost:6379", "*@localhost:6379",
		}},
		{[]string{"db.example.com"}, 6379, "", []string{"alice@db.example.com:6379"}},
		{[]string{"db.example.com"}, 6379, "bob", nil},
		{[]string{}, 6379, "", nil},
		{localhost, 0, "", nil},
	} {
		want := []string{}
		for _, name := range c.want {
			want = append(want, tokens[name])
		}
		got := list(t, s, ListQuery{Hosts: c.hosts, Port: c.port, Username: c.username, Limit: 100})
		equal(t, fmt.Sprintf("%q of %v:%d", c.username, c.hosts, c.port), sorted(ids(got)), sorted(want))
	}
}

func TestPagesHoldEachTokenOnceWhileOthersComeAndGo(t *testing.T) {
	t.Parallel()
	s := setup(t)
	var stay []string
	var leave []*Token
	for i := range 250 {
		at := createdAt(noon.Add(-time.Duration(i%50) * time.Second)) // five in each second
		stay = append(stay, create(t, s, alice, at).ID)
		if i%5 == 0 {
			leave = append(leave, create(t, s, alice, at))
		}
	}
	q := ListQuery{Hosts: localhost, Port: 6379, Username: "alice", Statuses: []Status{StatusActive}, Now: noon, Descending: true, Limit: 7}
	seen := map[string]int{}
	pages := 0
	for ; ; pages++ {
		page, err := s.ListTokens(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, token := range page.Tokens {
			seen[token.ID]++
		}
		if page.Next == nil {
			break
		}
		last := page.Tokens[len(page.Tokens)-1].ID
		q.From = page.Next
		create(t, s, alice, createdAt(noon.Add(time.Duration(pages)*time.Second)))    // on top
		create(t, s, alice, createdAt(noon.Add(-time.Duration(pages*3)*time.Second))) // anywhere
		create(t, s, bob, createdAt(noon.Add(-time.Duration(pages)*time.Second)))     // of no concern
		revoke(t, s, leave[pages%len(leave)].ID)                                      // listed already or not
		if rows := raw(t, s, `MATCH (t:Token {token_id: $id}) SET t.last_used = 1 RETURN 1`, param{"id", last}); len(rows) != 1 {
			t.Fatal("the token of the cursor is not there")
		}
		revoke(t, s, last) // a cursor works on when its token does not
	}
	for _, id := range stay {
		if seen[id] != 1 {
			t.Errorf("%s was listed %d times", id, seen[id])
		}
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s was listed %d times", id, n)
		}
	}
	t.Logf("%d pages, %d tokens", pages, len(seen))
}

// A token that is gone leaves its place behind.
func TestPlaceOfATokenThatIsGoneStays(t *testing.T) {
	t.Parallel()
	s := setup(t)
	var made []string
	for i := range 5 {
		made = append(made, create(t, s, alice, createdAt(noon.Add(time.Duration(i)*time.Second))).ID)
	}
	for _, sort := range []Sort{SortCreated, SortExpires, SortLastUsed, SortName} {
		q := ListQuery{Hosts: localhost, Port: 6379, Now: noon, Sort: sort, Limit: 2}
		page, err := s.ListTokens(t.Context(), q)
		if err != nil || page.Next == nil {
			t.Fatal(page, err)
		}
		raw(t, s, `MATCH (t:Token {token_id: $id}) DELETE t`, param{"id", page.Tokens[1].ID})
		q.From = page.Next
		equal(t, string(sort), ids(list(t, s, q)), made[2:])
		made[1] = create(t, s, alice, createdAt(noon.Add(time.Second))).ID
	}
}

// A page that finds little ends early, goes on where it ended, and misses nothing.
func TestPageThatFindsLittleIsShortAndNotTheLast(t *testing.T) {
	t.Parallel()
	s := setup(t)
	fill(t, s, 2*maxExamined+500, 40, noon)
	oldest := create(t, s, alice, createdAt(noon.AddDate(-1, 0, 0)), func(t *Token) { t.Name, t.Graphs = "needle", []string{"hay"} })
	for what, q := range map[string]ListQuery{
		"name":   {Name: "NEED"},
		"graph":  {Graphs: func(patterns []string) bool { return patterns != nil }},
		"status": {Statuses: []Status{StatusStale, StatusRevoked}, Name: "needle"},
	} {
		q.Hosts, q.Port, q.Now, q.Sort, q.Limit = localhost, 6379, noon, SortCreated, 10
		for _, q.Descending = range []bool{true, false} {
			pages, found := 0, []string{}
			for {
				page, err := s.ListTokens(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				pages++
				found = append(found, ids(page.Tokens)...)
				if q.From = page.Next; q.From == nil {
					break
				}
			}
			want := []string{oldest.ID}
			if what == "status" {
				want = []string{}
			}
			equal(t, what, found, want)
			if pages < 3 || pages > 5 {
				t.Errorf("%s: %d pages", what, pages)
			}
		}
	}
}

func TestListIsBoundedAsAWhole(t *testing.T) {
	t.Parallel()
	s := setup(t)
	create(t, s, alice)
	s.stopLinking() // which reads it too
	s.timeout = time.Nanosecond
	if _, err := s.ListTokens(t.Context(), ListQuery{Hosts: localhost, Port: 6379, Now: noon, Limit: 1}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
