package authn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/falkorpat/falkorpat/server/access"
	"github.com/falkorpat/falkorpat/server/audit"
	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/server/session"
	"github.com/falkorpat/falkorpat/server/tokens"
	"github.com/falkorpat/falkorpat/store"
)

// The security schemes of openapi.yaml.
const (
	SchemeBearer = "bearerAuth"
	SchemeHeader = "tokenHeader"
	SchemeCookie = "sessionCookie"
)

var (
	// ErrNoCredentials is returned for a request that shows nothing at all.
	ErrNoCredentials = errors.New("no credentials")
	// ErrBadHeader is returned for an Authorization header that is not one
	// bearer token, and for a request that shows more than one.
	ErrBadHeader = fmt.Errorf("headers do not hold one bearer token: %w", tokens.ErrUnauthenticated)
)

// Principal is who is asking. Only Authenticate makes one.
type Principal struct {
	// User is the FalkorDB user, with its instance.
	User store.User
	// Role is what the user may do now.
	Role store.Role
	// Permissions are what the principal may do now: what the role allows and,
	// for a token, its own list as well.
	Permissions access.Permissions
	// Kept are the credentials that stand behind the token or session.
	Kept credentials.Kept
	// Token is the token that was shown, as this request has read it; nil for a
	// session.
	Token *store.Token
	// ExpiresAt is when the token or session ends; zero means never.
	ExpiresAt time.Time
	// Standing tells whether it has ended meanwhile.
	Standing Standing
}

// Issuer is the principal as the maker of a new token.
func (p *Principal) Issuer() tokens.Issuer {
	return tokens.Issuer{Kept: p.Kept, Role: p.Role, Permissions: p.Permissions, Token: p.Token}
}

// Client is where a request comes from, and how.
type Client struct {
	tokens.Client
	// Secure is whether it came over HTTPS, to us or to a trusted proxy.
	Secure bool
	// Cookie is the session cookie that it carries, proven nothing yet; nil for none.
	Cookie *http.Cookie
}

// Authenticator tells who is asking.
type Authenticator struct {
	// Tokens and Sessions are both required.
	Tokens   *tokens.Service
	Sessions *session.Service
	// TokenHeader names the header that operations with SchemeHeader take a
	// token from as well; empty for none.
	TokenHeader string
}

// Authenticate tells who sends a request, by the schemes that its operation
// accepts. It returns ErrNoCredentials when nothing is shown, and otherwise the
// errors of tokens.Service.Verify and session.Service.Verify.
func (a *Authenticator) Authenticate(r *http.Request, client Client, schemes []string) (*Principal, error) {
	text, err := a.shown(r.Header, schemes)
	if err == nil {
		return a.byToken(r.Context(), text, client)
	}
	if !errors.Is(err, ErrNoCredentials) {
		return nil, err
	}
	if client.Cookie != nil && slices.Contains(schemes, SchemeCookie) {
		return a.bySession(r.Context(), client.Cookie)
	}
	return nil, ErrNoCredentials
}

// shown takes the token out of a request's headers. It returns ErrNoCredentials
// when none of them is there, and ErrBadHeader for more than one token, even if
// they were the same: what reads the request next may see another one.
func (a *Authenticator) shown(h http.Header, schemes []string) (string, error) {
	var authorization, plain []string
	if slices.Contains(schemes, SchemeBearer) {
		authorization = h.Values("Authorization")
	}
	if a.TokenHeader != "" && slices.Contains(schemes, SchemeHeader) {
		plain = h.Values(a.TokenHeader)
	}
	switch {
	case len(authorization)+len(plain) == 0:
		return "", ErrNoCredentials
	case len(authorization)+len(plain) > 1:
		return "", ErrBadHeader
	case len(plain) == 1:
		return plain[0], nil
	default:
		return bearer(authorization[0])
	}
}

// bearer takes the token out of the header; the scheme's case does not matter
// (RFC 9110 section 11.1).
func bearer(header string) (string, error) {
	scheme, text, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", ErrBadHeader
	}
	return strings.Trim(text, " "), nil
}

func (a *Authenticator) byToken(ctx context.Context, text string, client Client) (*Principal, error) {
	accepted, err := a.Tokens.Verify(ctx, text, client.Client)
	if err != nil {
		return nil, err
	}
	t := accepted.Token()
	return &Principal{
		User: t.User, Role: accepted.Role(), Permissions: accepted.Permissions(),
		Kept: credentials.OfToken(t), Token: t, ExpiresAt: t.ExpiresAt, Standing: &tokenStanding{a.Tokens, accepted},
	}, nil
}

func (a *Authenticator) bySession(ctx context.Context, cookie *http.Cookie) (*Principal, error) {
	accepted, err := a.Sessions.Verify(ctx, cookie)
	if err != nil {
		return nil, err
	}
	s := accepted.Session()
	return &Principal{
		User: s.User, Role: accepted.Role(), Permissions: access.OfRole(accepted.Role()),
		Kept: credentials.OfSession(s), ExpiresAt: s.ExpiresAt, Standing: &sessionStanding{a.Sessions, accepted},
	}, nil
}

// Each type is its own key; nothing outside can make one.
type (
	principalKey struct{}
	clientKey    struct{}
)

// WithPrincipal puts the principal on a request's context, also as the one who
// acts in the events that follow.
func WithPrincipal(ctx context.Context, p *Principal) context.Context {
	tokenID := ""
	if p.Token != nil {
		tokenID = p.Token.ID
	}
	ctx = audit.WithActor(ctx, p.User, tokenID)
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalFrom takes the principal from a request's context. It is there in
// every handler of an operation that demands authentication.
func PrincipalFrom(ctx context.Context) *Principal {
	p, _ := ctx.Value(principalKey{}).(*Principal)
	return p
}

// WithClient puts the client on a request's context, also for events.
func WithClient(ctx context.Context, c Client) context.Context {
	ctx = audit.WithOrigin(ctx, c.IP, c.Agent)
	return context.WithValue(ctx, clientKey{}, c)
}

// ClientFrom takes the client from a request's context.
func ClientFrom(ctx context.Context) Client {
	c, _ := ctx.Value(clientKey{}).(Client)
	return c
}
