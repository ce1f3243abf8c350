package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/falkorpat/falkorpat"
	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/gen/client"
)

// checker is a transport that holds every answer to openapi.yaml, to the rules
// that all answers have in common, and to secrecy. It also remembers the
// secrets that pass by.
type checker struct {
	t *testing.T
	// base is the prefix in front of the document's paths.
	base string
	next http.RoundTripper
}

// document is openapi.yaml, read once.
var document = sync.OnceValues(func() (*openapi3.T, error) {
	return openapi3.NewLoader().LoadFromData(falkorpat.OpenAPI)
})

// RoundTrip sends a request and checks its answer.
func (c *checker) RoundTrip(r *http.Request) (*http.Response, error) {
	noteRequest(r)
	response, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	noteAnswer(response, body)
	for _, fault := range faultsOf(c.base, r, response, body) {
		c.t.Errorf("%s %.120s answered %d: %s\n%.600s%s", r.Method, r.URL.Path, response.StatusCode, fault, body, sharedLogOf(response))
	}
	return response, nil
}

// sharedLogOf is what the shared program's log says of a request that it failed.
func sharedLogOf(response *http.Response) string {
	var told strings.Builder
	if id := response.Header.Get("X-Request-Id"); response.StatusCode == http.StatusInternalServerError && id != "" && shared != nil {
		for line := range strings.Lines(shared.logs()) {
			if strings.Contains(line, id) {
				told.WriteString("\n" + line)
			}
		}
	}
	return told.String()
}

// faultsOf tells what is wrong with an answer. Outside the base path nothing is
// documented.
func faultsOf(base string, r *http.Request, response *http.Response, body []byte) []string {
	var faults []string
	add := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	path, within := strings.CutPrefix(r.URL.EscapedPath(), base)
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet // and no body
	}
	route, err := findRoute(method, path)
	if !within {
		route = nil
	}
	switch {
	case err != nil:
		add("openapi.yaml: %v", err)
	case route != nil:
		if err := matchDocument(r, route, response, body); err != nil {
			add("not as documented: %v", err)
		}
	case r.Method == http.MethodOptions && response.StatusCode == http.StatusNoContent:
		// HTTP's own question, which every path answers with Allow.
	case isOwn(path) && response.StatusCode != http.StatusNotFound && response.StatusCode != http.StatusMethodNotAllowed:
		add("an answer where openapi.yaml has no operation")
	}
	// The document and its page are the same for everybody, examples included.
	if !strings.HasPrefix(path, "/docs/") && (route == nil || !slices.Contains(route.Operation.Tags, "Documentation")) {
		faults = append(faults, leaksOf(route, response, body)...)
	}
	if response.StatusCode >= http.StatusBadRequest && r.Method != http.MethodHead {
		faults = append(faults, problemFaults(response, body)...)
	}
	if id := response.Header.Get("X-Request-Id"); id == "" {
		add("no X-Request-Id")
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Access-Control-Allow-Origin": "",
	} {
		if got := response.Header.Get(name); got != want {
			add("%s is %q", name, got)
		}
	}
	if name := "Token-Expires-At"; route != nil && response.Header.Get(name) != "" {
		if declared := route.Operation.Responses.Status(response.StatusCode); declared == nil || declared.Value.Headers[name] == nil {
			add("the header %s is not documented", name)
		}
	}
	if strings.HasPrefix(path, "/api/") && response.Header.Get("Cache-Control") != "no-store" {
		add("Cache-Control is %q", response.Header.Get("Cache-Control"))
	}
	return faults
}

// isOwn tells whether a path is the API's, and not one of the pages and their
// parts, which openapi.yaml does not describe.
func isOwn(path string) bool {
	return strings.HasPrefix(path, "/api") || strings.HasSuffix(path, "z") || strings.HasPrefix(path, "/openapi")
}

// findRoute finds the operation that a request is for; nil when there is none.
func findRoute(method, path string) (*routers.Route, error) {
	doc, err := document()
	if err != nil {
		return nil, err
	}
	if path == "/api/auth/verify" {
		method = http.MethodGet // whatever it was
	}
	candidates := []string{path}
	if rest, ok := strings.CutPrefix(path, "/api/graph/"); ok {
		_, action, _ := strings.Cut(rest, "/")
		candidates = append(candidates, strings.TrimSuffix("/api/graph/{graph}/"+action, "/"))
		if strings.HasPrefix(rest, "config/") {
			candidates = append(candidates, "/api/graph/config/{setting}")
		}
	}
	if rest, ok := strings.CutPrefix(path, "/api/auth/tokens/"); ok && rest != "" {
		_, action, _ := strings.Cut(rest, "/")
		candidates = append(candidates, strings.TrimSuffix("/api/auth/tokens/{tokenId}/"+action, "/"))
	}
	for _, one := range candidates {
		if item := doc.Paths.Value(one); item != nil && item.GetOperation(method) != nil {
			return &routers.Route{Spec: doc, Path: one, PathItem: item, Method: method, Operation: item.GetOperation(method)}, nil
		}
	}
	return nil, nil
}

