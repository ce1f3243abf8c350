package server

import (
	"bytes"
	"context"
	"net/http"

	"github.com/falkorpat/falkorpat"
	"github.com/falkorpat/falkorpat/gen/api"
)

// GetOpenAPIYAML implements api.StrictServerInterface.
func (s *Server) GetOpenAPIYAML(context.Context, api.GetOpenAPIYAMLRequestObject) (api.GetOpenAPIYAMLResponseObject, error) {
	return api.GetOpenAPIYAML200ApplicationYamlResponse{
		Body: bytes.NewReader(falkorpat.OpenAPI), ContentLength: int64(len(falkorpat.OpenAPI)),
	}, nil
}

// GetOpenAPIJSON implements api.StrictServerInterface.
func (s *Server) GetOpenAPIJSON(context.Context, api.GetOpenAPIJSONRequestObject) (api.GetOpenAPIJSONResponseObject, error) {
	return rawJSON(s.docs.json), nil
}

// rawJSON is an answer that is JSON already.
type rawJSON []byte

// VisitGetOpenAPIJSONResponse implements api.GetOpenAPIJSONResponseObject.
func (r rawJSON) VisitGetOpenAPIJSONResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(r)
	return err //nolint:wrapcheck // the client has gone
}

// GetDocs implements api.StrictServerInterface.
func (s *Server) GetDocs(context.Context, api.GetDocsRequestObject) (api.GetDocsResponseObject, error) {
	return s.docs, nil
}
