package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/falkorpat/falkorpat/gen/api"
)

// stations mounts a handler behind all stations but the validators, and gives
// what the server logs.
func stations(t *testing.T, handler echo.HandlerFunc) (*echo.Echo, *bytes.Buffer) {
	t.Helper()
	clients, err := newClients(nil)
	if err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	s := &Server{
		clients: clients, origins: http.NewCrossOriginProtection(), now: time.Now,
		log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	s.requests = s.log
	e := echo.New()
	e.HTTPErrorHandler = s.handleError
	e.Use(once(withRequestID, s.located, s.logged, s.recovered, secured, s.localHost, s.sameOrigin))
	e.Any("/thing", handler)
	return e, log
}

func ok(c echo.Context) error { return c.NoContent(http.StatusNoContent) }

func ask(e *echo.Echo, method string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://pat.example/thing", http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

func TestPanicIsAnswered(t *testing.T) {
	t.Parallel()
	e, log := stations(t, func(echo.Context) error { panic("the secret of it") })
	w := ask(e, http.MethodGet)
	var problem api.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil {
		t.Fatal(err)
	}
	if w.Code != http.StatusInternalServerError || problem.Code != "internal" || w.Header().Get("Content-Type") != contentTypeProblem {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if strings.Contains(w.Body.String(), "secret") || !strings.Contains(log.String(), problem.RequestID) {
		t.Errorf("answer %s, log %s", w.Body, log)
	}
}

func TestAbortedAnswerStaysAborted(t *testing.T) {
	t.Parallel()
	e, _ := stations(t, func(echo.Context) error { panic(http.ErrAbortHandler) })
	defer func() {
		if cause := recover(); cause != http.ErrAbortHandler { //nolint:errorlint // the very value
			t.Errorf("recovered %v", cause)
		}
	}()
	ask(e, http.MethodGet)
}

func TestRequestIDIsTheCallersWhenItIsAPlainWord(t *testing.T) {
	t.Parallel()
	e, _ := stations(t, ok)
	for given, kept := range map[string]bool{
		"abc-123_X.y": true, strings.Repeat("a", 128): true,
		"": false, "a b": false, "a\"b": false, "é": false, strings.Repeat("a", 129): false,
	} {
		got := ask(e, http.MethodGet, "X-Request-Id", given).Header().Get("X-Request-Id")
		if (got == given) != kept || got == "" {
			t.Errorf("%q became %q", given, got)
		}
	}
}

func TestChangesAreRefusedToPagesOfOtherOrigins(t *testing.T) {
	t.Parallel()
	e, _ := stations(t, ok)
	for _, test := range []struct {
		name    string
		method  string
		headers []string
		want    int
	}{
		{"no browser", http.MethodPost, nil, http.StatusNoContent},
		{"own page", http.MethodPost, []string{"Sec-Fetch-Site", "same-origin"}, http.StatusNoContent},
		{"address bar", http.MethodPost, []string{"Sec-Fetch-Site", "none"}, http.StatusNoContent},
		{"own page, old browser", http.MethodPost, []string{"Origin", "http://pat.example"}, http.StatusNoContent},
		{"another site", http.MethodPost, []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		{"another host of the site", http.MethodDelete, []string{"Sec-Fetch-Site", "same-site"}, http.StatusForbidden},
		{"another site, old browser", http.MethodDelete, []string{"Origin", "http://evil.example"}, http.StatusForbidden},
		{"another site, reading", http.MethodGet, []string{"Sec-Fetch-Site", "cross-site"}, http.StatusNoContent},
		{"another site with a token", http.MethodPost, []string{"Sec-Fetch-Site", "cross-site", "Authorization", "Bearer x"}, http.StatusNoContent},
	} {
		if got := ask(e, test.method, test.headers...).Code; got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}

func TestLocalServerAnswersToLocalNamesOnly(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "localhost:3000": true, "LOCALHOST:3000": true, "pat.localhost": true,
		"127.0.0.1": true, "127.0.0.1:3000": true, "[::1]:3000": true, "192.0.2.1:3000": true,
		"evil.example": false, "evil.example:3000": false, "localhost.evil.example": false, "notlocalhost": false, "": false,
	} {
		if got := IsLocalName(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
	for _, local := range []bool{false, true} {
		s := &Server{localOnly: local}
		c := echo.New().NewContext(httptest.NewRequest(http.MethodGet, "http://evil.example/", http.NoBody), httptest.NewRecorder())
		if err := s.localHost(ok)(c); errors.Is(err, errMisdirected) != local {
			t.Errorf("local %v: %v", local, err)
		}
	}
}

func TestHeadIsGetWithoutABody(t *testing.T) {
	t.Parallel()
	e, _ := stations(t, func(c echo.Context) error { return c.String(http.StatusOK, c.Request().Method) })
	server := httptest.NewServer(headAsGet(e))
	t.Cleanup(server.Close)
	response, err := http.Head(server.URL + "/thing")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.ContentLength != int64(len("GET")) {
		t.Errorf("answered %d with length %d", response.StatusCode, response.ContentLength)
	}
}

func TestEveryAnswerKeepsBrowsersFromDoingMore(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]echo.HandlerFunc{
		"good":  ok,
		"wrong": func(echo.Context) error { return errors.New("fault") },
	} {
		e, _ := stations(t, handler)
		h := ask(e, http.MethodGet).Header()
		for header, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		} {
			if got := h.Get(header); got != want {
				t.Errorf("%s answer: %s is %q, want %q", name, header, got, want)
			}
		}
	}
}

func TestLogHasTheRouteAndNeverTheQuery(t *testing.T) {
	t.Parallel()
	e, log := stations(t, ok)
	r := httptest.NewRequest(http.MethodGet, "/thing?password=hunter2", http.NoBody)
	e.ServeHTTP(httptest.NewRecorder(), r)
	if line := log.String(); strings.Contains(line, "hunter2") || !strings.Contains(line, "route=/thing") || !strings.Contains(line, "status=204") {
		t.Errorf("logged %s", line)
	}
}
