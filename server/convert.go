package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/falkorpat/falkorpat/gen/api"
	"github.com/falkorpat/falkorpat/server/authn"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/session"
	"github.com/falkorpat/falkorpat/server/tokens"
	"github.com/falkorpat/falkorpat/store"
)

const contentTypeProblem = "application/problem+json"

func writeProblem(c echo.Context, p api.Problem) error {
	body, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode problem: %w", err)
	}
	return c.Blob(p.Status, contentTypeProblem, body) //nolint:wrapcheck // the client has gone
}

func toToken(t *store.Token, now time.Time, policy tokens.Policy) api.Token {
	status := t.Status(now)
	return api.Token{
		TokenID:          t.ID,
		UserID:           t.User.ID,
		Username:         t.User.Username,
		Name:             t.Name,
		Description:      t.Description,
		Role:             api.Role(t.Role),
		Permissions:      toPermissions(t.Permissions),
		Graphs:           toGraphs(t.Graphs),
		AllowedIps:       listOrNull(t.AllowedIPs),
		Limits:           toLimits(t.Limits),
		Host:             t.User.Host,
		Port:             t.User.Port,
		CreatedAt:        t.CreatedAt.UTC(),
		NotBefore:        orNull(t.NotBefore),
		ExpiresAt:        orNull(t.ExpiresAt),
		LastUsed:         orNull(t.LastUse.At),
		LastUsedIP:       textOrNull(t.LastUse.IP),
		LastUsedAgent:    textOrNull(t.LastUse.Agent),
		RevokedAt:        orNull(t.RevokedAt),
		SuspendedAt:      orNull(t.SuspendedAt),
		StaleSince:       orNull(t.StaleSince),
		RotatedTo:        textOrNull(t.RotatedTo),
		RotatedFrom:      textOrNull(t.RotatedFrom),
		PolicyViolations: toViolations(policy.Violations(t)),
		Status:           api.TokenStatus(status),
		IsActive:         status == store.StatusActive,
	}
}

// toPermissions, toGraphs and listOrNull show no limit as the API does.
func toPermissions(names []string) *[]api.Permission {
	if names == nil {
		return nil
	}
	permissions := make([]api.Permission, len(names))
	for i, name := range names {
		permissions[i] = api.Permission(name)
	}
	return &permissions
}

func toGraphs(patterns []string) []string {
	if patterns == nil {
		return []string{"*"}
	}
	return patterns
}

func listOrNull(items []string) *[]string {
	if items == nil {
		return nil
	}
	return &items
}

func toTokenCreated(issued *tokens.Issued) api.TokenCreatedJSONResponse {
	return api.TokenCreatedJSONResponse{
		Message: "Token created successfully", Token: issued.Text, TokenID: issued.ID,
		ExpiresAt: orNull(issued.ExpiresAt), Replayed: issued.Replayed,
	}
}

func toTokenRotated(issued *tokens.Issued, rotation *tokens.Rotation) api.TokenRotatedJSONResponse {
	return api.TokenRotatedJSONResponse{
		Message: "Token rotated successfully", Token: issued.Text, TokenID: issued.ID,
		ExpiresAt: orNull(issued.ExpiresAt), Replayed: issued.Replayed, Rotation: *toRotation(rotation),
	}
}

// toRotation is nil for a token that was never rotated.
func toRotation(r *tokens.Rotation) *api.Rotation {
	if r == nil {
		return nil
	}
	latest := r.Old.ID
	switch {
	case r.New.LastUse.At.After(r.Old.LastUse.At):
		latest = r.New.ID
	case r.Old.LastUse.At.IsZero():
		latest = ""
	}
	return &api.Rotation{
		OldTokenID: r.Old.ID, NewTokenID: r.New.ID, RotatedAt: r.Old.RotatedAt.UTC(), OldEndsAt: r.Old.ExpiresAt.UTC(),
		OldLastUsed: orNull(r.Old.LastUse.At), NewLastUsed: orNull(r.New.LastUse.At), LastUsedTokenID: textOrNull(latest),
	}
}

func toTokenRevoked(id string, revoked bool) api.TokenRevoked {
	if !revoked {
		return api.TokenRevoked{Message: "Token already revoked", TokenID: id}
	}
	return api.TokenRevoked{Message: "Token revoked successfully", TokenID: id}
}