// matchDocument compares an answer with the operation: status, headers, content
// type and body.
func matchDocument(r *http.Request, route *routers.Route, response *http.Response, body []byte) error {
	options := &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true}
	media := response.Header.Get("Content-Type")
	if len(body) > 0 && media != "application/json" && media != "application/problem+json" {
		options.ExcludeResponseBody = true // pages, tables and YAML are no JSON values
		declared := route.Operation.Responses.Status(response.StatusCode)
		if declared == nil || declared.Value.Content.Get(media) == nil {
			return fmt.Errorf("content type %q is not declared", media)
		}
	}
	if media == "application/x-ndjson" && route.Operation.OperationID == "listEvents" {
		options.ExcludeResponseBody = true // many values
		if err := matchExport(body); err != nil {
			return err
		}
	}
	return openapi3filter.ValidateResponse(context.WithoutCancel(r.Context()), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, Route: route},
		Status:                 response.StatusCode, Header: response.Header,
		Body: io.NopCloser(bytes.NewReader(body)), Options: options,
	})
}

// problemFaults tells what is wrong with an error's answer.
func problemFaults(response *http.Response, body []byte) []string {
	var faults []string
	add := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	h := response.Header
	if media := h.Get("Content-Type"); media != "application/problem+json" {
		return []string{"an error of content type " + media}
	}
	var problem client.Problem
	if err := json.Unmarshal(body, &problem); err != nil {
		return []string{"an error that is no JSON: " + err.Error()}
	}
	if problem.Status != response.StatusCode || problem.Title != http.StatusText(response.StatusCode) || problem.Code == "" || problem.Message == "" {
		add("the problem does not fit the status")
	}
	if problem.RequestID != h.Get("X-Request-Id") {
		add("requestId is not X-Request-Id %q", h.Get("X-Request-Id"))
	}
	if (problem.Status == http.StatusBadRequest) != (len(problem.Errors) > 0) {
		add("fields are named with a 400, and only then")
	}
	switch response.StatusCode {
	case http.StatusUnauthorized:
		if challenged := h.Get("WWW-Authenticate") != ""; challenged == (problem.Code == "invalid_credentials") {
			add("WWW-Authenticate is %q", h.Get("WWW-Authenticate"))
		}
	case http.StatusMethodNotAllowed:
		if h.Get("Allow") == "" {
			add("no Allow header")
		}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if seconds, err := strconv.Atoi(h.Get("Retry-After")); err != nil || seconds < 1 {
			add("Retry-After is %q", h.Get("Retry-After"))
		}
	case http.StatusInternalServerError:
		add("an internal error")
	}
	return faults
}

var (
	// looksLikeToken, looksLikeHash and looksSealed find what no answer may
	// hold, by its look: known or not.
	looksLikeToken = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}`)
	looksLikeHash  = regexp.MustCompile(`\b[0-9a-fA-F]{64}\b`)
	looksSealed    = regexp.MustCompile(`v1\.[0-9a-f]{8}\.|[0-9a-f]{24}:[0-9a-f]{32}:`)
)

// creates tells whether an operation answers with a new token.
func creates(operationID string) bool {
	return strings.HasPrefix(operationID, "createToken") || strings.HasPrefix(operationID, "rotate")
}

// leaksOf tells which secrets an answer holds. A token is in the answer that
// creates it, a cookie in the header that sets it, and nowhere else.
func leaksOf(route *routers.Route, response *http.Response, body []byte) []string {
	text := string(body)
	created := route != nil && creates(route.Operation.OperationID) && response.StatusCode == http.StatusOK
	var faults []string
	for name, values := range response.Header {
		if name != "Set-Cookie" {
			text += "\n" + name + ": " + strings.Join(values, " ")
		}
	}
	if looksLikeToken.MatchString(text) && !created {
		faults = append(faults, "holds a token")
	}
	if looksLikeHash.MatchString(text) {
		faults = append(faults, "holds a token's hash")
	}
	if looksSealed.MatchString(text) {
		faults = append(faults, "holds a sealed password")
	}
	return append(faults, secrets.in(text, kindPassword, kindKey, kindCookie)...)
}

// noteRequest remembers the secrets that a request carries, so that logs can be
// searched for them.
func noteRequest(r *http.Request) {
	if scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "bearer") && strings.Count(token, ".") == 2 {
		secrets.addToken(token)
	}
	for _, cookie := range r.Cookies() {
		if strings.Count(cookie.Value, ".") == 4 { // others are tests of odd words
			secrets.add(kindCookie, cookie.Value)
		}
	}
	if r.GetBody == nil {
		return
	}
	body, err := r.GetBody()
	if err != nil {
		return
	}
	var credentials struct{ Password string }
	if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		text, _ := io.ReadAll(body)
		if form, err := url.ParseQuery(string(text)); err == nil && strings.Count(form.Get("token"), ".") == 2 {
			secrets.addToken(form.Get("token"))
		}
		return
	}
	const odd = 12 // bytes; shorter ones are tests of odd words, which occur elsewhere
	if json.NewDecoder(body).Decode(&credentials) == nil && len(credentials.Password) > odd {
		secrets.add(kindPassword, credentials.Password)
	}
}

// noteAnswer remembers the secrets that an answer gives.
func noteAnswer(response *http.Response, body []byte) {
	var created client.TokenCreated
	if response.StatusCode == http.StatusOK && json.Unmarshal(body, &created) == nil && created.Token != "" {
		secrets.addToken(created.Token)
		secrets.add("token hash", crypto.HashToken(created.Token))
	}
	for _, cookie := range response.Cookies() {
		secrets.add(kindCookie, cookie.Value)
	}
}
