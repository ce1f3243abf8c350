package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/falkorpat/falkorpat/cypher"
	"github.com/falkorpat/falkorpat/server/access"
	"github.com/falkorpat/falkorpat/server/authn"
	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/server/graph"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/ratelimit"
	"github.com/falkorpat/falkorpat/server/session"
	"github.com/falkorpat/falkorpat/server/tokens"
	"github.com/falkorpat/falkorpat/store"
)

func TestErrorsAreToldByTheTable(t *testing.T) {
	t.Parallel()
	login := func(err error) error { return fmt.Errorf("%w: %w", errLoginFailed, err) }
	for _, test := range []struct {
		name   string
		err    error
		status int
		code   string
	}{
		{"no credentials", authn.ErrNoCredentials, 401, "unauthenticated"},
		{"bad header", authn.ErrBadHeader, 401, "invalid_token"},
		{"unknown token", tokens.ErrUnknown, 401, "invalid_token"},
		{"revoked token", tokens.ErrRevoked, 401, "invalid_token"},
		{"expired token", tokens.ErrExpired, 401, "invalid_token"},
		{"no session", session.ErrNoSession, 401, "invalid_session"},
		{"stale credentials", credentials.ErrStale, 401, "credentials_no_longer_valid"},
		{"not the owner", errNotOwner, 403, "not_owner"},
		{"another instance's token", errForeignInstance, 404, "token_not_found"},
		{"no such token", store.ErrNotFound, 404, "token_not_found"},
		{"too early", tokens.ErrTooEarly, 401, "token_not_yet_valid"},
		{"wrong address", tokens.ErrAddress, 403, "address_not_allowed"},
		{"missing permission", &access.MissingError{Permission: access.TokensRead}, 403, "missing_permission"},
		{"exceeds its issuer", &tokens.ExceedsError{Field: "graphs"}, 403, "exceeds_issuer"},
		{"stale, to be rotated", tokens.ErrStale, 409, "token_stale"},
		{"suspended, to be rotated", tokens.ErrResting, 409, "token_suspended"},
		{"ended", tokens.ErrEnded, 409, "token_ended"},
		{"rotated before", &tokens.RotatedError{By: "1-a"}, 409, "already_rotated"},
		{"suspended", tokens.ErrSuspended, 401, "token_suspended"},
		{"beyond the policy", tokens.ErrViolation, 401, "policy_violation"},
		{"rotated out", tokens.ErrRotated, 401, "token_rotated"},
		{"idempotency key reused", tokens.ErrKeyReused, 422, "idempotency_key_reused"},
		{"outlives its issuer", tokens.ErrOutlivesIssuer, 403, "outlives_issuer"},
		{"another origin", errCrossOrigin, 403, "cross_origin"},
		{"another host", errMisdirected, 421, "misdirected"},
		{"body too large", errBodyTooLarge, 413, "body_too_large"},
		{"not a form", errNotForm, 415, "unsupported_media_type"},
		{"not for the instance", errInstance, 403, "instance_not_allowed"},
		{"not JSON", errNotJSON, 415, "unsupported_media_type"},
		{"query too large", errQueryTooLarge, 413, "body_too_large"},
		{"malformed query", &graph.QueryError{Message: "m"}, 400, "query_refused"},
		{"writes where it asked not to", graph.ErrReadOnly, 400, "query_refused"},
		{"writes without permission", errors.Join(graph.ErrReadOnly, &access.MissingError{Permission: access.GraphWrite}), 403, "missing_permission"},
		{"parameter", &cypher.ValueError{Path: "params.a", Message: "must be …"}, 400, "invalid_request"},
		{"another graph", &access.GraphError{Graph: "g"}, 403, "graph_not_allowed"},
		{"the graph of tokens", graph.ErrReserved, 403, "graph_reserved"},
		{"refused by ACL", &graph.DeniedError{Message: "m"}, 403, "denied_by_instance"},
		{"no graph", graph.ErrNoGraph, 404, "graph_not_found"},
		{"name is taken", graph.ErrExists, 409, "graph_exists"},
		{"too many queries", &graph.LimitedError{What: "queries at once", Max: 1, RetryAfter: time.Second}, 429, "too_many_queries"},
		{"too many rows", &graph.RowsError{Rows: 2, Max: 1}, 413, "too_many_rows"},
		{"instance overloaded", graph.ErrOverloaded, 503, "instance_overloaded"},
		{"graph replaced", graph.ErrSchemaChanged, 503, "graph_replaced"},
		{"query too slow", fmt.Errorf("%w: %w", graph.ErrTimeout, instance.ErrUnreachable), 504, "query_timeout"},
		{"store out of reach", store.ErrUnavailable, 503, "store_unavailable"},
		{"instance out of reach", instance.ErrUnreachable, 503, "instance_unavailable"},
		{"login's turn did not come", login(instance.ErrBusy), 503, "busy"},
		{"client gone", context.Canceled, 503, "canceled"},
		{"field", &tokens.FieldError{Field: "name", Message: "must be …"}, 400, "invalid_request"},
		{"unknown route", echo.ErrNotFound, 404, "not_found"},
		{"wrong method", echo.ErrMethodNotAllowed, 405, "method_not_allowed"},
		{"anything else", errors.New("secret detail"), 500, "internal"},
		{"panic", errPanic, 500, "internal"},

		{"login refused", login(instance.ErrRefused), 401, "invalid_credentials"},
		{"login out of reach", login(instance.ErrUnreachable), 401, "invalid_credentials"},
		{"login not allowed", login(instance.ErrNotAllowed), 401, "invalid_credentials"},
		{"login limited", login(&ratelimit.LimitedError{RetryAfter: time.Second}), 429, "too_many_failed_logins"},
		{"reports limited", fmt.Errorf("%w: %w", tokens.ErrTooManyReports, &ratelimit.LimitedError{RetryAfter: time.Second}), 429, "too_many_reports"},
		{"login with the limit out of reach", login(ratelimit.ErrUnavailable), 503, "store_unavailable"},
		{"refused login, then the limit out of reach", login(errors.Join(instance.ErrRefused, ratelimit.ErrUnavailable)), 503, "store_unavailable"},
		{"login, then the store out of reach", login(store.ErrUnavailable), 503, "store_unavailable"},
		{"login, then a fault of ours", login(errors.New("secret detail")), 500, "internal"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, _ := publicErrorOf(fmt.Errorf("context: %w", test.err))
			if got.status != test.status || got.code != test.code {
				t.Errorf("told as %d %s, want %d %s", got.status, got.code, test.status, test.code)
			}
			if got.message == "" || http.StatusText(got.status) == "" {
				t.Error("no public text")
			}
		})
	}
}

func TestRetryAfterIsInWholeSecondsAndNeverZero(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]int{0: 1, time.Millisecond: 1, time.Second: 1, 1001 * time.Millisecond: 2, time.Minute: 60} {
		got, _ := publicErrorOf(&ratelimit.LimitedError{RetryAfter: wait})
		if got.retryAfter != want {
			t.Errorf("wait of %v is told as %d, want %d", wait, got.retryAfter, want)
		}
	}
}
