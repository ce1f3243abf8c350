package server

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/labstack/echo/v4"

	"github.com/falkorpat/falkorpat/gen/api"
	"github.com/falkorpat/falkorpat/server/authn"
	"github.com/falkorpat/falkorpat/server/tokens"
)

// validators makes, for every operation of the document, the middleware that
// authenticates and validates its requests. Echo has found the operation by
// then, so nothing is routed twice.
func (s *Server) validators(doc *openapi3.T) map[string][]echo.MiddlewareFunc {
	found := make(map[string][]echo.MiddlewareFunc)
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			found[operation.OperationID] = []echo.MiddlewareFunc{s.validator(doc, path, item, method, operation).guarded}
		}
	}
	return found
}

func (s *Server) validator(doc *openapi3.T, path string, item *openapi3.PathItem, method string, operation *openapi3.Operation) *validator {
	strict, lenient := options(), options()
	strict.SkipSettingDefaults = true
	return &validator{
		server:     s,
		route:      &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: operation},
		schemes:    schemesOf(doc, operation),
		parameters: parametersOf(item, operation),
		body:       bodyRulesOf(operation),
		bare:       isBare(item, operation),
		id:         soleID(item, operation),
		strict:     &strict,
		lenient:    &lenient,
	}
}

// validator guards one operation.
type validator struct {
	server *Server
	route  *routers.Route
	// schemes are the security schemes of which one is demanded; none for a
	// public operation.
	schemes []string
	// parameters are the names in the query that the operation knows,
	// true for those that may be given several times.
	parameters map[string]bool
	// body is how its bodies are read.
	body bodyRules
	// bare says that a request without a query has nothing that could be wrong but
	// what is in its path: id, if that is one parameter, a text.
	bare bool
	id   *openapi3.Parameter
	// strict takes a request as it is, lenient fills in the document's defaults.
	strict, lenient *openapi3filter.Options
}

// options are what both validations have in common. guarded authenticates
// before anything is read.
func options() openapi3filter.Options {
	return openapi3filter.Options{
		MultiError:         true,
		KeepValidatedValue: true,
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		SchemaValidationOptions: []openapi3.SchemaValidationOption{
			openapi3.WithStringFormatValidator("date-time", openapi3.NewCallbackValidator(checkDateTime)),
		},
	}
}

// checkDateTime is stricter than the validation's own pattern: the thirtieth of
// February has the form of a date and is none.
func checkDateTime(text string) error {
	_, err := time.Parse(time.RFC3339, text)
	return err //nolint:wrapcheck // only whether there is one counts
}

func schemesOf(doc *openapi3.T, operation *openapi3.Operation) []string {
	demanded := doc.Security
	if operation.Security != nil {
		demanded = *operation.Security
	}
	var schemes []string
	for _, requirement := range demanded {
		for scheme := range requirement {
			schemes = append(schemes, scheme)
		}
	}
	return schemes
}

// bodyRulesOf tells how an operation's bodies are read: those with queries may
// be larger, and hold values that are the caller's own.
func bodyRulesOf(operation *openapi3.Operation) bodyRules {
	if slices.Contains(operation.Tags, "Graphs") {
		return queryBody
	}
	return plainBody
}

func parametersOf(item *openapi3.PathItem, operation *openapi3.Operation) map[string]bool {
	known := make(map[string]bool)
	for _, parameters := range []openapi3.Parameters{item.Parameters, operation.Parameters} {
		for _, p := range parameters {
			if p.Value.In == openapi3.ParameterInQuery {
				known[p.Value.Name] = p.Value.Schema.Value.Type.Is("array")
			}
		}
	}
	return known
}

// isBare tells whether a request of an operation without a query can have nothing
// to be validated, and nothing that a default is filled in for.
func isBare(item *openapi3.PathItem, operation *openapi3.Operation) bool {
	if operation.RequestBody != nil {
		return false
	}
	for _, parameters := range []openapi3.Parameters{item.Parameters, operation.Parameters} {
		for _, p := range parameters {
			switch {
			case p.Value == soleID(item, operation):
			case p.Value.In != openapi3.ParameterInQuery, p.Value.Required, p.Value.Schema.Value.Default != nil:
				return false
			}
		}
	}
	return true
}

// soleID is the parameter in an operation's path; nil where there is none, more
// than one, or one that is no text.
func soleID(item *openapi3.PathItem, operation *openapi3.Operation) *openapi3.Parameter {
	var found *openapi3.Parameter
	for _, parameters := range []openapi3.Parameters{item.Parameters, operation.Parameters} {
		for _, p := range parameters {
			switch {
			case p.Value.In != openapi3.ParameterInPath:
			case found != nil, !p.Value.Schema.Value.Type.Is("string"):
				return nil
			default:
				found = p.Value
			}
		}
	}
	return found
}

