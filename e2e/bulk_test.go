package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/gen/client"
)

// revokeMany revokes what a body says, which must be answered with 200.
func (c *caller) revokeMany(body string) client.TokensRevoked {
	c.t.Helper()
	a := c.post("/api/auth/tokens/revoke", body)
	var done client.TokensRevoked
	if err := json.Unmarshal([]byte(a.body), &done); err != nil || a.status != http.StatusOK {
		c.t.Fatalf("revoke %s: %d: %s", body, a.status, a.body)
	}
	return done
}

// work tells which of some tokens still work.
func (p *program) work(t *testing.T, tokens ...client.TokenCreated) (works []bool) {
	t.Helper()
	for _, one := range tokens {
		works = append(works, p.bearer(t, one.Token).works() == http.StatusOK)
	}
	return works
}

func idList(ids ...string) string { return `["` + strings.Join(ids, `","`) + `"]` }

func TestManyTokensAreRevokedByTheirIDs(t *testing.T) {
	t.Parallel()
	me, other, foreign := instanceA.newUser(t, writer), instanceA.newUser(t, writer), instanceB.newUser(t, writer)
	asking, a, b := shared.newToken(t, me, "asking"), shared.newToken(t, me, "a"), shared.newToken(t, me, "b")
	theirs, abroad := shared.newToken(t, other, "theirs"), shared.newToken(t, foreign, "abroad")
	c := shared.bearer(t, asking.Token)
	child := shared.bearer(t, a.Token).child(`{"name":"child"}`)
	c.revoke(b.TokenID)
	body := `"token_ids":` + idList(a.TokenID, b.TokenID, theirs.TokenID, abroad.TokenID, "1761055513181-ffffffff")
	want := client.TokensRevoked{
		Message: "2 tokens would be revoked", DryRun: true, Matched: 2, Revoked: 2, AlreadyRevoked: 1, Complete: true,
		NotAllowed: []string{theirs.TokenID}, NotFound: []string{abroad.TokenID, "1761055513181-ffffffff"}, Kept: []string{},
	}
	same := func(what string, got client.TokensRevoked) {
		t.Helper()
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
		}
	}
	same("dry run", c.revokeMany(`{"dryRun":true,`+body+`}`))
	if got := shared.work(t, a, child); !slices.Equal(got, []bool{true, true}) {
		t.Errorf("after a dry run they work: %t", got)
	}
	want.Message, want.DryRun = "2 tokens revoked", false
	same("for good", c.revokeMany(`{`+body+`}`))
	if got := shared.work(t, a, b, child, theirs, abroad, asking); !slices.Equal(got, []bool{false, false, false, true, true, true}) {
		t.Errorf("they work: %t", got)
	}
	want.Message, want.Revoked, want.AlreadyRevoked = "0 tokens revoked", 0, 2
	same("again", c.revokeMany(`{`+body+`}`))
	// By its ID, a token revokes itself too, whatever it may do.
	limited := isCreatedAnyhow(t, shared.with(t, me, `"permissions":["graph:read"]`))
	if got := shared.bearer(t, limited.Token).revokeMany(`{"token_ids":` + idList(limited.TokenID, asking.TokenID) + `}`); got.Revoked != 1 ||
		!slices.Equal(got.NotAllowed, []string{asking.TokenID}) {
		t.Errorf("itself: %+v", got)
	}
	if got := shared.work(t, limited, asking); !slices.Equal(got, []bool{false, true}) {
		t.Errorf("they work: %t", got)
	}
}

func TestAllOtherTokensAreRevokedButTheOneThatAsks(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	bystander := shared.newToken(t, instanceA.newUser(t, writer), "bystander")
	maker, other := shared.newToken(t, u, "maker"), shared.newToken(t, u, "other")
	asking := shared.bearer(t, maker.Token).child(`{"name":"asking"}`)
	sibling := shared.bearer(t, maker.Token).child(`{"name":"sibling"}`)
	below := shared.bearer(t, asking.Token).child(`{"name":"below"}`)
	c := shared.bearer(t, asking.Token)
	for _, dry := range []bool{true, false} {
		got := c.revokeMany(fmt.Sprintf(`{"others":true,"dryRun":%t}`, dry))
		slices.Sort(got.Kept)
		kept := []string{maker.TokenID, asking.TokenID}
		slices.Sort(kept)
		if got.Revoked != 3 || got.Matched != 3 || !slices.Equal(got.Kept, kept) || !got.Complete {
			t.Errorf("dry %t: %+v", dry, got)
		}
		if works := shared.work(t, maker, asking, other, sibling, below, bystander); !slices.Equal(works, []bool{true, true, dry, dry, dry, true}) {
			t.Errorf("dry %t: they work: %t", dry, works)
		}
	}
	_, cookie := shared.signIn(t, u)
	if got := shared.cookie(t, cookie).revokeMany(`{"others":true}`); got.Revoked != 2 || len(got.Kept) != 0 {
		t.Errorf("by a session: %+v", got)
	}
	if works := shared.work(t, maker, asking, bystander); !slices.Equal(works, []bool{false, false, true}) {
		t.Errorf("after a session: they work: %t", works)
	}
}

