package server

import (
	"net/http"
	"strings"
	"time"

	"github.com/falkorpat/falkorpat/gen/api"
	"github.com/falkorpat/falkorpat/server/access"
	"github.com/falkorpat/falkorpat/server/authn"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/tokens"
)

// fromVerifyToken reads what a proxy demands. A graph is held to what a token's
// list of graphs could name.
func fromVerifyToken(params api.VerifyTokenParams) (needs, error) {
	n := needs{graph: params.Graph}
	for _, p := range params.Permission {
		n.permissions = append(n.permissions, access.Permission(p))
	}
	if n.graph != "" {
		if err := access.ParseGraphs([]string{n.graph}); err != nil {
			return needs{}, &tokens.FieldError{Field: "graph", Message: err.Error()}
		}
	}
	if params.Instance != "" {
		allowed, err := instance.ParseAllowed(params.Instance)
		if err != nil || len(allowed) != 1 {
			return needs{}, &tokens.FieldError{Field: "instance", Message: "must be one FalkorDB server, host:port"}
		}
		n.instance = allowed[0].Instance()
	}
	return n, nil
}

// pass is api.VerifyToken200Response, written with less effort: a proxy asks for
// it at every request that it has.
type pass [6]string

func toPass(p *authn.Principal) *pass {
	return &pass{
		instance.Instance{Host: p.User.Host, Port: p.User.Port}.String(), scope(p.Permissions), string(p.Role), p.Token.ID,
		headerText(p.User.Username), p.User.ID,
	}
}

// passHeaders are the names of what a pass says, in its order.
var passHeaders = [len(pass{})]string{"X-Auth-Instance", "X-Auth-Permissions", "X-Auth-Role", "X-Auth-Token-Id", "X-Auth-User", "X-Auth-User-Id"}

// VisitVerifyTokenResponse implements api.VerifyTokenResponseObject.
func (p *pass) VisitVerifyTokenResponse(w http.ResponseWriter) error {
	h := w.Header()
	for i, name := range passHeaders {
		h[name] = p[i : i+1 : i+1]
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func toIntrospection(a tokens.Accepted) api.Introspection {
	t := a.Token()
	return api.Introspection{
		Active:     true,
		Scope:      scope(a.Permissions()),
		Username:   t.User.Username,
		TokenType:  api.Bearer,
		Exp:        unixOrNone(t.ExpiresAt),
		Iat:        t.CreatedAt.Unix(),
		Nbf:        unixOrNone(t.NotBefore),
		Sub:        t.User.ID,
		Jti:        t.ID,
		Role:       api.Role(a.Role()),
		Graphs:     toGraphs(t.Graphs),
		AllowedIps: t.AllowedIPs,
		Host:       t.User.Host,
		Port:       t.User.Port,
	}
}

// scope writes permissions as OAuth does (RFC 6749 section 3.3).
func scope(p access.Permissions) string { return strings.Join(p.Names(), " ") }

// unixOrNone is 0, which is left out, for no time.
func unixOrNone(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
