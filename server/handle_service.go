package server

import (
	"context"

	"github.com/falkorpat/falkorpat/gen/api"
)

// GetHealth implements api.StrictServerInterface.
func (s *Server) GetHealth(context.Context, api.GetHealthRequestObject) (api.GetHealthResponseObject, error) {
	return api.GetHealth200JSONResponse{Status: api.Ok}, nil
}

// GetReadiness implements api.StrictServerInterface.
func (s *Server) GetReadiness(ctx context.Context, _ api.GetReadinessRequestObject) (api.GetReadinessResponseObject, error) {
	if err := s.store.Ready(ctx); err != nil {
		return nil, err
	}
	return api.GetReadiness200JSONResponse{Status: api.Ok}, nil
}
