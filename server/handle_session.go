package server

import (
	"context"
	"fmt"

	"github.com/falkorpat/falkorpat/gen/api"
	"github.com/falkorpat/falkorpat/server/authn"
	"github.com/falkorpat/falkorpat/store"
)

// SignIn implements api.StrictServerInterface.
func (s *Server) SignIn(ctx context.Context, r api.SignInRequestObject) (api.SignInResponseObject, error) {
	credentials, err := fromCredentials(r.Body)
	if err != nil {
		return nil, err
	}
	client := authn.ClientFrom(ctx)
	accepted, cookie, err := s.sessions.SignIn(ctx, client.IP, credentials, client.Secure)
	if err != nil {
		return nil, &failedAttempt{store.ActionSignInFailed, ofLogin(credentials), "", fmt.Errorf("%w: %w", errLoginFailed, err)}
	}
	return toSignedIn(accepted, cookie), nil
}

// GetSession implements api.StrictServerInterface.
func (s *Server) GetSession(ctx context.Context, _ api.GetSessionRequestObject) (api.GetSessionResponseObject, error) {
	return api.GetSession200JSONResponse(toSession(authn.PrincipalFrom(ctx))), nil
}

// SignOut implements api.StrictServerInterface.
func (s *Server) SignOut(ctx context.Context, _ api.SignOutRequestObject) (api.SignOutResponseObject, error) {
	client := authn.ClientFrom(ctx)
	if err := s.sessions.SignOut(ctx, client.Cookie); err != nil {
		return nil, err
	}
	return api.SignOut204Response{Headers: api.SignOut204ResponseHeaders{SetCookie: s.sessions.Clearing(client.Secure).String()}}, nil
}
