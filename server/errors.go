package server

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/gen/api"
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

// What can be wrong with a request before any service sees it.
var (
	errBodyTooLarge = errors.New("body too large")
	errNotJSON      = errors.New("body is not application/json")
	errNotForm      = errors.New("body is not application/x-www-form-urlencoded")
	errCrossOrigin  = errors.New("request from a page of another origin")
	errMisdirected  = errors.New("request for another host")
	errPanic        = errors.New("panic")
	// errQueryTooLarge is a body too large where bodies may be larger.
	errQueryTooLarge = errors.New("body with a query too large")
)

// invalidRequest is a request that does not match openapi.yaml.
type invalidRequest struct {
	fields []api.FieldError
}

func (e *invalidRequest) Error() string { return "invalid request" }

// The challenges of RFC 6750 section 3.
const (
	challengeNone    = "Bearer"
	challengeInvalid = `Bearer error="invalid_token"`
	challengeScope   = `Bearer error="insufficient_scope"`
)

// publicError is what the outside is told of an error.
type publicError struct {
	status    int
	code      string
	message   string
	challenge string
	// retryAfter is in seconds; 0 for none.
	retryAfter int
}

const messageNotAuthenticated = "Not authenticated"

// errorTable says what the outside is told, first match first. What it does not
// hold is a fault of ours, and told as such.
var errorTable = [...]struct {
	err error
	publicError
}{
	{errBodyTooLarge, publicError{status: http.StatusRequestEntityTooLarge, code: "body_too_large", message: "The body is larger than 64 KiB."}},
	{errQueryTooLarge, publicError{status: http.StatusRequestEntityTooLarge, code: "body_too_large", message: "The body is larger than 4 MiB."}},
	{errNotJSON, publicError{
		status: http.StatusUnsupportedMediaType, code: "unsupported_media_type",
		message: "Send the body as JSON, with the header Content-Type: application/json.",
	}},
	{errNotForm, publicError{
		status: http.StatusUnsupportedMediaType, code: "unsupported_media_type",
		message: "Send the body as a form, with the header Content-Type: application/x-www-form-urlencoded.",
	}},
	{errInstance, publicError{
		status: http.StatusForbidden, code: "instance_not_allowed", challenge: challengeScope,
		message: "This token is for another FalkorDB server than the one that is asked for here.",
	}},
	{errCrossOrigin, publicError{
		status: http.StatusForbidden, code: "cross_origin",
		message: "A page of another origin may not do this. Use this server's own page, or send a token in the Authorization header.",
	}},
	{errMisdirected, publicError{
		status: http.StatusMisdirectedRequest, code: "misdirected",
		message: "This server answers to localhost only. Behind a proxy, start it with --trusted-proxies.",
	}},
	{authn.ErrNoCredentials, publicError{status: http.StatusUnauthorized, code: "unauthenticated", message: messageNotAuthenticated, challenge: challengeNone}},
	{tokens.ErrTooEarly, publicError{
		status: http.StatusUnauthorized, code: "token_not_yet_valid", challenge: challengeInvalid,
		message: "This token does not work yet. It begins to at its not_before.",
	}},
	{tokens.ErrAddress, publicError{
		status: http.StatusForbidden, code: "address_not_allowed", challenge: challengeScope,
		message: "This token may not be used from this address. Use it from one of its allowed_ips, or create one that allows this address.",
	}},
	{tokens.ErrRotated, publicError{status: http.StatusUnauthorized, code: "token_rotated", message: messageNotAuthenticated, challenge: challengeInvalid}},
	{tokens.ErrViolation, publicError{status: http.StatusUnauthorized, code: "policy_violation", message: messageNotAuthenticated, challenge: challengeInvalid}},
	{tokens.ErrSuspended, publicError{status: http.StatusUnauthorized, code: "token_suspended", message: messageNotAuthenticated, challenge: challengeInvalid}},
	{tokens.ErrUnauthenticated, publicError{status: http.StatusUnauthorized, code: "invalid_token", message: messageNotAuthenticated, challenge: challengeInvalid}},
	{session.ErrNoSession, publicError{status: http.StatusUnauthorized, code: "invalid_session", message: messageNotAuthenticated, challenge: challengeNone}},
	{credentials.ErrStale, publicError{
		status: http.StatusUnauthorized, code: "credentials_no_longer_valid", challenge: challengeInvalid,
		message: "The credentials behind this token or session do not log in any more. Sign in with the current password, and put it behind the token or create a new one.",
	}},
	{graph.ErrReserved, publicError{
		status: http.StatusForbidden, code: "graph_reserved", challenge: challengeScope,
		message: "This graph keeps the tokens themselves, and no token reaches it. Use another one.",
	}},
	{graph.ErrNoGraph, publicError{
		status: http.StatusNotFound, code: "graph_not_found",
		message: "There is no graph of this name. GET /api/graph lists those that you may touch.",
	}},
	{graph.ErrExists, publicError{
		status: http.StatusConflict, code: "graph_exists",
		message: "There is a graph, or another key, of this name already. Choose another name, or delete it first.",
	}},
	{graph.ErrTimeout, publicError{
		status: http.StatusGatewayTimeout, code: "query_timeout",
		message: "The query did not end in time. Ask for less at once, or for more time with timeoutMs.",
	}},
	{graph.ErrOverloaded, publicError{
		status: http.StatusServiceUnavailable, code: "instance_overloaded", retryAfter: 2,
		message: "The FalkorDB instance cannot serve now: it is starting, failing over, short of memory or has too much to do. Try again shortly.",
	}},
	{graph.ErrSchemaChanged, publicError{
		status: http.StatusServiceUnavailable, code: "graph_replaced", retryAfter: 1,
		message: "The graph was replaced by another one while the query ran, so its result cannot be told. Ask again.",
	}},
	{errForeignInstance, tokenNotFound},
	{store.ErrNotFound, tokenNotFound},
	{errNotOwner, publicError{
		status: http.StatusForbidden, code: "not_owner", challenge: challengeScope,
		message: "This token belongs to another user. Ask its owner, or an Admin of the instance.",
	}},
	{tokens.ErrOutlivesIssuer, publicError{
		status: http.StatusForbidden, code: "outlives_issuer", challenge: challengeScope,
		message: "A token made by a token may not outlive it. Ask for an earlier expiry, or create it with credentials.",
	}},
	{tokens.ErrStale, publicError{
		status: http.StatusConflict, code: "token_stale",
		message: "The credentials behind this token do not log in any more. Give it the current password first.",
	}},
	{tokens.ErrResting, publicError{
		status: http.StatusConflict, code: "token_suspended",
		message: "This token is suspended. Resume it first.",
	}},
	{tokens.ErrEnded, publicError{
		status: http.StatusConflict, code: "token_ended",
		message: "This token was revoked or has expired. Create a new one.",
	}},
	{tokens.ErrKeyReused, publicError{
		status: http.StatusUnprocessableEntity, code: "idempotency_key_reused",
		message: "This Idempotency-Key was used for another request. Send this one with a new key.",
	}},
	{tokens.ErrTooManyReports, publicError{
		status: http.StatusTooManyRequests, code: "too_many_reports",
		message: "Too many reports from this address. Wait as long as Retry-After says.",
	}},
	{ratelimit.ErrLimited, publicError{
		status: http.StatusTooManyRequests, code: "too_many_failed_logins",
		message: "Too many failed logins from this address. Wait as long as Retry-After says.",
	}},
	// The store before the instance: a login that failed while the store did
	// too is not known to be wrong.
	{store.ErrUnavailable, storeUnavailable},
	{ratelimit.ErrUnavailable, storeUnavailable},
	{instance.ErrBusy, publicError{
		status: http.StatusServiceUnavailable, code: "busy", retryAfter: 2,
		message: "Too much is under way at this FalkorDB instance. Try again shortly.",
	}},
	{instance.ErrUnreachable, publicError{
		status: http.StatusServiceUnavailable, code: "instance_unavailable", retryAfter: 5,
		message: "The FalkorDB instance is out of reach. Try again shortly.",
	}},
	{context.Canceled, publicError{
		status: http.StatusServiceUnavailable, code: "canceled", retryAfter: 1,
		message: "The request ended before its answer was ready. Try again.",
	}},
}

