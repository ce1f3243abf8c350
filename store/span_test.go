package store

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func anySpan(r *rapid.T) span {
	after := rapid.OneOf(rapid.Just(int64(beforeAll)), rapid.Int64Range(beforeAll, 4_000_000_000)).Draw(r, "after")
	until := rapid.OneOf(rapid.Just(int64(afterAll)), rapid.Int64Range(after+1, after+1000), rapid.Int64Range(after+1, afterAll)).Draw(r, "until")
	return span{after, until}
}

func TestPartsOfASpanAreTheSpan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		whole := anySpan(r)
		now := rapid.Int64Range(-1, 4_000_000_000).Draw(r, "now")
		if rapid.Bool().Draw(r, "no time") {
			now = time.Time{}.Unix()
		}
		for name, parts := range map[string][]span{"widening": whole.widening(now), "dividing": whole.dividing()} {
			if len(parts) == 0 || len(parts) > pieces {
				r.Fatalf("%s: %d parts of %v", name, len(parts), whole)
			}
			until := whole.until
			for _, part := range parts {
				if part.until != until || part.after >= part.until {
					r.Fatalf("%s: %v of %v is not next to %d", name, part, whole, until)
				}
				if back := part.mirrored().mirrored(); back != part {
					r.Fatalf("%v turned round twice is %v", part, back)
				}
				until = part.after
			}
			if until != whole.after {
				r.Fatalf("%s: parts of %v end at %d", name, whole, until)
			}
		}
		parts := whole.receding(now)
		after := whole.after
		for _, part := range parts {
			if part.after != after || part.isEmpty() {
				r.Fatalf("receding: %v of %v is not next to %d", part, whole, after)
			}
			after = part.until
		}
		if after != whole.until || len(parts) > pieces {
			r.Fatalf("receding: %d parts of %v end at %d", len(parts), whole, after)
		}
	})
}

func TestWideningPartsAreSmallWhereItIsNew(t *testing.T) {
	t.Parallel()
	now := noon.Unix()
	parts := span{beforeAll, afterAll}.widening(noon.Unix())
	equal(t, "first parts", [][2]int64{
		{parts[0].after, parts[0].until}, {parts[1].after, parts[1].until}, {parts[2].after, parts[2].until}, {parts[3].after, parts[3].until},
	}, [][2]int64{{now, afterAll}, {now - 1, now}, {now - 5, now - 1}, {now - 21, now - 5}})
}

// Dividing must get to a single second soon, whatever the span and the part.
func TestDividedPartsShrinkQuickly(t *testing.T) {
	t.Parallel()
	for _, pick := range []string{"newest", "oldest"} {
		s := span{beforeAll, afterAll}
		rounds := 0
		for ; s.until-s.after > 1; rounds++ {
			parts := s.dividing()
			if s = parts[0]; pick == "oldest" {
				s = parts[len(parts)-1]
			}
		}
		if rounds > 24 {
			t.Errorf("%s: %d rounds", pick, rounds)
		}
	}
}

// fill stores n tokens of alice's, perSecond in each second until last, without
// going through CreateToken n times. One in ten is active.
func fill(tb testing.TB, s *Store, n, perSecond int, last time.Time) {
	tb.Helper()
	raw(tb, s, `MERGE (u:User {user_id: $user_id}) ON CREATE SET u.username = 'alice', u.host = 'localhost', u.port = 6379
		WITH u UNWIND range(0, $n - 1) AS i
		WITH u, i, $last - i / $per_second AS at
		WITH u, i, at, toString(at * 1000 + 999 - i % $per_second) + '-' + toString(10000000 + i) AS id
		CREATE (:Token {token_id: id, token_hash: id + 'hash', user_id: $user_id, username: 'alice', host: 'localhost', port: 6379,
			name: 'CI/CD Pipeline Token', role: 'Read-Write', created_at: at, expires_at: -1, last_used: -1, is_active: i % 10 = 0,
			encrypted_password: 'v1.2026a.bm9uY2Vub25jZW5v.c2VhbGVkc2VhbGVkc2VhbGVkc2VhbGVkc2VhbGVkc2VhbGVk', kind: 'pat', tls: false, ca: ''})-[:BELONGS_TO]->(u)`,
		param{"user_id", alice.ID}, param{"n", n}, param{"per_second", perSecond}, param{"last", last})
}

