package server

import (
	"errors"

	"github.com/falkorpat/falkorpat/server/access"
	"github.com/falkorpat/falkorpat/server/authn"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/tokens"
	"github.com/falkorpat/falkorpat/store"
)

var (
	// errForeignInstance: the token belongs to another instance. To the outside
	// it does not exist.
	errForeignInstance = errors.New("token of another instance")
	// errNotOwner: the token belongs to another user of the same instance, and
	// the caller is no Admin.
	errNotOwner = errors.New("token of another user")
	// errInstance: the token is good, and not for the instance that a proxy asks
	// about.
	errInstance = errors.New("token not for this instance")
)

// mayRead tells whether a principal may see a token, mayRevoke whether it may
// end it. A token may always do both to itself.
func mayRead(p *authn.Principal, t *store.Token) error   { return mayManage(p, t, access.TokensRead) }
func mayRevoke(p *authn.Principal, t *store.Token) error { return mayManage(p, t, access.TokensWrite) }

// mayResume tells whether a principal may make a suspended token work again.
func mayResume(p *authn.Principal, t *store.Token) error { return mayManage(p, t, access.TokensWrite) }

// verdict is mayRevoke for one of many tokens.
func verdict(p *authn.Principal, t *store.Token) tokens.Verdict {
	switch err := mayRevoke(p, t); {
	case err == nil:
		return tokens.Allowed
	case errors.Is(err, errForeignInstance):
		return tokens.Hidden
	default:
		return tokens.Forbidden
	}
}

// mayRevokeAll tells whether a principal may end all tokens of a user of its
// instance; of everyone, when the name is empty.
func mayRevokeAll(p *authn.Principal, username string) error {
	if username != p.User.Username {
		if err := p.Permissions.Require(access.TokensAdmin); err != nil {
			return err
		}
	}
	if username == "" || username == p.User.Username {
		return p.Permissions.Require(access.TokensWrite)
	}
	return nil
}

// mayRotate tells whether a principal may rotate a token, which gives it a
// secret of the token's user: nobody else's, not even as an Admin.
func mayRotate(p *authn.Principal, t *store.Token) error {
	switch {
	case !sameInstance(p.User, t.User):
		return errForeignInstance
	case p.User.Username != t.User.Username:
		return errNotOwner
	case p.Token != nil && p.Token.ID == t.ID && p.Permissions.Has(access.TokensRotate):
		return nil
	default:
		return p.Permissions.Require(access.TokensWrite)
	}
}

// mayRebind tells whether a principal may put another password behind a token.
// Knowing the password is the proof that counts; this keeps others from trying.
func mayRebind(p *authn.Principal, t *store.Token) error {
	if p.Token != nil && p.Token.ID == t.ID {
		return p.Permissions.Require(access.TokensWrite)
	}
	return mayManage(p, t, access.TokensWrite)
}

// mayManage asks for a permission where the token is the principal's own or its
// user's, and for that of Admins where it is another user's of the instance.
func mayManage(p *authn.Principal, t *store.Token, own access.Permission) error {
	switch {
	case !sameInstance(p.User, t.User):
		return errForeignInstance
	case p.Token != nil && p.Token.ID == t.ID:
		return nil
	case p.User.Username == t.User.Username:
		return p.Permissions.Require(own)
	case p.Permissions.Has(access.TokensAdmin):
		return nil
	case p.Role == store.RoleAdmin:
		return p.Permissions.Require(access.TokensAdmin) // the token's limit, not the user's
	default:
		return errNotOwner
	}
}

// mayCreate tells whether a principal may make tokens.
func mayCreate(p *authn.Principal) error { return p.Permissions.Require(access.TokensWrite) }

// listedUsername is whose tokens a principal's list holds, when it asks for one
// user's or, with the empty name, for all that it may see: for those who may
// manage everybody's the empty name.
func listedUsername(p *authn.Principal, asked string) (string, error) {
	switch {
	case p.Permissions.Has(access.TokensAdmin):
		return asked, nil
	case asked == "" || asked == p.User.Username:
		return p.User.Username, p.Permissions.Require(access.TokensRead)
	default:
		return "", p.Permissions.Require(access.TokensAdmin)
	}
}

// needs are what a proxy wants a token to have, besides being good.
type needs struct {
	permissions []access.Permission
	// graph is the name of a graph; empty for none in particular.
	graph string
	// instance is the zero one for none in particular.
	instance instance.Instance
}

// mayPass tells whether a token has all that is needed.
func mayPass(p *authn.Principal, n needs) error {
	if n.instance != (instance.Instance{}) && (n.instance.Host != p.User.Host || n.instance.Port != p.User.Port) {
		return errInstance
	}
	for _, permission := range n.permissions {
		if err := p.Permissions.Require(permission); err != nil {
			return err
		}
	}
	if n.graph != "" && !access.MatchesGraph(p.Token.Graphs, n.graph) {
		return &access.GraphError{Graph: n.graph}
	}
	return nil
}

// listedHistory is whose events a principal's list holds: for those who may
// manage everybody's tokens whoever is asked for, the empty name for all.
func listedHistory(p *authn.Principal, asked string) (string, error) {
	switch {
	case p.Permissions.Has(access.TokensAdmin):
		return asked, nil
	case asked != "" && asked != p.User.Username:
		return "", p.Permissions.Require(access.TokensAdmin)
	default:
		return p.User.Username, p.Permissions.Require(access.TokensRead)
	}
}

func sameInstance(a, b store.User) bool {
	return a.Host == b.Host && a.Port == b.Port
}