var (
	tokenNotFound    = publicError{status: http.StatusNotFound, code: "token_not_found", message: "There is no token with this ID."}
	storeUnavailable = publicError{
		status: http.StatusServiceUnavailable, code: "store_unavailable", retryAfter: 2,
		message: "The token store is out of reach. Try again shortly.",
	}
	// These name the permission, the limit and the other token.
	missingPermission = publicError{
		status: http.StatusForbidden, code: "missing_permission", challenge: challengeScope,
		message: "This needs the permission %s, which this token or the role of its user does not have. Use a token that has it, or sign in as a user who does.",
	}
	exceedsIssuer = publicError{
		status: http.StatusForbidden, code: "exceeds_issuer", challenge: challengeScope,
		message: "A token made by a token may not exceed it, and %s would. Ask for less, or create it with credentials.",
	}
	alreadyRotated = publicError{
		status: http.StatusConflict, code: "already_rotated",
		message: "This token was rotated before. Token %s took its place.",
	}
	badRequest = publicError{
		status: http.StatusBadRequest, code: "invalid_request",
		message: "The request is invalid. See errors for what to change.",
	}
	internalError = publicError{
		status: http.StatusInternalServerError, code: "internal",
		message: "Something went wrong here. Tell the operator the request ID.",
	}
)