func toSession(p *authn.Principal) api.Session {
	return api.Session{
		User: api.SessionUser{UserID: p.User.ID, Username: p.User.Username},
		Role: api.Role(p.Role), Instance: api.Instance{Host: p.User.Host, Port: p.User.Port}, ExpiresAt: p.ExpiresAt.UTC(),
	}
}

func toSignedIn(a session.Accepted, cookie *http.Cookie) api.SignIn200JSONResponse {
	s := a.Session()
	return api.SignIn200JSONResponse{
		Body: toSession(&authn.Principal{User: s.User, Role: a.Role(), ExpiresAt: s.ExpiresAt}),
		Headers: api.SignIn200ResponseHeaders{
			SetCookie: cookie.String(),
		},
	}
}

func toInstanceList(instances []instance.Instance) api.InstanceList {
	list := api.InstanceList{Instances: make([]api.Instance, len(instances)), Count: len(instances)}
	for i, one := range instances {
		list.Instances[i] = api.Instance{Host: one.Host, Port: one.Port}
	}
	return list
}

func fromCreateToken(body *api.CreateTokenRequest, key api.IdempotencyKey) tokens.Request {
	return tokens.Request{
		Name: body.Name, TTLSeconds: body.TTLSeconds, ExpiresAt: fromExpiresAt(body.ExpiresAt), Never: body.ExpiresAt.IsNull(), Description: body.Description,
		Permissions: fromPermissions(body.Permissions), Graphs: body.Graphs, AllowedIPs: body.AllowedIps, NotBefore: body.NotBefore, Limits: fromLimits(body.Limits),
		IdempotencyKey: key,
	}
}

func fromPermissions(permissions []api.Permission) []string {
	if permissions == nil {
		return nil
	}
	names := make([]string, len(permissions))
	for i, p := range permissions {
		names[i] = string(p)
	}
	return names
}

func fromCreateTokenWithCredentials(
	body *api.CreateTokenWithCredentialsRequest, key api.IdempotencyKey,
) (instance.Credentials, tokens.Request, error) {
	credentials, err := fromCredentials(&api.Credentials{
		Username: body.Username, Password: body.Password, Host: body.Host, Port: body.Port, TLS: body.TLS, Ca: body.Ca,
	})
	return credentials, fromCreateToken(&api.CreateTokenRequest{
		Name: body.Name, TTLSeconds: body.TTLSeconds, ExpiresAt: body.ExpiresAt, Description: body.Description,
		Permissions: body.Permissions, Graphs: body.Graphs, AllowedIps: body.AllowedIps, NotBefore: body.NotBefore, Limits: body.Limits,
	}, key), err
}

// fromCredentials reads a login; what openapi.yaml can't say of it is checked here.
func fromCredentials(body *api.Credentials) (instance.Credentials, error) {
	port, err := fromPort(body.Port)
	if err != nil {
		return instance.Credentials{}, err
	}
	tls, err := fromTLS(body.TLS)
	if err != nil {
		return instance.Credentials{}, err
	}
	if err := checkCA(body.Ca, tls); err != nil {
		return instance.Credentials{}, err
	}
	return instance.Credentials{
		Username: body.Username, Password: body.Password, Host: body.Host, Port: port, TLS: tls, CA: body.Ca,
	}, nil
}

func fromPort(p api.Port) (int, error) {
	port, err := p.AsPort0()
	if err != nil {
		text, _ := p.AsPort1()
		port, err = strconv.Atoi(text)
	}
	if err != nil || port < 1 || port > 65535 {
		return 0, &tokens.FieldError{Field: "port", Message: "must be from 1 to 65535"}
	}
	return port, nil
}

func fromTLS(t api.TLS) (bool, error) {
	if on, err := t.AsTLS0(); err == nil {
		return on, nil
	}
	text, err := t.AsTLS1()
	if err != nil {
		return false, &tokens.FieldError{Field: "tls", Message: "must be true or false"}
	}
	return text == "true", nil
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	utc := t.UTC()
	return &utc
}

func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// fromExpiresAt reads an expiry. The zero time stands for none there, so a client
// that names that very moment gets another one that is just as long past.
func fromExpiresAt(given api.ExpiresAt) time.Time {
	t, err := given.Get()
	switch {
	case err != nil: // null, or not given
		return time.Time{}
	case t.IsZero():
		return time.Unix(0, 0)
	default:
		return t
	}
}
