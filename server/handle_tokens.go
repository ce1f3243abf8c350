package server

import (
	"context"
	"fmt"

	"github.com/falkorpat/falkorpat/gen/api"
	"github.com/falkorpat/falkorpat/server/authn"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/tokens"
	"github.com/falkorpat/falkorpat/store"
)

// CreateTokenWithCredentials implements api.StrictServerInterface.
func (s *Server) CreateTokenWithCredentials(
	ctx context.Context, r api.CreateTokenWithCredentialsRequestObject,
) (api.CreateTokenWithCredentialsResponseObject, error) {
	credentials, request, err := fromCreateTokenWithCredentials(r.Body)
	if err != nil {
		return nil, err
	}
	issued, err := s.tokens.IssueWithCredentials(ctx, authn.ClientFrom(ctx).IP, credentials, request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errLoginFailed, err)
	}
	return api.CreateTokenWithCredentials200JSONResponse{TokenCreatedJSONResponse: toTokenCreated(issued)}, nil
}

// CreateToken implements api.StrictServerInterface.
func (s *Server) CreateToken(ctx context.Context, r api.CreateTokenRequestObject) (api.CreateTokenResponseObject, error) {
	issued, err := s.tokens.Issue(ctx, authn.PrincipalFrom(ctx).Issuer(), fromCreateToken(r.Body))
	if err != nil {
		return nil, err
	}
	return api.CreateToken200JSONResponse{TokenCreatedJSONResponse: toTokenCreated(issued)}, nil
}

// ListTokens implements api.StrictServerInterface.
func (s *Server) ListTokens(ctx context.Context, r api.ListTokensRequestObject) (api.ListTokensResponseObject, error) {
	p := authn.PrincipalFrom(ctx)
	page, err := s.tokens.List(ctx, tokens.ListRequest{
		Instance: instance.Instance{Host: p.User.Host, Port: p.User.Port},
		Username: listedUsername(p), Status: fromStatus(r.Params.Status), Cursor: r.Params.Cursor, Limit: r.Params.Limit,
	})
	if err != nil {
		return nil, err
	}
	return api.ListTokens200JSONResponse(toTokenList(page, p.Role, s.now())), nil
}

// GetToken implements api.StrictServerInterface.
func (s *Server) GetToken(ctx context.Context, r api.GetTokenRequestObject) (api.GetTokenResponseObject, error) {
	t, err := s.manageable(ctx, r.TokenID)
	if err != nil {
		return nil, err
	}
	return api.GetToken200JSONResponse{Token: toToken(t, s.now())}, nil
}

// RevokeToken implements api.StrictServerInterface.
func (s *Server) RevokeToken(ctx context.Context, r api.RevokeTokenRequestObject) (api.RevokeTokenResponseObject, error) {
	t, err := s.manageable(ctx, r.TokenID)
	if err != nil {
		return nil, err
	}
	revoked, err := s.tokens.Revoke(ctx, t.ID, authn.PrincipalFrom(ctx).User, authn.ClientFrom(ctx).IP)
	if err != nil {
		return nil, err
	}
	return api.RevokeToken200JSONResponse(toTokenRevoked(t.ID, revoked)), nil
}

// manageable finds a token that the caller may read and revoke.
func (s *Server) manageable(ctx context.Context, id string) (*store.Token, error) {
	p := authn.PrincipalFrom(ctx)
	if p.Token != nil && p.Token.ID == id {
		return s.tokens.Current(p.Token), nil // read a moment ago, to authenticate
	}
	t, err := s.tokens.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := mayManage(p, t); err != nil {
		return nil, fmt.Errorf("token %s: %w", id, err)
	}
	return t, nil
}