// errLoginFailed marks an error of a login with credentials that the client
// sent. All of them look the same from outside, whatever went wrong.
var errLoginFailed = errors.New("login failed")

var loginFailed = publicError{status: http.StatusUnauthorized, code: "invalid_credentials", message: "Invalid credentials or connection failed"}

// httpErrors are the errors of routing.
var httpErrors = map[int]publicError{
	http.StatusNotFound: {
		status: http.StatusNotFound, code: "not_found",
		message: "There is nothing at this path. See /docs for what there is.",
	},
	http.StatusMethodNotAllowed: {
		status: http.StatusMethodNotAllowed, code: "method_not_allowed",
		message: "This method is not allowed here. The Allow header names those that are.",
	},
}

// publicErrorOf looks an error up. The fields are those of a 400.
func publicErrorOf(err error) (public publicError, fields []api.FieldError) {
	var invalid *invalidRequest
	if errors.As(err, &invalid) {
		return badRequest, invalid.fields
	}
	if field := (*tokens.FieldError)(nil); errors.As(err, &field) {
		return badRequest, []api.FieldError{{Field: field.Field, Message: field.Message}}
	}
	if public, fields, ok := graphError(err); ok {
		return public, fields
	}
	if errors.Is(err, crypto.ErrCursor) {
		return badRequest, []api.FieldError{{Field: "cursor", Message: "must be the next_cursor of an earlier answer to the same filters"}}
	}
	if errors.Is(err, errLoginFailed) && errors.Is(err, instance.ErrLogin) && !errors.Is(err, ratelimit.ErrUnavailable) {
		return loginFailed, nil
	}
	if missing := (*access.MissingError)(nil); errors.As(err, &missing) {
		public = missingPermission
		public.message = fmt.Sprintf(public.message, missing.Permission)
		return public, nil
	}
	if exceeds := (*tokens.ExceedsError)(nil); errors.As(err, &exceeds) {
		public = exceedsIssuer
		public.message = fmt.Sprintf(public.message, exceeds.Field)
		return public, nil
	}
	if rotated := (*tokens.RotatedError)(nil); errors.As(err, &rotated) {
		public = alreadyRotated
		public.message = fmt.Sprintf(public.message, rotated.By)
		return public, nil
	}
	for i := range errorTable {
		if errors.Is(err, errorTable[i].err) {
			public = errorTable[i].publicError
			if limited := (*ratelimit.LimitedError)(nil); errors.As(err, &limited) {
				public.retryAfter = wholeSeconds(limited.RetryAfter)
			}
			return public, nil
		}
	}
	if routing := (*echo.HTTPError)(nil); errors.As(err, &routing) {
		if public, ok := httpErrors[routing.Code]; ok {
			return public, nil
		}
		if routing.Code == http.StatusBadRequest {
			return badRequest, []api.FieldError{{Field: "body", Message: "is not what this operation takes"}}
		}
	}
	return internalError, nil
}

// wholeSeconds rounds a wait up to what Retry-After can say, at least one.
func wholeSeconds(d time.Duration) int {
	return max(1, int(math.Ceil(d.Seconds())))
}

// handleError answers a request that went wrong.
func (s *Server) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	public, fields := publicErrorOf(err)
	s.logError(c, public, err)
	s.remember(c.Request().Context(), public, err)
	header := c.Response().Header()
	if public.challenge != "" {
		header.Set(echo.HeaderWWWAuthenticate, public.challenge)
	}
	if public.retryAfter > 0 {
		header.Set(echo.HeaderRetryAfter, strconv.Itoa(public.retryAfter))
	}
	problem := api.Problem{
		Title: http.StatusText(public.status), Status: public.status, Code: public.code, Message: public.message,
		RequestID: requestIDFrom(c), Errors: fields, Error: oauthError(c, public.status), Position: positionOf(err),
	}
	if err := writeProblem(c, problem); err != nil {
		s.log.DebugContext(c.Request().Context(), "error answer not written", "error", err)
	}
}

// logError notes what an operator should know: our faults as errors, a store or
// instance out of reach as warnings, what clients do wrong only in detail.
func (s *Server) logError(c echo.Context, public publicError, err error) {
	ctx := c.Request().Context()
	args := []any{"request_id", requestIDFrom(c), "code", public.code, "error", err}
	switch {
	case public.status == http.StatusInternalServerError:
		s.log.ErrorContext(ctx, "request failed", args...)
	case public.status == http.StatusServiceUnavailable && !errors.Is(err, context.Canceled):
		s.log.WarnContext(ctx, "request refused: something it needs is out of reach", args...)
	default:
		s.log.DebugContext(ctx, "request refused", args...)
	}
}
