package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/falkorpat/falkorpat/gen/client"
)

// TestRoleOwnerAndInstanceDecideAccess is the rule of who reads and revokes
// whose tokens, in full.
func TestRoleOwnerAndInstanceDecideAccess(t *testing.T) {
	t.Parallel()
	other, foreign := instanceA.newUser(t, writer), instanceB.newUser(t, admin)
	for _, role := range []client.Role{admin, writer, reader} {
		me := instanceA.newUser(t, role)
		_, cookie := shared.signIn(t, me)
		callers := map[string]*caller{
			"token":   shared.bearer(t, shared.newToken(t, me, "me").Token),
			"session": shared.cookie(t, cookie),
		}
		for kind, c := range callers {
			for owner, want := range map[string]struct {
				user   user
				status int
			}{
				"own":     {me, http.StatusOK},
				"other":   {other, map[bool]int{true: http.StatusOK, false: http.StatusForbidden}[role == admin]},
				"foreign": {foreign, http.StatusNotFound},
			} {
				c.mayManage(fmt.Sprintf("%s by %s for %s", role, kind, owner), shared.newToken(t, want.user, "target"), want.status)
			}
		}
	}
}

// mayManage checks that a caller's reading, listing and revoking of a token are
// answered with a status, and have the effect that it stands for.
func (c *caller) mayManage(name string, target client.TokenCreated, status int) {
	c.t.Helper()
	allowed := status == http.StatusOK
	path := "/api/auth/tokens/" + target.TokenID
	if got := c.get(path).status; got != status {
		c.t.Errorf("%s: get answered %d, want %d", name, got, status)
	}
	if got := slices.Contains(ids(c.list("?limit=1000")), target.TokenID); got != allowed {
		c.t.Errorf("%s: listed: %t", name, got)
	}
	if got := c.send(http.MethodDelete, path, nil).status; got != status {
		c.t.Errorf("%s: revoke answered %d, want %d", name, got, status)
	}
	after := map[bool]int{true: http.StatusUnauthorized, false: http.StatusOK}[allowed]
	if got := c.p.bearer(c.t, target.Token).works(); got != after {
		c.t.Errorf("%s: the token then answers %d, want %d", name, got, after)
	}
	if got := slices.Contains(ids(c.list("?status=revoked&limit=1000")), target.TokenID); got != allowed {
		c.t.Errorf("%s: listed as revoked: %t", name, got)
	}
}

func TestOneNameOnTwoInstancesIsTwoUsers(t *testing.T) {
	t.Parallel()
	here := instanceA.newUser(t, writer)
	there := here
	there.at = instanceB
	if err := instanceB.makeUser(there); err != nil {
		t.Fatal(err)
	}
	mine, twin := shared.newToken(t, here, "here"), shared.newToken(t, there, "there")
	a, b := shared.bearer(t, mine.Token), shared.bearer(t, twin.Token)
	if a.token(mine.TokenID).UserID == b.token(twin.TokenID).UserID {
		t.Error("both have one user ID")
	}
	a.get("/api/auth/tokens/"+twin.TokenID).isProblem(t, http.StatusNotFound, "token_not_found")
	if got := ids(a.list("?status=all")); !slices.Equal(got, []string{mine.TokenID}) {
		t.Errorf("lists %q", got)
	}
	a.revoke(mine.TokenID)
	if got := b.works(); got != http.StatusOK {
		t.Errorf("the twin's token answers %d", got)
	}
}

func TestUnknownTokensAreNotFound(t *testing.T) {
	t.Parallel()
	c := shared.bearer(t, shared.newToken(t, instanceA.newUser(t, admin), "admin").Token)
	for _, id := range []string{
		"1761055513181-215c579b", "1761055513181-044d1cc5-e128-4e10-8230-50a36cf6bdc7", "credentials-not", "0", "A", "-",
	} {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			c.send(method, "/api/auth/tokens/"+id, nil).isProblem(t, http.StatusNotFound, "token_not_found")
		}
	}
}

func TestTokenMayRevokeItself(t *testing.T) {
	t.Parallel()
	for _, role := range []client.Role{admin, writer, reader} {
		created := shared.newToken(t, instanceA.newUser(t, role), "self")
		c := shared.bearer(t, created.Token)
		if message := c.revoke(created.TokenID); message != "Token revoked successfully" {
			t.Errorf("%s: %q", role, message)
		}
		for _, a := range []answer{
			c.get("/api/auth/tokens"), c.get("/api/auth/tokens/" + created.TokenID), c.get("/api/status"),
			c.send(http.MethodDelete, "/api/auth/tokens/"+created.TokenID, nil), c.post("/api/auth/tokens", `{"name":"after"}`),
		} {
			a.isProblem(t, http.StatusUnauthorized, "invalid_token")
		}
	}
}

func TestRepeatedRevocationIsAnsweredAlike(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	target, mine := shared.newToken(t, u, "target"), shared.newToken(t, u, "mine")
	boss := shared.bearer(t, shared.newToken(t, instanceA.newUser(t, admin), "boss").Token)
	me := shared.bearer(t, mine.Token)
	if got := boss.revoke(target.TokenID); got != "Token revoked successfully" {
		t.Errorf("first: %q", got)
	}
	for _, c := range []*caller{boss, me, me} {
		if got := c.revoke(target.TokenID); got != "Token already revoked" {
			t.Errorf("again: %q", got)
		}
	}
}

func TestListPagesHoldEveryTokenOnce(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	c := shared.bearer(t, shared.newToken(t, u, "maker").Token)
	const count = 11
	for i := range count - 1 {
		isCreated(t, c.post("/api/auth/tokens", fmt.Sprintf(`{"name":"%d"}`, i)), 0)
	}
	all := ids(c.list("?status=all"))
	if len(all) != count {
		t.Fatalf("%d tokens", len(all))
	}
	for _, limit := range []int{1, 3, 10, 11, 12} {
		var paged []string
		query := fmt.Sprintf("?limit=%d", limit)
		for cursor := query; cursor != ""; {
			page := c.list(cursor)
			if page.Count > limit || page.Count == 0 {
				t.Fatalf("page of %d with limit %d", page.Count, limit)
			}
			paged, cursor = append(paged, ids(page)...), ""
			if page.NextCursor != nil {
				cursor = query + "&cursor=" + *page.NextCursor
			}
		}
		if !slices.Equal(paged, all) {
			t.Errorf("pages of %d hold %q, want %q", limit, paged, all)
		}
	}
}
