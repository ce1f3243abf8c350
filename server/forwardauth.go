package server

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
)

// The operations that other programs know from RFCs and proxies' manuals.
const (
	verifyPath     = "/api/auth/verify"
	introspectPath = "/api/auth/introspect"
	revokePath     = "/api/auth/revoke"
)

// asQuestion makes a GET of every request for a path, whatever its method: a
// proxy that asks whether it may pass a request on may ask with the request's
// own, and announce its body too. Nothing of the request acts here, so that
// nothing that guards other requests is to stand in its way.
func asQuestion(next http.Handler, path string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			if r.ContentLength != 0 {
				// The body may never come, and net/http would wait for it before it
				// answers on a connection that it keeps.
				w.Header().Set(echo.HeaderConnection, "close")
			}
			if r.Method != http.MethodGet || r.ContentLength != 0 || r.URL.RawQuery != "" {
				r = question(r)
			}
		}
		next.ServeHTTP(w, r)
	})
}

func question(r *http.Request) *http.Request {
	get := *r // net/http still has to see the method and the body in its own
	get.Method, get.Body, get.ContentLength, get.TransferEncoding = http.MethodGet, http.NoBody, 0, nil
	address := *r.URL
	address.RawQuery = withoutOriginal(address.RawQuery)
	get.URL = &address
	return &get
}

// withoutOriginal cuts off the parameter original and what follows. A client
// chooses what a proxy appends there, but nothing in front of it.
func withoutOriginal(query string) string {
	const original = "original="
	if strings.HasPrefix(query, original) {
		return ""
	}
	query, _, _ = strings.Cut(query, "&"+original)
	return query
}

// headerText makes any text fit for a header's value: all but RFC 3986's
// unreserved characters are percent-encoded, "+" and space too, so that it is
// decoded alike by those who take "+" for a space and those who do not.
func headerText(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

// oauthError is OAuth's word for an error (RFC 6749 section 5.2), where its
// clients look for one; empty elsewhere, and where it has none.
func oauthError(c echo.Context, status int) string {
	path := c.Path()
	if !strings.HasSuffix(path, introspectPath) && !strings.HasSuffix(path, revokePath) {
		return ""
	}
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		return "invalid_request"
	case http.StatusUnauthorized:
		return "invalid_client"
	case http.StatusForbidden:
		return "unauthorized_client"
	default:
		return ""
	}
}
