package server

import (
	"context"
	"fmt"
	"time"

	"github.com/falkorpat/falkorpat/gen/api"
	"github.com/falkorpat/falkorpat/server/authn"
	"github.com/falkorpat/falkorpat/server/tokens"
	"github.com/falkorpat/falkorpat/store"
)

// CreateTokenWithCredentials implements api.StrictServerInterface.
func (s *Server) CreateTokenWithCredentials(
	ctx context.Context, r api.CreateTokenWithCredentialsRequestObject,
) (api.CreateTokenWithCredentialsResponseObject, error) {
	credentials, request, err := fromCreateTokenWithCredentials(r.Body, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	issued, err := s.tokens.IssueWithCredentials(ctx, authn.ClientFrom(ctx).IP, credentials, request)
	if err != nil {
		return nil, &failedAttempt{store.ActionTokenCreateFailed, ofLogin(credentials), request.Name, fmt.Errorf("%w: %w", errLoginFailed, err)}
	}
	return api.CreateTokenWithCredentials200JSONResponse{TokenCreatedJSONResponse: toTokenCreated(issued)}, nil
}

// CreateToken implements api.StrictServerInterface.
func (s *Server) CreateToken(ctx context.Context, r api.CreateTokenRequestObject) (api.CreateTokenResponseObject, error) {
	p := authn.PrincipalFrom(ctx)
	if err := mayCreate(p); err != nil {
		return nil, &failedAttempt{store.ActionTokenCreateFailed, p.User, r.Body.Name, err}
	}
	issued, err := s.tokens.Issue(ctx, p.Issuer(), fromCreateToken(r.Body, r.Params.IdempotencyKey))
	if err != nil {
		return nil, &failedAttempt{store.ActionTokenCreateFailed, p.User, r.Body.Name, err}
	}
	return api.CreateToken200JSONResponse{TokenCreatedJSONResponse: toTokenCreated(issued)}, nil
}

// ListTokens implements api.StrictServerInterface.
func (s *Server) ListTokens(ctx context.Context, r api.ListTokensRequestObject) (api.ListTokensResponseObject, error) {
	p := authn.PrincipalFrom(ctx)
	username, err := listedUsername(p, r.Params.Username)
	if err != nil {
		return nil, err
	}
	return s.listed(ctx, fromListTokens(&r.Params, p.User, username), p.Role)
}

// GetToken implements api.StrictServerInterface.
func (s *Server) GetToken(ctx context.Context, r api.GetTokenRequestObject) (api.GetTokenResponseObject, error) {
	t, err := s.token(ctx, r.TokenID, mayRead)
	if err != nil {
		return nil, err
	}
	answer, err := s.tokenAnswer(ctx, t)
	if err != nil {
		return nil, err
	}
	return api.GetToken200JSONResponse(answer), nil
}

// RevokeToken implements api.StrictServerInterface.
func (s *Server) RevokeToken(ctx context.Context, r api.RevokeTokenRequestObject) (api.RevokeTokenResponseObject, error) {
	t, err := s.token(ctx, r.TokenID, mayRevoke)
	if err != nil {
		return nil, err
	}
	answer, err := s.revoke(ctx, t, r.Params.Successor == api.RevokeTokenParamsSuccessorKeep)
	if err != nil {
		return nil, err
	}
	return api.RevokeToken200JSONResponse(answer), nil
}

// GetOwnToken implements api.StrictServerInterface.
func (s *Server) GetOwnToken(ctx context.Context, _ api.GetOwnTokenRequestObject) (api.GetOwnTokenResponseObject, error) {
	answer, err := s.tokenAnswer(ctx, s.tokens.Current(authn.PrincipalFrom(ctx).Token))
	if err != nil {
		return nil, err
	}
	return api.GetOwnToken200JSONResponse(answer), nil
}

// RevokeOwnToken implements api.StrictServerInterface.
func (s *Server) RevokeOwnToken(ctx context.Context, _ api.RevokeOwnTokenRequestObject) (api.RevokeOwnTokenResponseObject, error) {
	answer, err := s.revoke(ctx, authn.PrincipalFrom(ctx).Token, false)
	if err != nil {
		return nil, err
	}
	return api.RevokeOwnToken200JSONResponse(answer), nil
}

func (s *Server) tokenAnswer(ctx context.Context, t *store.Token) (api.TokenAnswer, error) {
	rotation, err := s.tokens.RotationOf(ctx, t)
	if err != nil {
		return api.TokenAnswer{}, err
	}
	return api.TokenAnswer{Token: toToken(t, s.now(), s.tokens.Policy()), Rotation: toRotation(rotation)}, nil
}

// RotateToken implements api.StrictServerInterface.
func (s *Server) RotateToken(ctx context.Context, r api.RotateTokenRequestObject) (api.RotateTokenResponseObject, error) {
	t, err := s.token(ctx, r.TokenID, mayRotate)
	if err != nil {
		return nil, err
	}
	answer, err := s.rotate(ctx, t, r.Body, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	return api.RotateToken200JSONResponse{TokenRotatedJSONResponse: answer}, nil
}

// RotateOwnToken implements api.StrictServerInterface.
func (s *Server) RotateOwnToken(ctx context.Context, r api.RotateOwnTokenRequestObject) (api.RotateOwnTokenResponseObject, error) {
	p := authn.PrincipalFrom(ctx)
	if err := mayRotate(p, p.Token); err != nil {
		return nil, err
	}
	answer, err := s.rotate(ctx, p.Token, r.Body, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	return api.RotateOwnToken200JSONResponse{TokenRotatedJSONResponse: answer}, nil
}

// RebindToken implements api.StrictServerInterface.
func (s *Server) RebindToken(ctx context.Context, r api.RebindTokenRequestObject) (api.RebindTokenResponseObject, error) {
	t, err := s.token(ctx, r.TokenID, mayRebind)
	if err != nil {
		return nil, err
	}
	request, err := fromRebindToken(r.Body)
	if err != nil {
		return nil, err
	}
	if err := s.tokens.Rebind(ctx, authn.ClientFrom(ctx).IP, t, request); err != nil {
		return nil, fmt.Errorf("%w: %w", errLoginFailed, err)
	}
	return api.RebindToken200JSONResponse{Message: "Credentials changed successfully", TokenID: t.ID}, nil
}

// RevokeTokens implements api.StrictServerInterface.
func (s *Server) RevokeTokens(ctx context.Context, r api.RevokeTokensRequestObject) (api.RevokeTokensResponseObject, error) {
	p := authn.PrincipalFrom(ctx)
	request, err := fromRevokeTokens(r.Body, p.User)
	if err != nil {
		return nil, err
	}
	if len(request.IDs) == 0 {
		if err := mayRevokeAll(p, request.Filter.Username); err != nil {
			return nil, err
		}
	}
	request.From, request.Asking = authn.ClientFrom(ctx).IP, p.Token
	request.Judge = func(t *store.Token) tokens.Verdict { return verdict(p, t) }
	done, err := s.tokens.RevokeMany(ctx, request)
	if err != nil {
		return nil, err
	}
	return api.RevokeTokens200JSONResponse(toTokensRevoked(done)), nil
}

// ReportToken implements api.StrictServerInterface.
func (s *Server) ReportToken(ctx context.Context, r api.ReportTokenRequestObject) (api.ReportTokenResponseObject, error) {
	if err := s.tokens.Report(ctx, authn.ClientFrom(ctx).IP, r.Body.Token); err != nil {
		return nil, err
	}
	return api.ReportToken200JSONResponse{Message: "Thank you. If this is a token of this server, it no longer works."}, nil
}

// ResumeToken implements api.StrictServerInterface.
func (s *Server) ResumeToken(ctx context.Context, r api.ResumeTokenRequestObject) (api.ResumeTokenResponseObject, error) {
	t, err := s.token(ctx, r.TokenID, mayResume)
	if err != nil {
		return nil, err
	}
	resumed, err := s.tokens.Resume(ctx, t)
	if err != nil {
		return nil, err
	}
	return api.ResumeToken200JSONResponse(toTokenResumed(t.ID, resumed)), nil
}

// listed gives a list as a page, which is remembered where there is an edition.
func (s *Server) listed(ctx context.Context, r tokens.ListRequest, role store.Role) (page, error) {
	list := func(ctx context.Context) (page, error) {
		found, err := s.tokens.List(ctx, r)
		if err != nil {
			return nil, err
		}
		return toPage(toTokenList(found, role, s.now(), s.tokens.Policy()))
	}
	edition, known, err := s.tokens.Edition(ctx) // before the list is begun
	if err != nil {
		return nil, err
	}
	if !known {
		return list(ctx)
	}
	return s.pages.get(ctx, pageKey{edition, r.Instance, r.Filter.Username, role, requestFrom(ctx).URL.RawQuery}, list)
}

// rotate takes the body as optional.
func (s *Server) rotate(
	ctx context.Context, t *store.Token, body *api.RotateTokenRequest, key api.IdempotencyKey,
) (api.TokenRotatedJSONResponse, error) {
	request := tokens.RotateRequest{IdempotencyKey: key}
	if body != nil {
		request.Grace = time.Duration(body.GraceSeconds) * time.Second
	}
	issued, rotation, err := s.tokens.Rotate(ctx, authn.PrincipalFrom(ctx).Issuer(), t, request)
	if err != nil {
		return api.TokenRotatedJSONResponse{}, err
	}
	return toTokenRotated(issued, rotation), nil
}

func (s *Server) revoke(ctx context.Context, t *store.Token, keepSuccessor bool) (api.TokenRevoked, error) {
	revoked, err := s.tokens.Revoke(ctx, t, tokens.RevokeRequest{
		By: authn.PrincipalFrom(ctx).User, From: authn.ClientFrom(ctx).IP, KeepSuccessor: keepSuccessor,
	})
	if err != nil {
		return api.TokenRevoked{}, err
	}
	return toTokenRevoked(t.ID, revoked), nil
}

// token finds a token with which the caller may do something.
func (s *Server) token(ctx context.Context, id string, may func(*authn.Principal, *store.Token) error) (*store.Token, error) {
	p := authn.PrincipalFrom(ctx)
	var t *store.Token
	var err error
	if p.Token != nil && p.Token.ID == id {
		t = s.tokens.Current(p.Token) // read a moment ago, to authenticate
	} else if t, err = s.tokens.Get(ctx, id); err != nil {
		return nil, err
	}
	if err := may(p, t); err != nil {
		return nil, fmt.Errorf("token %s: %w", id, err)
	}
	return t, nil
}
