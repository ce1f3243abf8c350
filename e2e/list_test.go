package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// names are the names of the tokens on all pages of a list, each page of which
// must keep to the limit.
func (c *caller) names(query url.Values, limit int) (names []string) {
	c.t.Helper()
	query.Set("limit", fmt.Sprint(limit))
	for {
		page := c.list("?" + query.Encode())
		if page.Count > limit {
			c.t.Fatalf("page of %d with limit %d", page.Count, limit)
		}
		for _, one := range page.Tokens {
			names = append(names, one.Name)
		}
		if page.NextCursor == nil {
			return names
		}
		query.Set("cursor", *page.NextCursor)
	}
}

// listed is a user with a session and tokens that differ in all that lists
// filter and sort by, named by the order of their creation.
func listed(t *testing.T, u user) *caller {
	t.Helper()
	_, cookie := shared.signIn(t, u)
	c := shared.cookie(t, cookie)
	for _, body := range []string{
		`"name":"b first","graphs":["social"]`,
		`"name":"A second %_*","ttlSeconds":3600`,
		`"name":"c third","ttlSeconds":60,"graphs":["tenant-*"]`,
		`"name":"d fourth"`,
	} {
		isCreatedAnyhow(t, c.post("/api/auth/tokens", `{`+body+`}`))
	}
	fifth := c.child(`{"name":"e fifth"}`)
	c.revoke(fifth.TokenID)
	used := c.child(`{"name":"f sixth","permissions":["tokens:read"]}`)
	shared.bearer(t, used.Token).list("")
	eventually(t, 10*time.Second, "the use is written", func() bool { return c.list("?last_used_after=2000-01-01T00:00:00Z").Count == 1 })
	return c
}

func TestListHoldsWhatItsFiltersSay(t *testing.T) {
	t.Parallel()
	c := listed(t, instanceA.newUser(t, writer))
	soon, later := time.Now().Add(10*time.Minute).Format(time.RFC3339), time.Now().Add(2*time.Hour).Format(time.RFC3339)
	for query, want := range map[string][]string{
		"":                                    {"f sixth", "d fourth", "c third", "A second %_*", "b first"},
		"order=asc":                           {"b first", "A second %_*", "c third", "d fourth", "f sixth"},
		"status=all":                          {"f sixth", "e fifth", "d fourth", "c third", "A second %_*", "b first"},
		"status=revoked":                      {"e fifth"},
		"status=expired":                      {},
		"status=stale":                        {},
		"status=suspended":                    {},
		"name=SECOND":                         {"A second %_*"},
		"name=%25_*":                          {"A second %_*"},
		"name=.*":                             {},
		"name=i&order=asc":                    {"b first", "c third", "f sixth"},
		"expires_before=" + soon:              {"c third"},
		"expires_after=" + soon:               {"A second %_*"},
		"expires_before=" + later:             {"c third", "A second %_*"},
		"created_after=" + soon:               {},
		"created_before=" + soon:              {"f sixth", "d fourth", "c third", "A second %_*", "b first"},
		"created_before=1970-01-01T00:00:00Z": {},
		"created_before=0001-01-01T00:00:00Z": {},
		"never_used=true":                     {"d fourth", "c third", "A second %_*", "b first"},
		"never_used=false&limit=1":            {"f sixth", "d fourth", "c third", "A second %_*", "b first"},
		"last_used_before=" + later:           {"f sixth"},
		"last_used_after=" + soon:             {},
		"graph=social":                        {"f sixth", "d fourth", "A second %_*", "b first"},
		"graph=tenant-7":                      {"f sixth", "d fourth", "c third", "A second %_*"},
		"graph=tenant-*&never_used=true":      {"d fourth", "c third", "A second %_*"},
		"sort=name":                           {"f sixth", "d fourth", "c third", "b first", "A second %_*"},
		"sort=name&order=asc&status=all":      {"A second %_*", "b first", "c third", "d fourth", "e fifth", "f sixth"},
		"sort=expires&order=asc":              {"c third", "A second %_*", "b first", "d fourth", "f sixth"},
		"sort=expires":                        {"f sixth", "d fourth", "b first", "A second %_*", "c third"},
		"sort=last_used":                      {"f sixth", "d fourth", "c third", "A second %_*", "b first"},
		"sort=last_used&order=asc":            {"b first", "A second %_*", "c third", "d fourth", "f sixth"},
		"sort=created&order=desc":             {"f sixth", "d fourth", "c third", "A second %_*", "b first"},
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		for _, limit := range []int{1, 2, 100} {
			values.Del("cursor")
			if got := c.names(values, limit); !slices.Equal(got, want) {
				t.Errorf("%q by %d: %q, want %q", query, limit, got, want)
			}
		}
		total := c.list("?total=true&limit=1&" + strings.ReplaceAll(query, "&limit=1", "")).Total
		if total == nil || *total != len(want) {
			t.Errorf("%q: total %v, want %d", query, total, len(want))
		}
	}
	if total := c.list("").Total; total != nil {
		t.Errorf("total is %d and was not asked for", *total)
	}
}

