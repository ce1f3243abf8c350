package e2e

import (
	"net/http"
	"slices"
	"testing"

	"github.com/falkorpat/falkorpat/gen/client"
)

// Whatever keeps a user from logging in keeps their tokens from working, for as
// long as it lasts.
func TestTokensOfAUserWhoCannotLogInAreStaleUntilTheyCan(t *testing.T) {
	t.Parallel()
	watcher := shared.bearer(t, shared.newToken(t, instanceA.newUser(t, admin), "watcher").Token)
	for name, change := range map[string]struct {
		end, undo func(t *testing.T, u user)
	}{
		"switched off": {
			func(t *testing.T, u user) { t.Helper(); u.change(t, "off") },
			func(t *testing.T, u user) { t.Helper(); u.change(t, "on") },
		},
		"deleted": {
			func(t *testing.T, u user) {
				t.Helper()
				if err := u.at.admin.Do(t.Context(), "ACL", "DELUSER", u.name).Err(); err != nil {
					t.Fatal(err)
				}
			},
			func(t *testing.T, u user) {
				t.Helper()
				if err := u.at.makeUser(u); err != nil {
					t.Fatal(err)
				}
			},
		},
		"password changed": {
			func(t *testing.T, u user) { t.Helper(); u.change(t, "resetpass", ">"+newPassword()) },
			func(t *testing.T, u user) { t.Helper(); u.change(t, "resetpass", ">"+u.password) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := instanceA.newUser(t, writer)
			used, idle := shared.newToken(t, u, "used"), shared.newToken(t, u, "idle")
			user := shared.bearer(t, used.Token)
			change.end(t, u)
			eventually(t, roleTime, "the token to be refused", func() bool { return user.works() == http.StatusUnauthorized })
			user.get("/api/auth/tokens").isProblem(t, http.StatusUnauthorized, "credentials_no_longer_valid")
			stale, active := ids(watcher.list("?status=stale&limit=1000")), ids(watcher.list("?limit=1000"))
			for _, id := range []string{used.TokenID, idle.TokenID} {
				if got := watcher.token(id); got.Status != client.TokenStatusStale || got.IsActive || got.StaleSince == nil {
					t.Errorf("reads %s since %v", got.Status, got.StaleSince)
				}
				if !slices.Contains(stale, id) || slices.Contains(active, id) {
					t.Errorf("listed as stale: %t, as active: %t", slices.Contains(stale, id), slices.Contains(active, id))
				}
			}
			change.undo(t, u)
			eventually(t, roleTime, "the token to work again", func() bool { return user.works() == http.StatusOK })
			for _, id := range []string{used.TokenID, idle.TokenID} {
				if got := user.token(id); got.Status != client.TokenStatusActive || !got.IsActive || got.StaleSince != nil {
					t.Errorf("then reads %s since %v", got.Status, got.StaleSince)
				}
			}
		})
	}
}

// An instance out of reach says nothing about anybody's password.
func TestInstanceOutOfReachMakesNoTokenStale(t *testing.T) {
	t.Parallel()
	db := startSecure(t)
	p := startProgram(t, options{instances: instanceA.addr() + "," + db.addr()})
	created := isCreated(t, p.nobody(t).post("/api/auth/tokens/credentials", db.login("true", db.ca)), 0)
	user := p.bearer(t, created.Token)
	if err := db.server.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, roleTime, "the instance to be missed", func() bool { return user.works() == http.StatusServiceUnavailable })
	if got := p.row(t, `MATCH (t:Token) RETURN coalesce(t.stale_since, -1)`)[0]; got != "-1" {
		t.Errorf("stale since %s", got)
	}
}