// isPlain tells whether a request is one of those that have nothing wrong with
// them, at a small part of what it costs to tell what is wrong.
func (v *validator) isPlain(c echo.Context) bool {
	address := c.Request().URL
	if !v.bare || address.RawQuery != "" {
		return false
	}
	return v.id == nil || address.RawPath == "" && v.id.Schema.Value.VisitJSON(c.Param(v.id.Name)) == nil
}

func (v *validator) guarded(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		// Echo's last parameter takes the rest of a path, slashes and all, which
		// no operation of the document does.
		if strings.Count(c.Request().URL.EscapedPath(), "/") != strings.Count(c.Path(), "/") {
			return echo.ErrNotFound
		}
		if err := v.authenticate(c); err != nil {
			return err
		}
		if err := v.validate(c); err != nil {
			return err
		}
		return next(c)
	}
}

type guardedKey struct{}

// withGuard notes that a validator sees to a request. Handlers find there what the
// generated types leave out of it.
func withGuard(r *http.Request) context.Context {
	return context.WithValue(r.Context(), guardedKey{}, r)
}

// requestFrom gives the request that a validator has seen to; nil for none.
func requestFrom(ctx context.Context) *http.Request {
	r, _ := ctx.Value(guardedKey{}).(*http.Request)
	return r
}

// onlyGuarded is the last station before every handler: a request that no
// validator has let through does not get there, however it was mounted.
func onlyGuarded(next api.StrictHandlerFunc, operationID string) api.StrictHandlerFunc {
	return func(c echo.Context, request any) (any, error) {
		if requestFrom(c.Request().Context()) == nil {
			return nil, fmt.Errorf("operation %s has no validator", operationID)
		}
		return next(c, request)
	}
}

func (v *validator) authenticate(c echo.Context) error {
	r := c.Request()
	if len(v.schemes) == 0 {
		c.SetRequest(r.WithContext(withGuard(r)))
		return nil
	}
	principal, err := v.server.authenticator.Authenticate(r, authn.ClientFrom(r.Context()), v.schemes)
	v.server.judged(err)
	if err != nil {
		return err
	}
	c.SetRequest(r.WithContext(authn.WithPrincipal(withGuard(r), principal)))
	warnOfEnd(c.Response().Header(), principal, v.server.now())
	return nil
}

func (v *validator) validate(c echo.Context) error {
	r := c.Request()
	if v.isPlain(c) {
		return nil
	}
	if body := v.route.Operation.RequestBody; body != nil && (body.Value.Required || r.ContentLength != 0) {
		if err := readBody(c.Response(), r, body.Value.Content, v.body); err != nil {
			return err
		}
	}
	query, err := v.query(r)
	if err != nil {
		return err
	}
	input := &openapi3filter.RequestValidationInput{Request: r, PathParams: pathParams(c), QueryParams: query, Route: v.route}
	ctx := context.WithoutCancel(r.Context())
	if v.route.Operation.RequestBody != nil {
		// First as it is: a default takes the place of null before null is seen.
		input.Options = v.strict
		if err := openapi3filter.ValidateRequest(ctx, input); err != nil {
			return &invalidRequest{fields: fieldErrors(err)}
		}
	}
	input.Options = v.lenient
	if err := openapi3filter.ValidateRequest(ctx, input); err != nil {
		return &invalidRequest{fields: fieldErrors(err)}
	}
	return nil
}

// query refuses parameters that the operation does not know: a misspelt filter
// that is passed over gives an answer that looks right. Operations that declare
// no 400 take whatever probes and caches append to their address.
func (v *validator) query(r *http.Request) (url.Values, error) {
	if v.route.Operation.Responses.Status(http.StatusBadRequest) == nil {
		return nil, nil
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &tokens.FieldError{Field: "query", Message: "must be a well-formed query string"}
	}
	var unknown []api.FieldError
	for name, given := range values {
		repeatable, known := v.parameters[name]
		switch {
		case !known:
			unknown = append(unknown, fieldError(name, "is not a parameter of this operation"))
		case len(given) > 1 && !repeatable:
			unknown = append(unknown, fieldError(name, "must be given once"))
		}
	}
	if len(unknown) > 0 {
		return nil, &invalidRequest{fields: bounded(unknown)}
	}
	return values, nil
}

func pathParams(c echo.Context) map[string]string {
	names := c.ParamNames()
	if len(names) == 0 {
		return nil
	}
	params := make(map[string]string, len(names))
	for _, name := range names {
		params[name] = c.Param(name)
		// Where an escape made a difference, the router has left it in.
		if text, err := url.PathUnescape(params[name]); err == nil && c.Request().URL.RawPath != "" {
			params[name] = text
		}
	}
	return params
}

// document parses openapi.yaml as it is embedded in the generated code.
func document() (*openapi3.T, []byte, error) {
	text, err := api.GetSpecJSON()
	if err != nil {
		return nil, nil, fmt.Errorf("read embedded openapi.yaml: %w", err)
	}
	doc, err := api.GetSpec()
	if err != nil {
		return nil, nil, fmt.Errorf("parse embedded openapi.yaml: %w", err)
	}
	return doc, text, nil
}
