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
	p := authn.PrincipalFrom(ctx)
	if err := mayCreate(p); err != nil {
		return nil, err
	}
	issued, err := s.tokens.Issue(ctx, p.Issuer(), fromCreateToken(r.Body))
	if err != nil {
		return nil, err
	}
	return api.CreateToken200JSONResponse{TokenCreatedJSONResponse: toTokenCreated(issued)}, nil
}

// ListTokens implements api.StrictServerInterface.
func (s *Server) ListTokens(ctx context.Context, r api.ListTokensRequestObject) (api.ListTokensResponseObject, error) {
	p := authn.PrincipalFrom(ctx)
	username, err := listedUsername(p)
	if err != nil {
		return nil, err
	}
	page, err := s.tokens.List(ctx, tokens.ListRequest{
		Instance: instance.Instance{Host: p.User.Host, Port: p.User.Port},
		Username: username, Status: fromStatus(r.Params.Status), Cursor: r.Params.Cursor, Limit: r.Params.Limit,
	})
	if err != nil {
		return nil, err
	}
	return api.ListTokens200JSONResponse(toTokenList(page, p.Role, s.now())), nil
}

// GetToken implements api.StrictServerInterface.
func (s *Server) GetToken(ctx context.Context, r api.GetTokenRequestObject) (api.GetTokenResponseObject, error) {
	t, err := s.token(ctx, r.TokenID, mayRead)
	if err != nil {
		return nil, err
	}
	return api.GetToken200JSONResponse{Token: toToken(t, s.now())}, nil
}

// RevokeToken implements api.StrictServerInterface.
func (s *Server) RevokeToken(ctx context.Context, r api.RevokeTokenRequestObject) (api.RevokeTokenResponseObject, error) {
	t, err := s.token(ctx, r.TokenID, mayRevoke)
	if err != nil {
		return nil, err
	}
	answer, err := s.revoke(ctx, t)
	if err != nil {
		return nil, err
	}
	return api.RevokeToken200JSONResponse(answer), nil
}

// GetOwnToken implements api.StrictServerInterface.
func (s *Server) GetOwnToken(ctx context.Context, _ api.GetOwnTokenRequestObject) (api.GetOwnTokenResponseObject, error) {
	t := s.tokens.Current(authn.PrincipalFrom(ctx).Token)
	return api.GetOwnToken200JSONResponse{Token: toToken(t, s.now())}, nil
}

// RevokeOwnToken implements api.StrictServerInterface.
func (s *Server) RevokeOwnToken(ctx context.Context, _ api.RevokeOwnTokenRequestObject) (api.RevokeOwnTokenResponseObject, error) {
	answer, err := s.revoke(ctx, authn.PrincipalFrom(ctx).Token)
	if err != nil {
		return nil, err
	}
	return api.RevokeOwnToken200JSONResponse(answer), nil
}

func (s *Server) revoke(ctx context.Context, t *store.Token) (api.TokenRevoked, error) {
	revoked, err := s.tokens.Revoke(ctx, t.ID, authn.PrincipalFrom(ctx).User, authn.ClientFrom(ctx).IP)
	if err != nil {
		return api.TokenRevoked{}, err
	}
	return toTokenRevoked(t.ID, revoked), nil
}

// token finds a token with which the caller may do something.
func (s *Server) token(ctx context.Context, id string, may func(*authn.Principal, *store.Token) error) (*store.Token, error) {
	p := authn.PrincipalFrom(ctx)
	if p.Token != nil && p.Token.ID == id {
		return s.tokens.Current(p.Token), nil // read a moment ago, to authenticate
	}
	t, err := s.tokens.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := may(p, t); err != nil {
		return nil, fmt.Errorf("token %s: %w", id, err)
	}
	return t, nil
}
