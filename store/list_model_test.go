package store

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A model that knows nothing of spans says what each list is, in every order and
// with every filter, over tokens whose times lie close together, far apart, and
// in the future.
func TestListIsWhatAModelSays(t *testing.T) {
	t.Parallel()
	s := setup(t)
	port := 0 // one instance a round
	rapid.Check(t, func(r *rapid.T) {
		port++
		stored := manyTokens(t, r, s, port)
		for range 8 {
			listsAsModelled(t, r, s, anyQuery(r, port), stored)
		}
	})
}

func listsAsModelled(t *testing.T, r *rapid.T, s *Store, q ListQuery, stored []*Token) {
	t.Helper()
	want := slices.DeleteFunc(slices.Clone(stored), func(t *Token) bool { return !isListed(&q, t) })
	slices.SortFunc(want, func(a, b *Token) int { return orderOf(&q, a, b) })
	for i := range want {
		want[i] = asListed(want[i])
	}
	if got := list(t, s, q); len(got)+len(want) > 0 && look(t, got) != look(t, want) {
		r.Fatalf("%+v\n got %v\nwant %v", q, ids(got), ids(want))
	}
	if total, err := s.CountTokens(t.Context(), q); err != nil || total != len(want) {
		r.Fatalf("%+v\n total %d, %v, want %d", q, total, err, len(want))
	}
}

var names = []string{"CI/CD Pipeline Token", "ci/cd pipeline token", "nightly", "Äpfel", "äpfel", "100% \"quoted\" \\ _*?.", "日本"}

// manyTokens stores tokens of one instance, of every status.
func manyTokens(t *testing.T, r *rapid.T, s *Store, port int) []*Token {
	t.Helper()
	var stored []*Token
	distance := rapid.SampledFrom([]int64{1, 3, 100, 86_400, 400_000_000}).Draw(r, "distance")
	moment := func(offset int64) time.Time { return noon.Add(time.Duration(offset*distance) * time.Second) }
	times := rapid.SampledFrom([]time.Time{{}, at(-1), noon, noon.Add(time.Second), at(1), moment(-3), moment(1), moment(2)})
	offsets := rapid.Int64Range(-4, 1)
	for _, offset := range rapid.OneOf(rapid.SliceOfN(offsets, 0, 3), rapid.SliceOfN(offsets, 20, 40)).Draw(r, "offsets") {
		token := newToken(t, user(rapid.SampledFrom([]string{"alice", "bob"}).Draw(r, "name"), rapid.SampledFrom(localhost).Draw(r, "host"), port), noon)
		createdAt(moment(offset))(token)
		token.Name = rapid.SampledFrom(names).Draw(r, "token name")
		token.Graphs = rapid.SampledFrom([][]string{nil, nil, nil, nil, nil, {"social"}, {"tenant", "x"}}).Draw(r, "graphs")
		token.ExpiresAt, token.LastUse.At = times.Draw(r, "expires"), times.Draw(r, "used")
		token.SuspendedAt, token.StaleSince = rapid.SampledFrom([]time.Time{{}, {}, noon}).Draw(r, "suspended"), rapid.SampledFrom([]time.Time{{}, {}, noon}).Draw(r, "stale")
		stored = append(stored, token)
	}
	for _, err := range parallel(len(stored), func(i int) error {
		one := stored[i]
		if err := s.CreateToken(t.Context(), one, nil); err != nil {
			return err
		}
		_, err := s.write(t.Context(), `MATCH (t:Token {token_id: $id}) SET t.last_used = $used, t.suspended_at = $suspended, t.stale_since = $stale`,
			param{"id", one.ID}, param{"used", one.LastUse.At}, param{"suspended", one.SuspendedAt}, param{"stale", one.StaleSince})
		if err == nil && i%4 == 0 {
			_, err = s.RevokeToken(t.Context(), Revocation{TokenID: one.ID, By: alice, At: noon})
			one.Active, one.RevokedAt, one.SealedPassword = false, noon, ""
		}
		return err
	}) {
		if err != nil {
			r.Fatal(err)
		}
	}
	return stored
}

