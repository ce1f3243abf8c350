package server

import (
	"context"

	"github.com/falkorpat/falkorpat/gen/api"
)

// GetPolicy implements api.StrictServerInterface.
func (s *Server) GetPolicy(context.Context, api.GetPolicyRequestObject) (api.GetPolicyResponseObject, error) {
	return api.GetPolicy200JSONResponse(toPolicy(s.tokens.Policy())), nil
}