func TestListOfOthersIsForAdmins(t *testing.T) {
	t.Parallel()
	mine, other, foreign := instanceA.newUser(t, writer), instanceA.newUser(t, writer), instanceB.newUser(t, writer)
	created := shared.newToken(t, mine, "mine")
	shared.newToken(t, other, "other's")
	shared.newToken(t, foreign, "foreign")
	c := shared.bearer(t, created.Token)
	boss := shared.bearer(t, shared.newToken(t, instanceA.newUser(t, admin), "boss").Token)
	limited := shared.bearer(t, isCreatedAnyhow(t, shared.with(t, instanceA.newUser(t, admin), `"permissions":["tokens:read"]`)).Token)
	of := func(c *caller, u user) []string { return c.names(url.Values{"username": {u.name}}, 10) }
	if got := of(c, mine); !slices.Equal(got, []string{"mine"}) {
		t.Errorf("one's own: %q", got)
	}
	for u, want := range map[user][]string{mine: {"mine"}, other: {"other's"}, foreign: nil} {
		if got := of(boss, u); !slices.Equal(got, want) {
			t.Errorf("an Admin's list of %s: %q, want %q", u.name, got, want)
		}
		if u != mine {
			c.get("/api/auth/tokens?username="+u.name).isProblem(t, http.StatusForbidden, "missing_permission")
		}
		limited.get("/api/auth/tokens?username="+u.name).isProblem(t, http.StatusForbidden, "missing_permission")
	}
	c.get("/api/auth/tokens?username=nobody").isProblem(t, http.StatusForbidden, "missing_permission")
}

func TestFiltersAndCursorsThatMakeNoSenseAreRefusedByName(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	c := shared.bearer(t, shared.newToken(t, u, "one").Token)
	shared.newToken(t, u, "two")
	cursor := *c.list("?limit=1").NextCursor
	byName := *c.list("?limit=1&sort=name").NextCursor
	other := shared.bearer(t, shared.newToken(t, instanceA.newUser(t, writer), "other's").Token)
	const early, late = "2026-01-01T00:00:00Z", "2026-01-01T01:00:01%2B01:00"
	for query, field := range map[string]string{
		"created_after=" + late + "&created_before=" + early:     "created_before",
		"created_after=" + early + "&created_before=" + early:    "created_before",
		"expires_after=" + late + "&expires_before=" + early:     "expires_before",
		"last_used_after=" + late + "&last_used_before=" + early: "last_used_before",
		"never_used=true&last_used_before=" + early:              "never_used",
		"never_used=maybe":                  "never_used",
		"created_after=yesterday":           "created_after",
		"created_after=2026-02-30":          "created_after",
		"expires_before=1700000000":         "expires_before",
		"last_used_after=":                  "last_used_after",
		"sort=size":                         "sort",
		"sort=":                             "sort",
		"order=up":                          "order",
		"total=2":                           "total",
		"name=":                             "name",
		"name=%00":                          "name",
		"name=%FF":                          "name",
		"name=" + strings.Repeat("x", 101):  "name",
		"username=":                         "username",
		"username=" + u.name + "%00":        "username",
		"graph=":                            "graph",
		"graph=%0A":                         "graph",
		"graph=" + strings.Repeat("x", 257): "graph",
		"cursor=" + cursor + "&sort=name":   "cursor",
		"cursor=" + cursor + "&order=asc":   "cursor",
		"cursor=" + cursor + "&status=all":  "cursor",
		"cursor=" + cursor + "&name=o":      "cursor",
		"cursor=" + cursor + "&created_after=" + early: "cursor",
		"cursor=" + byName:                    "cursor",
		"cursor=" + cursor[:len(cursor)-4]:    "cursor",
		"cursor=A" + cursor[1:]:               "cursor",
		"cursor=" + strings.Repeat("A", 2000): "cursor",
	} {
		a := c.get("/api/auth/tokens?" + query)
		if strings.HasPrefix(query, "username="+u.name) {
			a.isProblem(t, http.StatusForbidden, "missing_permission") // nobody's name, and so not one's own
			continue
		}
		if a.status != http.StatusBadRequest || a.problem(t).Errors[0].Field != field {
			t.Errorf("%s answered %d: %s", query, a.status, a.body)
		}
	}
	if a := other.get("/api/auth/tokens?cursor=" + cursor); a.status != http.StatusBadRequest || a.problem(t).Errors[0].Field != "cursor" {
		t.Errorf("another user's cursor answered %d: %s", a.status, a.body)
	}
	if got := c.names(url.Values{"cursor": {cursor}}, 10); !slices.Equal(got, []string{"one"}) {
		t.Errorf("the cursor's own list goes on with %q", got)
	}
}