func TestManyTokensAreRevokedByTheListsFilters(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	c := listed(t, u)
	soon := time.Now().Add(10 * time.Minute).Format(time.RFC3339)
	for _, step := range []struct {
		filter string
		ends   []string
	}{
		{`{"name":"nothing like it"}`, nil},
		{`{"graph":"tenant-1","expires_before":"` + soon + `"}`, []string{"c third"}},
		{`{"name":"SECOND"}`, []string{"A second %_*"}},
		{`{"last_used_after":"2000-01-01T00:00:00Z"}`, []string{"f sixth"}},
		{`{"status":"expired"}`, nil},
		{`{"username":"` + u.name + `","never_used":true,"status":"all"}`, []string{"d fourth", "b first"}},
		{`{"created_after":"2000-01-01T00:00:00Z"}`, nil},
	} {
		before := c.names(map[string][]string{}, 100)
		if got := c.revokeMany(`{"filter":` + step.filter + `,"dryRun":true}`); got.Revoked != len(step.ends) {
			t.Errorf("%s: %+v, want %q", step.filter, got, step.ends)
		}
		c.revokeMany(`{"filter":` + step.filter + `}`)
		left := slices.DeleteFunc(before, func(name string) bool { return slices.Contains(step.ends, name) })
		if after := c.names(map[string][]string{}, 100); !slices.Equal(after, left) {
			t.Errorf("%s: left %q, want %q", step.filter, after, left)
		}
	}
}

// In a store of its own, where everyone is nobody else's.
func TestAdminEndsAllTokensOfAUserOrOfEveryone(t *testing.T) {
	t.Parallel()
	boss, ada, grace := instanceA.newUser(t, admin), instanceA.newUser(t, writer), instanceA.newUser(t, reader)
	p := startProgram(t, options{})
	asking, other := p.newToken(t, boss, "asking"), p.newToken(t, boss, "other")
	ada1, ada2, grace1 := p.newToken(t, ada, "1"), p.newToken(t, ada, "2"), p.newToken(t, grace, "1")
	abroad := p.newToken(t, instanceB.newUser(t, writer), "abroad")
	c := p.bearer(t, asking.Token)
	for _, body := range []string{`{"everyone":true}`, `{"filter":{"username":"` + ada.name + `"}}`, `{"everyone":true,"dryRun":true}`} {
		p.bearer(t, grace1.Token).post("/api/auth/tokens/revoke", body).isProblem(t, http.StatusForbidden, "missing_permission")
	}
	if got := c.revokeMany(`{"filter":{"username":"` + ada.name + `"}}`); got.Revoked != 2 {
		t.Errorf("of one user: %+v", got)
	}
	if works := p.work(t, ada1, ada2, grace1, other, asking, abroad); !slices.Equal(works, []bool{false, false, true, true, true, true}) {
		t.Errorf("after one user's: they work: %t", works)
	}
	if got := c.revokeMany(`{"everyone":true,"dryRun":true}`); got.Revoked != 2 {
		t.Errorf("of everyone, first: %+v", got)
	}
	if got := c.revokeMany(`{"everyone":true}`); got.Revoked != 2 || !slices.Equal(got.Kept, []string{asking.TokenID}) {
		t.Errorf("of everyone: %+v", got)
	}
	if works := p.work(t, grace1, other, asking, abroad); !slices.Equal(works, []bool{false, false, true, true}) {
		t.Errorf("after everyone's: they work: %t", works)
	}
}

func TestSelectorsOfManyTokensAreRefusedByName(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, admin)
	mine := shared.newToken(t, u, "mine")
	c := shared.bearer(t, mine.Token)
	id := mine.TokenID
	for body, field := range map[string]string{
		`{}`: "body", `{"dryRun":true}`: "body", `{"others":false}`: "body", `{"everyone":false}`: "body",
		`{"others":true,"everyone":true}`: "body", `{"others":true,"filter":{"name":"x"}}`: "body", `{"everyone":true,"token_ids":["` + id + `"]}`: "body",
		`{"token_ids":[]}`: "token_ids", `{"token_ids":["` + id + `","` + id + `"]}`: "token_ids", `{"token_ids":["' OR 1=1"]}`: "token_ids.0",
		`{"token_ids":` + idList(slices.Repeat([]string{id}, 1001)...) + `}`: "token_ids", `{"token_ids":null}`: "token_ids",
		`{"filter":{}}`: "filter", `{"filter":null}`: "filter", `{"filter":{"status":"revoked"}}`: "filter.status", `{"filter":{"limit":1}}`: "limit",
		`{"filter":{"created_after":"2026-02-01T00:00:00Z","created_before":"2026-01-01T00:00:00Z"}}`: "filter.created_before",
		`{"filter":{"never_used":true,"last_used_after":"2026-01-01T00:00:00Z"}}`:                     "filter.never_used",
		`{"filter":{"name":"\u0000"}}`: "filter.name", `{"everyone":"true"}`: "everyone", `{"all":true}`: "all",
	} {
		a := c.post("/api/auth/tokens/revoke", body)
		if a.status != http.StatusBadRequest || a.problem(t).Errors[0].Field != field {
			t.Errorf("%.80s answered %d: %.300s", body, a.status, a.body)
		}
	}
	if c.works() != http.StatusOK {
		t.Error("a request that was refused has revoked")
	}
}

func TestFiftyRevocationsAtOnceHaveOneOutcome(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	target := shared.newToken(t, u, "target")
	child := shared.bearer(t, target.Token).child(`{"name":"child"}`)
	c := shared.bearer(t, shared.newToken(t, u, "asking").Token)
	var mu sync.Mutex
	ended, first := 0, 0
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			var n, m int
			if i%2 == 0 {
				n = c.revokeMany(`{"token_ids":` + idList(target.TokenID, child.TokenID) + `}`).Revoked
			} else if strings.Contains(c.revoke(target.TokenID), "successfully") {
				m = 1
			}
			mu.Lock()
			defer mu.Unlock()
			ended, first = ended+n, first+m
		})
	}
	group.Wait()
	if got := fmt.Sprintf("%d by many, %d by one", ended, first); got != "2 by many, 0 by one" && got != "0 by many, 1 by one" {
		t.Error(got)
	}
	if got := shared.work(t, target, child); !slices.Equal(got, []bool{false, false}) {
		t.Errorf("they work: %t", got)
	}
}
