package server

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"

	"github.com/falkorpat/falkorpat/server/metrics"
)

// otherOperation is what requests are counted as that no operation of
// openapi.yaml is for: the pages, and paths and methods that there are not.
const otherOperation = "other"

// measured counts and times every request by its operation. The names are those
// of openapi.yaml, whatever a client puts into a path.
func (s *Server) measured(doc *openapi3.T, basePath string) echo.MiddlewareFunc {
	operations := s.operations(doc, basePath)
	other := s.metrics.Operation(otherOperation)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			operation, ok := operations[c.Path()][c.Request().Method]
			if !ok {
				operation = other
			}
			start := s.now()
			operation.Begin()
			defer func() { operation.End(c.Response().Status, s.now().Sub(start)) }()
			return next(c)
		}
	}
}

// operations finds what measures an operation by its path, as the router knows
// it, and its method.
func (s *Server) operations(doc *openapi3.T, basePath string) map[string]map[string]*metrics.Operation {
	routed := strings.NewReplacer("{", ":", "}", "")
	found := make(map[string]map[string]*metrics.Operation)
	for path, item := range doc.Paths.Map() {
		methods := make(map[string]*metrics.Operation)
		for method, operation := range item.Operations() {
			var statuses []int
			for _, text := range slices.Sorted(maps.Keys(operation.Responses.Map())) {
				if status, err := strconv.Atoi(text); err == nil {
					statuses = append(statuses, status)
				}
			}
			methods[method] = s.metrics.Operation(operation.OperationID, statuses...)
		}
		found[basePath+routed.Replace(path)] = methods
	}
	return found
}

// judged counts the outcome of an authentication.
func (s *Server) judged(err error) {
	if s.metrics == nil {
		return
	}
	outcome := "accepted"
	if err != nil {
		public, _ := publicErrorOf(err)
		outcome = public.code
	}
	s.metrics.Authentication(outcome)
}