// This is what makes lists cheap: however many tokens there are, and whenever
// they were made, expire or were used, a page looks at little more than it returns.
func TestPageLooksAtLittleMoreThanItReturns(t *testing.T) {
	t.Parallel()
	s := setup(t)
	const n = 6000
	fill(t, s, n/3, 40, noon)
	fill(t, s, n/3, 10, noon.Add(-24*time.Hour))
	fill(t, s, n/3, 1, noon.AddDate(-2, 0, 0))
	raw(t, s, `MATCH (t:Token) WHERE t.created_at % 3 > 0 SET t.expires_at = t.created_at + 86400, t.last_used = t.created_at + 60`)
	for _, username := range []string{"", "alice"} {
		for _, status := range []Status{"", StatusActive} {
			for _, sort := range []Sort{SortCreated, SortExpires, SortLastUsed} {
				for _, descending := range []bool{true, false} {
					q := &ListQuery{Hosts: localhost, Port: 6379, Username: username, Statuses: only(status), Now: noon, Sort: sort, Descending: descending}
					for _, g := range q.segments() {
						looksAtLittle(t, s, q, g, n)
					}
				}
			}
		}
	}
}

func looksAtLittle(t *testing.T, s *Store, q *ListQuery, g segment, n int) {
	t.Helper()
	for _, from := range []time.Time{
		noon.Add(time.Hour), noon, noon.Add(-10 * time.Second), noon.Add(-24 * time.Hour), noon.AddDate(-1, 0, 0), noon.AddDate(-2, 0, -1),
	} {
		g.from = &Place{Never: g.never, At: from.Unix()}
		for _, want := range []int{1, 10, 100} {
			part, found, err := s.nearest(t.Context(), q, g, want)
			if err != nil {
				t.Fatal(err)
			}
			counts, err := s.count(t.Context(), q, g, []span{part, g.rest()}, n)
			if err != nil {
				t.Fatal(err)
			}
			what := fmt.Sprintf("%d of %q with %v by %s, never %t, descending %t, from %v", want, q.Username, q.Statuses, g.axis, g.never, q.Descending, from)
			if begin, rest := g.until(part, g.rest()), g.rest(); begin != part || found != counts[0] || found < min(want, counts[1]) {
				t.Errorf("%s: are said to be %d in %v of %v, which holds %d of %d", what, found, part, rest, counts[0], counts[1])
			}
			if most := want + countSlack; found > most {
				t.Errorf("%s: take %d candidates, want at most %d", what, found, most)
			}
		}
	}
}

func TestManyTokensOfOneSecondAreListedToo(t *testing.T) {
	t.Parallel()
	s := setup(t)
	fill(t, s, 500, 500, noon)
	got := list(t, s, ListQuery{Hosts: localhost, Port: 6379, Limit: 60})
	if len(got) != 500 {
		t.Errorf("%d tokens, want 500", len(got))
	}
	active := list(t, s, ListQuery{Hosts: localhost, Port: 6379, Statuses: []Status{StatusActive}, Limit: 60})
	if len(active) != 50 {
		t.Errorf("%d active tokens, want 50", len(active))
	}
}

func TestEachSpanIsCountedUpToTheLimit(t *testing.T) {
	t.Parallel()
	s := setup(t)
	fill(t, s, 30, 10, noon) // in three seconds
	second := noon.Unix()
	q := &ListQuery{Hosts: localhost, Port: 6379}
	counts, err := s.count(t.Context(), q, q.segments()[0], []span{{second, afterAll}, {second - 1, second}, {second - 3, second - 1}, {beforeAll, second - 3}}, 15)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "counts", counts, []int{0, 10, 5, 0})
}

// Where hardly any candidate is listed, as when few tokens of many have the
// status, each turn takes on more than the one before.
func TestListOfFewAmongManyTakesFewQueries(t *testing.T) {
	t.Parallel()
	server, s := privateStore(t)
	fill(t, s, 3000, 1, noon)
	last := create(t, s, alice, createdAt(noon.AddDate(-1, 0, 0)), expiringAt(noon))
	before := calls(t, server, "graph.RO_QUERY")
	got, err := s.ListTokens(t.Context(), ListQuery{Hosts: localhost, Port: 6379, Statuses: []Status{StatusExpired}, Now: noon, Descending: true, Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "expired", ids(got.Tokens), []string{last.ID})
	if n := calls(t, server, "graph.RO_QUERY") - before; n > 30 {
		t.Errorf("%d queries", n)
	}
}
