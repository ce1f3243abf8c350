package server

import (
	"context"

	"github.com/falkorpat/falkorpat/gen/api"
	"github.com/falkorpat/falkorpat/server/authn"
)

// ListEvents implements api.StrictServerInterface.
func (s *Server) ListEvents(ctx context.Context, r api.ListEventsRequestObject) (api.ListEventsResponseObject, error) {
	p := authn.PrincipalFrom(ctx)
	username, err := listedHistory(p, r.Params.Username)
	if err != nil {
		return nil, err
	}
	query := fromEventQuery(&r.Params, p.User, username)
	if r.Params.Format == api.Ndjson {
		return &eventExport{ctx: ctx, history: s.history, query: query, now: s.now()}, nil
	}
	page, err := s.history.List(ctx, query, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	return api.ListEvents200JSONResponse(toEventList(page)), nil
}
