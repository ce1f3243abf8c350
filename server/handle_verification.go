package server

import (
	"context"
	"errors"

	"github.com/falkorpat/falkorpat/gen/api"
	"github.com/falkorpat/falkorpat/server/authn"
	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/tokens"
)

// VerifyToken implements api.StrictServerInterface.
func (s *Server) VerifyToken(ctx context.Context, r api.VerifyTokenRequestObject) (api.VerifyTokenResponseObject, error) {
	needs, err := fromVerifyToken(r.Params)
	if err != nil {
		return nil, err
	}
	p := authn.PrincipalFrom(ctx)
	if err := mayPass(p, needs); err != nil {
		return nil, err
	}
	return toPass(p), nil
}

// IntrospectToken implements api.StrictServerInterface.
func (s *Server) IntrospectToken(ctx context.Context, r api.IntrospectTokenRequestObject) (api.IntrospectTokenResponseObject, error) {
	caller := authn.PrincipalFrom(ctx).User
	accepted, err := s.tokens.Inspect(ctx, r.Body.Token, instance.Instance{Host: caller.Host, Port: caller.Port})
	if errors.Is(err, tokens.ErrUnauthenticated) || errors.Is(err, credentials.ErrStale) {
		return api.IntrospectToken200JSONResponse{Active: false}, nil
	}
	if err != nil {
		return nil, err
	}
	return api.IntrospectToken200JSONResponse(toIntrospection(accepted)), nil
}

// RevokeTokenText implements api.StrictServerInterface.
func (s *Server) RevokeTokenText(ctx context.Context, r api.RevokeTokenTextRequestObject) (api.RevokeTokenTextResponseObject, error) {
	if err := s.tokens.RevokeText(ctx, r.Body.Token, authn.ClientFrom(ctx).IP); err != nil {
		return nil, err
	}
	return api.RevokeTokenText200Response{}, nil
}
