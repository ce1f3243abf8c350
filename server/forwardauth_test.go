package server

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

func TestQuestionsAreGetsWithoutABody(t *testing.T) {
	t.Parallel()
	var seen *http.Request
	handler := asQuestion(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r }), "/pat/api/auth/verify")
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "X-ODD"} {
		for body, close := range map[string]string{"": "", "a body": "close"} {
			w := httptest.NewRecorder()
			sent := httptest.NewRequest(method, "/pat/api/auth/verify?graph=a&original=/x?graph=b", strings.NewReader(body))
			handler.ServeHTTP(w, sent)
			if seen.Method != http.MethodGet || seen.Body != http.NoBody || seen.ContentLength != 0 || seen.URL.RawQuery != "graph=a" {
				t.Errorf("%s with %q became %s %s with %d bytes", method, body, seen.Method, seen.URL, seen.ContentLength)
			}
			if got := w.Header().Get("Connection"); got != close {
				t.Errorf("%s with %q: Connection is %q", method, body, got)
			}
			if sent.Method != method || sent.URL.RawQuery == "graph=a" {
				t.Errorf("%s: the request itself was changed", method)
			}
		}
	}
	for _, path := range []string{"/api/auth/verify", "/pat/api/auth/verify/", "/pat/api/auth/verify/x", "/pat/api/auth/tokens"} {
		sent := httptest.NewRequest(http.MethodPost, path, strings.NewReader("{}"))
		handler.ServeHTTP(httptest.NewRecorder(), sent)
		if seen != sent {
			t.Errorf("%s was taken for a question", path)
		}
	}
}

func TestWhatAProxyAppendsIsNotRead(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"": "", "graph=a": "graph=a", "original=": "", "original=/x?permission=y": "", "graph=a&original=/?b=c&graph=d": "graph=a",
		"graph=a&original=/x&original=/y": "graph=a", "graph=original=&permission=b": "graph=original=&permission=b",
		"graph=a&xoriginal=b": "graph=a&xoriginal=b", "graph=a%26original=b&permission=c": "graph=a%26original=b&permission=c",
	} {
		if got := withoutOriginal(query); got != want {
			t.Errorf("%q became %q, want %q", query, got, want)
		}
	}
}

func TestAnyTextBecomesASafeHeaderAndBack(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"ada": "ada", "ada-1.2_3~": "ada-1.2_3~", "ada@example.com": "ada%40example.com", "a b+c": "a%20b%2Bc", "100%": "100%25",
		"x\r\nX-Auth-Role: Admin": "x%0D%0AX-Auth-Role%3A%20Admin", "用户": "%E7%94%A8%E6%88%B7", "a,b;c": "a%2Cb%3Bc",
	} {
		got := headerText(text)
		if got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
		for name, decode := range map[string]func(string) (string, error){"path": url.PathUnescape, "query": url.QueryUnescape} {
			if back, err := decode(got); err != nil || back != text {
				t.Errorf("%q comes back from %s as %q, %v", text, name, back, err)
			}
		}
	}
}

func TestOAuthClientsFindTheirWordForAnError(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		route  string
		status int
		want   string
	}{
		{"/pat/api/auth/revoke", 400, "invalid_request"},
		{"/api/auth/revoke", 413, "invalid_request"},
		{"/api/auth/introspect", 415, "invalid_request"},
		{"/api/auth/introspect", 401, "invalid_client"},
		{"/api/auth/introspect", 403, "unauthorized_client"},
		{"/api/auth/revoke", 503, ""},
		{"/api/auth/tokens", 400, ""},
		{"/api/auth/verify", 401, ""},
	} {
		c := echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/", http.NoBody), httptest.NewRecorder())
		c.SetPath(test.route)
		if got := oauthError(c, test.status); got != test.want {
			t.Errorf("%d of %s is %q, want %q", test.status, test.route, got, test.want)
		}
	}
}
