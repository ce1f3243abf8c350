package server

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/falkorpat/falkorpat/cypher"
	"github.com/falkorpat/falkorpat/gen/api"
	"github.com/falkorpat/falkorpat/server/access"
	"github.com/falkorpat/falkorpat/server/graph"
)

// What the outside is told of queries. FalkorDB's own words are for the caller,
// who wrote the query that they are about; the log never has them.
var (
	queryRefused = publicError{
		status: http.StatusBadRequest, code: "query_refused",
		message: "FalkorDB refused the query. See errors for what it says.",
	}
	// These name the graph, FalkorDB's own refusal, and the rows.
	graphNotAllowed = publicError{
		status: http.StatusForbidden, code: "graph_not_allowed", challenge: challengeScope,
		message: "This token may not touch the graph %q. Use a token whose graphs match it, or create one.",
	}
	deniedByACL = publicError{
		status: http.StatusForbidden, code: "denied_by_instance", challenge: challengeScope,
		message: "The FalkorDB instance does not let this user do that: %s. Ask an Admin of the instance for ACL SETUSER.",
	}
	tooManyQueries = publicError{
		status: http.StatusTooManyRequests, code: "too_many_queries",
		message: "More than %d %s are not allowed. Wait as long as Retry-After says.",
	}
	tooManyRows = publicError{
		status: http.StatusRequestEntityTooLarge, code: "too_many_rows",
		message: "The result has %d rows, and at most %d are allowed. Add a LIMIT, or take it in parts with SKIP and LIMIT.",
	}
)

// graphError looks up an error that says more than its kind.
func graphError(err error) (public publicError, fields []api.FieldError, ok bool) {
	var (
		value  *cypher.ValueError
		query  *graph.QueryError
		other  *access.GraphError
		denied *graph.DeniedError
		rows   *graph.RowsError
	)
	say := func(public publicError, args ...any) publicError {
		public.message = truncate(fmt.Sprintf(public.message, args...), 500)
		return public
	}
	if limited := (*graph.LimitedError)(nil); errors.As(err, &limited) {
		public := say(tooManyQueries, limited.Max, limited.What)
		public.retryAfter = wholeSeconds(limited.RetryAfter)
		return public, nil, true
	}
	switch {
	case errors.As(err, &value):
		return badRequest, []api.FieldError{fieldError(value.Path, value.Message)}, true
	case errors.As(err, &query):
		return queryRefused, []api.FieldError{fieldError("query", query.Message)}, true
	case errors.As(err, &other):
		return say(graphNotAllowed, truncate(other.Graph, 200)), nil, true
	case errors.As(err, &denied):
		return say(deniedByACL, truncate(denied.Message, 300)), nil, true
	case errors.As(err, &rows):
		return say(tooManyRows, rows.Rows, rows.Max), nil, true
	case errors.Is(err, graph.ErrReadOnly) && !isMissing(err):
		return queryRefused, []api.FieldError{fieldError("readOnly", "must be false for a query that writes")}, true
	default:
		return publicError{}, nil, false
	}
}

func isMissing(err error) bool {
	missing := (*access.MissingError)(nil)
	return errors.As(err, &missing)
}

// positionOf is where in a query a fault is, if that is known.
func positionOf(err error) *api.QueryPosition {
	if query := (*graph.QueryError)(nil); errors.As(err, &query) {
		return toPosition(query.Position)
	}
	return nil
}