// anyQuery has few filters at a time, or most lists would be empty.
func anyQuery(r *rapid.T, port int) ListQuery {
	moments := rapid.SampledFrom([]time.Time{noon.Add(-time.Hour), at(-1), noon.Add(-time.Millisecond), noon, noon.Add(time.Millisecond), noon.Add(time.Second), at(1), at(2), noon.Add(time.Hour)})
	some := func(what string) bool { return rapid.IntRange(0, 9).Draw(r, what+" or not") == 7 }
	period := func(of string) (p Period) {
		if some(of + " after") {
			p.After = moments.Draw(r, of+" after")
		}
		if some(of + " before") {
			p.Before = moments.Draw(r, of+" before")
		}
		return p
	}
	q := ListQuery{
		Hosts: localhost, Port: port, Now: noon, Limit: rapid.OneOf(rapid.IntRange(1, 3), rapid.IntRange(1, 20)).Draw(r, "limit"),
		Created: period("created"), Expires: period("expires"), LastUsed: period("used"), NeverUsed: some("never used"),
		Sort:       rapid.SampledFrom([]Sort{SortCreated, SortExpires, SortLastUsed, SortName}).Draw(r, "sort"),
		Descending: rapid.Bool().Draw(r, "descending"),
	}
	if some("username") {
		q.Username = rapid.SampledFrom([]string{"alice", "bob", "carol"}).Draw(r, "username")
	}
	if some("statuses") {
		q.Statuses = rapid.SliceOfNDistinct(rapid.SampledFrom([]Status{StatusActive, StatusExpired, StatusRevoked, StatusStale, StatusSuspended}), 1, 3, rapid.ID[Status]).Draw(r, "statuses")
	}
	if some("name") {
		q.Name = rapid.SampledFrom([]string{"CI", "ÄP", "% \"", "\\", "_", ".*", "本"}).Draw(r, "name")
	}
	if some("graph") {
		of := rapid.SampledFrom([]string{"social", "tenant", ""}).Draw(r, "graph")
		q.Graphs = func(patterns []string) bool { return patterns == nil && of == "" || slices.Contains(patterns, of) }
	}
	return q
}

func isListed(q *ListQuery, t *Token) bool {
	in := func(at time.Time, p Period) bool {
		return p == Period{} || !at.IsZero() && (p.After.IsZero() || at.After(p.After)) && (p.Before.IsZero() || at.Before(p.Before))
	}
	return (q.Username == "" || t.User.Username == q.Username) &&
		(len(q.Statuses) == 0 || slices.Contains(q.Statuses, t.Status(q.Now))) &&
		strings.Contains(strings.ToLower(t.Name), strings.ToLower(q.Name)) &&
		in(t.CreatedAt, q.Created) && in(t.ExpiresAt, q.Expires) && in(t.LastUse.At, q.LastUsed) &&
		(!q.NeverUsed || t.LastUse.At.IsZero()) && (q.Graphs == nil || q.Graphs(t.Graphs))
}

func orderOf(q *ListQuery, a, b *Token) int {
	never := func(t time.Time, as int64) int64 {
		if t.IsZero() {
			return as
		}
		return t.Unix()
	}
	c := 0
	switch q.Sort {
	case SortExpires:
		c = cmp.Compare(never(a.ExpiresAt, afterAll), never(b.ExpiresAt, afterAll))
		if c == 0 && a.ExpiresAt.IsZero() {
			c = a.CreatedAt.Compare(b.CreatedAt)
		}
	case SortLastUsed:
		c = cmp.Compare(never(a.LastUse.At, -1), never(b.LastUse.At, -1))
		if c == 0 && a.LastUse.At.IsZero() {
			c = a.CreatedAt.Compare(b.CreatedAt)
		}
	case SortName:
		c = strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	case SortCreated:
		c = a.CreatedAt.Compare(b.CreatedAt)
	}
	if c == 0 {
		c = strings.Compare(a.ID, b.ID)
	}
	if q.Descending {
		return -c
	}
	return c
}
