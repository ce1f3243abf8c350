package server

import (
	"errors"

	"github.com/falkorpat/falkorpat/server/authn"
	"github.com/falkorpat/falkorpat/store"
)

var (
	// errForeignInstance: the token belongs to another instance. To the outside
	// it does not exist.
	errForeignInstance = errors.New("token of another instance")
	// errNotOwner: the token belongs to another user of the same instance, and
	// the caller is no Admin.
	errNotOwner = errors.New("token of another user")
)

// mayManage tells whether a principal may read and revoke a token: its owner
// and Admins of its instance may.
func mayManage(p *authn.Principal, t *store.Token) error {
	switch {
	case !sameInstance(p.User, t.User):
		return errForeignInstance
	case p.User.Username == t.User.Username, p.Role == store.RoleAdmin:
		return nil
	default:
		return errNotOwner
	}
}

// listedUsername is whose tokens a principal's list holds: for Admins
// everybody's, which is the empty name.
func listedUsername(p *authn.Principal) string {
	if p.Role == store.RoleAdmin {
		return ""
	}
	return p.User.Username
}

func sameInstance(a, b store.User) bool {
	return a.Host == b.Host && a.Port == b.Port
}
