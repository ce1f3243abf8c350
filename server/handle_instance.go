package server

import (
	"context"

	"github.com/falkorpat/falkorpat/gen/api"
	"github.com/falkorpat/falkorpat/server/authn"
)

// ListInstances implements api.StrictServerInterface.
func (s *Server) ListInstances(context.Context, api.ListInstancesRequestObject) (api.ListInstancesResponseObject, error) {
	return api.ListInstances200JSONResponse(toInstanceList(s.directory.Instances())), nil
}

// GetStatus implements api.StrictServerInterface.
func (s *Server) GetStatus(ctx context.Context, _ api.GetStatusRequestObject) (api.GetStatusResponseObject, error) {
	if err := s.keeper.Ping(ctx, authn.PrincipalFrom(ctx).Kept); err != nil {
		return nil, err
	}
	return api.GetStatus200JSONResponse{Status: api.Online}, nil
}
