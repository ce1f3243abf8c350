package server

import (
	"time"

	"github.com/falkorpat/falkorpat/gen/api"
	"github.com/falkorpat/falkorpat/server/access"
	"github.com/falkorpat/falkorpat/server/authn"
	"github.com/falkorpat/falkorpat/server/graph"
	"github.com/falkorpat/falkorpat/store"
)

// toCaller is a principal as graphs know it.
func toCaller(p *authn.Principal) graph.Caller {
	caller := graph.Caller{
		Kept: p.Kept, ReadOnly: !p.Permissions.Has(access.GraphWrite), Until: p.ExpiresAt, Standing: p.Standing,
	}
	if p.Token != nil {
		l := p.Token.Limits
		caller.Limits = graph.Limits{
			Timeout: time.Duration(l.TimeoutMs) * time.Millisecond, Rows: l.Rows, Concurrent: l.Concurrent, PerMinute: l.PerMinute,
		}
	}
	return caller
}

func fromLimits(l api.QueryLimits) store.Limits {
	return store.Limits{TimeoutMs: l.TimeoutMs, Rows: l.Rows, Concurrent: l.Concurrent, PerMinute: l.PerMinute}
}

func toLimits(l store.Limits) api.TokenLimits {
	orNull := func(n int64) *int64 {
		if n == 0 {
			return nil
		}
		return &n
	}
	return api.TokenLimits{
		TimeoutMs: orNull(l.TimeoutMs), Rows: orNull(l.Rows), Concurrent: orNull(l.Concurrent), PerMinute: orNull(l.PerMinute),
	}
}

func fromQuery(name string, body *api.QueryRequest) graph.Query {
	return graph.Query{
		Graph: name, Text: body.Query, Params: body.Params,
		Timeout: time.Duration(body.TimeoutMs) * time.Millisecond, ReadOnly: body.ReadOnly,
		Format: graph.Format{TextBigints: body.Bigints == api.String, Typed: body.Typed},
	}
}

// toPosition is nil for none.
func toPosition(p *graph.Position) *api.QueryPosition {
	if p == nil {
		return nil
	}
	return &api.QueryPosition{Line: p.Line, Column: p.Column, Offset: p.Offset}
}

func fromPlan(name string, body *api.PlanRequest) graph.Query {
	return graph.Query{Graph: name, Text: body.Query, Params: body.Params, Timeout: time.Duration(body.TimeoutMs) * time.Millisecond}
}

func toGraphInfo(name string, info *graph.Info) api.GetGraph200JSONResponse {
	answer := api.GetGraph200JSONResponse{
		Graph: name, Nodes: info.Nodes, Edges: info.Edges,
		Labels: info.Labels, RelationshipTypes: info.RelationshipTypes, PropertyKeys: info.PropertyKeys,
		Indexes: make([]api.GraphIndex, len(info.Indexes)), Constraints: make([]api.GraphConstraint, len(info.Constraints)),
	}
	for i, one := range info.Indexes {
		types := map[string]any{}
		for property, kinds := range one.Types {
			types[property] = kinds
		}
		answer.Indexes[i] = api.GraphIndex{
			Label: one.Label, EntityType: one.EntityType, Status: one.Status, Properties: one.Properties, Types: types,
		}
	}
	for i, one := range info.Constraints {
		answer.Constraints[i] = api.GraphConstraint{
			Type: one.Type, Label: one.Label, EntityType: one.EntityType, Status: one.Status, Properties: one.Properties,
		}
	}
	return answer
}

func toSlowlog(slow []graph.SlowQuery) api.GetGraphSlowlog200JSONResponse {
	answer := api.GetGraphSlowlog200JSONResponse{Queries: make([]api.SlowQuery, len(slow))}
	for i, one := range slow {
		answer.Queries[i] = api.SlowQuery{
			At: one.At, Command: one.Command, Query: one.Query, DurationMs: one.Milliseconds,
		}
	}
	return answer
}

func toGraphConfig(settings []graph.Setting) api.GetGraphConfig200JSONResponse {
	config := make(map[string]any, len(settings))
	for _, one := range settings {
		config[one.Name] = one.Value
	}
	return api.GetGraphConfig200JSONResponse{Config: config}
}
