package server

import (
	"context"
	"errors"

	"github.com/falkorpat/falkorpat/gen/api"
	"github.com/falkorpat/falkorpat/server/authn"
	"github.com/falkorpat/falkorpat/store"
)

// ListGraphs implements api.StrictServerInterface.
func (s *Server) ListGraphs(ctx context.Context, _ api.ListGraphsRequestObject) (api.ListGraphsResponseObject, error) {
	names, err := s.visibleGraphs(ctx, authn.PrincipalFrom(ctx))
	if err != nil {
		return nil, err
	}
	return api.ListGraphs200JSONResponse{Graphs: names, Count: len(names)}, nil
}

// visibleGraphs are those that exist and that a principal may touch.
func (s *Server) visibleGraphs(ctx context.Context, p *authn.Principal) ([]string, error) {
	if err := mayListGraphs(p); err != nil {
		return nil, err
	}
	names, err := s.graphs.List(ctx, toCaller(p))
	if err != nil {
		return nil, err
	}
	return touchable(p, names), nil
}

// QueryGraph implements api.StrictServerInterface.
func (s *Server) QueryGraph(ctx context.Context, r api.QueryGraphRequestObject) (api.QueryGraphResponseObject, error) {
	p := authn.PrincipalFrom(ctx)
	if err := mayQuery(p, r.Graph); err != nil {
		return nil, err
	}
	result, err := s.graphs.Query(ctx, toCaller(p), fromQuery(r.Graph, r.Body))
	if err != nil {
		return nil, asDenial(p, r.Body.ReadOnly, err)
	}
	return &resultAnswer{ctx: ctx, result: result, form: resultForm(requestFrom(ctx).Header.Get("Accept")), log: s.log}, nil
}

// GetOwnPermissions implements api.StrictServerInterface.
func (s *Server) GetOwnPermissions(ctx context.Context, _ api.GetOwnPermissionsRequestObject) (api.GetOwnPermissionsResponseObject, error) {
	p := authn.PrincipalFrom(ctx)
	names := []string{}
	if mayListGraphs(p) == nil {
		var err error
		if names, err = s.visibleGraphs(ctx, p); err != nil {
			return nil, err
		}
	}
	return api.GetOwnPermissions200JSONResponse{Permissions: *toPermissions(p.Permissions.Names()), Graphs: names}, nil
}

// GetGraph implements api.StrictServerInterface.
func (s *Server) GetGraph(ctx context.Context, r api.GetGraphRequestObject) (api.GetGraphResponseObject, error) {
	p := authn.PrincipalFrom(ctx)
	if err := mayQuery(p, r.Graph); err != nil {
		return nil, err
	}
	info, err := s.graphs.Info(ctx, toCaller(p), r.Graph)
	if err != nil {
		return nil, err
	}
	return toGraphInfo(r.Graph, info), nil
}

// DeleteGraph implements api.StrictServerInterface.
func (s *Server) DeleteGraph(ctx context.Context, r api.DeleteGraphRequestObject) (api.DeleteGraphResponseObject, error) {
	p := authn.PrincipalFrom(ctx)
	attempt := graphAttempt{action: store.ActionGraphDeleted, details: map[string]string{"graph": r.Graph}}
	if err := mayManageGraph(p, r.Graph); err != nil {
		return nil, attempt.failed(err)
	}
	if err := s.graphs.Delete(ctx, toCaller(p), r.Graph); err != nil {
		return nil, attempt.failed(err)
	}
	s.tell(ctx, attempt)
	return api.DeleteGraph200JSONResponse{Message: "Graph deleted successfully", Graph: r.Graph}, nil
}

// CopyGraph implements api.StrictServerInterface.
func (s *Server) CopyGraph(ctx context.Context, r api.CopyGraphRequestObject) (api.CopyGraphResponseObject, error) {
	p := authn.PrincipalFrom(ctx)
	attempt := graphAttempt{action: store.ActionGraphCopied, details: map[string]string{"graph": r.Graph, "target": r.Body.Target}}
	if err := errors.Join(mayManageGraph(p, r.Graph), mayManageGraph(p, r.Body.Target)); err != nil {
		return nil, attempt.failed(err)
	}
	if err := s.graphs.Copy(ctx, toCaller(p), r.Graph, r.Body.Target); err != nil {
		return nil, attempt.failed(err)
	}
	s.tell(ctx, attempt)
	return api.CopyGraph200JSONResponse{Message: "Graph copied successfully", Graph: r.Body.Target}, nil
}

// ExplainGraph implements api.StrictServerInterface.
func (s *Server) ExplainGraph(ctx context.Context, r api.ExplainGraphRequestObject) (api.ExplainGraphResponseObject, error) {
	p := authn.PrincipalFrom(ctx)
	if err := mayQuery(p, r.Graph); err != nil {
		return nil, err
	}
	plan, err := s.graphs.Plan(ctx, toCaller(p), fromPlan(r.Graph, r.Body))
	if err != nil {
		return nil, err
	}
	return api.ExplainGraph200JSONResponse{Plan: plan}, nil
}

// ProfileGraph implements api.StrictServerInterface.
func (s *Server) ProfileGraph(ctx context.Context, r api.ProfileGraphRequestObject) (api.ProfileGraphResponseObject, error) {
	p := authn.PrincipalFrom(ctx)
	if err := mayProfile(p, r.Graph); err != nil {
		return nil, err
	}
	plan, err := s.graphs.Profile(ctx, toCaller(p), fromPlan(r.Graph, r.Body))
	if err != nil {
		return nil, err
	}
	return api.ProfileGraph200JSONResponse{Plan: plan}, nil
}

// GetGraphSlowlog implements api.StrictServerInterface.
func (s *Server) GetGraphSlowlog(ctx context.Context, r api.GetGraphSlowlogRequestObject) (api.GetGraphSlowlogResponseObject, error) {
	p := authn.PrincipalFrom(ctx)
	if err := mayQuery(p, r.Graph); err != nil {
		return nil, err
	}
	slow, err := s.graphs.Slowlog(ctx, toCaller(p), r.Graph)
	if err != nil {
		return nil, err
	}
	return toSlowlog(slow), nil
}

// GetGraphConfig implements api.StrictServerInterface.
func (s *Server) GetGraphConfig(ctx context.Context, _ api.GetGraphConfigRequestObject) (api.GetGraphConfigResponseObject, error) {
	p := authn.PrincipalFrom(ctx)
	if err := mayConfigure(p); err != nil {
		return nil, err
	}
	settings, err := s.graphs.Config(ctx, toCaller(p))
	if err != nil {
		return nil, err
	}
	return toGraphConfig(settings), nil
}

// SetGraphConfig implements api.StrictServerInterface.
func (s *Server) SetGraphConfig(ctx context.Context, r api.SetGraphConfigRequestObject) (api.SetGraphConfigResponseObject, error) {
	p := authn.PrincipalFrom(ctx)
	attempt := graphAttempt{action: store.ActionConfigChanged, details: map[string]string{"setting": r.Setting, "after": r.Body.Value}}
	if err := mayConfigure(p); err != nil {
		return nil, attempt.failed(err)
	}
	before, err := s.graphs.SetConfig(ctx, toCaller(p), r.Setting, r.Body.Value)
	attempt.details["before"] = before
	if err != nil {
		return nil, attempt.failed(err)
	}
	s.tell(ctx, attempt)
	return api.SetGraphConfig200JSONResponse{Message: "Setting changed successfully", Name: r.Setting}, nil
}
