package server

import (
	"errors"
	"testing"

	"github.com/falkorpat/falkorpat/server/authn"
	"github.com/falkorpat/falkorpat/store"
)

func TestManagingATokenIsForItsOwnerAndAdminsOfItsInstance(t *testing.T) {
	t.Parallel()
	caller := store.User{Username: "ada", Host: "localhost", Port: 6379}
	owners := map[string]store.User{
		"own":              caller,
		"another user's":   {Username: "grace", Host: "localhost", Port: 6379},
		"another port's":   {Username: "ada", Host: "localhost", Port: 6380},
		"another host's":   {Username: "ada", Host: "db.example", Port: 6379},
		"another everyone": {Username: "grace", Host: "db.example", Port: 1},
	}
	for owner, user := range owners {
		for _, role := range []store.Role{store.RoleAdmin, store.RoleReadWrite, store.RoleReadOnly} {
			var want error
			switch {
			case user.Host != caller.Host || user.Port != caller.Port:
				want = errForeignInstance
			case user.Username != caller.Username && role != store.RoleAdmin:
				want = errNotOwner
			}
			got := mayManage(&authn.Principal{User: caller, Role: role}, &store.Token{User: user})
			if !errors.Is(got, want) || (got == nil) != (want == nil) {
				t.Errorf("%s on %s token: %v, want %v", role, owner, got, want)
			}
		}
	}
}

func TestOnlyAdminsListEverybodysTokens(t *testing.T) {
	t.Parallel()
	for role, want := range map[store.Role]string{
		store.RoleAdmin: "", store.RoleReadWrite: "ada", store.RoleReadOnly: "ada", "": "ada", "admin": "ada",
	} {
		p := &authn.Principal{User: store.User{Username: "ada"}, Role: role}
		if got := listedUsername(p); got != want {
			t.Errorf("role %q lists %q, want %q", role, got, want)
		}
	}
}
