package e2e

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// documented gives the methods of every path of openapi.yaml, with a token ID
// where the path has one.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string][]string{}
	for path, item := range doc.Paths.Map() {
		path = strings.ReplaceAll(path, "{tokenId}", "1761055513181-215c579b")
		for method := range item.Operations() {
			paths[path] = append(paths[path], method)
		}
	}
	return paths
}

func TestMethodsThatAreNotDocumentedAreRefused(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, admin)
	for path, methods := range documented(t) {
		// A session for each, because some end it on the way; a token could
		// rotate or revoke itself.
		_, cookie := shared.signIn(t, u)
		c := shared.cookie(t, cookie)
		for _, method := range []string{
			http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodTrace, "PROPFIND", "get", "X-ODD",
		} {
			a := c.send(method, path, nil)
			switch {
			case path == "/api/auth/verify":
				// Answers any method; a session is no token.
				a.isProblem(t, http.StatusUnauthorized, "unauthenticated")
			case slices.Contains(methods, method):
				if a.status == http.StatusMethodNotAllowed || a.status == http.StatusNotFound && a.problem(t).Code == "not_found" {
					t.Errorf("%s %s is documented and answered %d", method, path, a.status)
				}
			case hasFormOfTokenID(path) && (method == http.MethodGet || method == http.MethodDelete):
				// Has the form of a token's ID, of a token that is never there.
				a.isProblem(t, http.StatusNotFound, "token_not_found")
			case path == "/api/graph/config" && method == http.MethodDelete:
				// A graph could be called so; none is.
				a.isProblem(t, http.StatusNotFound, "graph_not_found")
			case a.status != http.StatusMethodNotAllowed || a.problem(t).Code != "method_not_allowed":
				t.Errorf("%s %s answered %d: %s", method, path, a.status, a.body)
			default:
				allow := strings.Split(a.header.Get("Allow"), ", ")
				allow = slices.DeleteFunc(allow, func(m string) bool { return m == http.MethodOptions })
				slices.Sort(allow)
				slices.Sort(methods)
				if !slices.Equal(allow, methods) {
					t.Errorf("%s %s allows %q, documented are %q", method, path, allow, methods)
				}
			}
		}
	}
}

// hasFormOfTokenID tells whether what stands directly below the tokens could be
// the ID of one.
func hasFormOfTokenID(path string) bool {
	rest, below := strings.CutPrefix(path, "/api/auth/tokens/")
	return below && !strings.Contains(rest, "/")
}

func TestPathsThatAreNotDocumentedAreNotFound(t *testing.T) {
	t.Parallel()
	c := shared.bearer(t, shared.newToken(t, instanceA.newUser(t, admin), "admin").Token)
	for _, path := range []string{
		"/api", "/api/", "/api/auth", "/api/auth/", "/api/auth/tokens/", "/api/auth/tokens//", "/api/auth/tokens/1-a/x", "/api/auth/tokens/1-a/",
		"/api/auth/sessions", "/api/auth/session/", "/api/auth/session/1", "/API/AUTH/TOKENS", "/api/auth/Tokens", "//api/auth/tokens", "/api//auth/tokens",
		"/api/v1/tokens", "/api/graphs", "/healthz/", "/healthz/x", "/openapi", "/openapi.yml", "/openapi.json/", "/metrics", "/debug/pprof/", "/.env",
		"/.git/config", "/index.php", "/docs/nothing.js", "/docs/../openapi.go", "/api/auth/tokens;x", "/%61pi/auth/nothing", "/\u00e9", "/%00", "/%ff",
	} {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			a := c.send(method, path, nil)
			if a.status != http.StatusNotFound && (method == http.MethodGet || a.status != http.StatusMethodNotAllowed) {
				t.Errorf("%s %s answered %d: %.200s", method, path, a.status, a.body)
			}
		}
	}
}

func TestAuthenticationComesBeforeValidation(t *testing.T) {
	t.Parallel()
	for path, methods := range documented(t) {
		for _, method := range methods {
			route, err := findRoute(method, path)
			if err != nil || route == nil {
				t.Fatalf("%s %s: %v", method, path, err)
			}
			demanded := route.Spec.Security
			if route.Operation.Security != nil {
				demanded = *route.Operation.Security
			}
			if len(demanded) == 0 {
				continue
			}
			// A stranger learns nothing, not even what a good request looks like.
			a := shared.nobody(t).send(method, path+"?unknown=1", strings.NewReader("{"))
			a.isProblem(t, http.StatusUnauthorized, "unauthenticated")
		}
	}
}

func TestHeadIsAnsweredAsGetWithoutABody(t *testing.T) {
	t.Parallel()
	created := shared.newToken(t, instanceA.newUser(t, admin), "admin")
	nobody, somebody := shared.nobody(t), shared.bearer(t, created.Token)
	for path, methods := range documented(t) {
		if !slices.Contains(methods, http.MethodGet) {
			continue
		}
		for _, c := range []*caller{nobody, somebody} {
			get, head := c.get(path), c.send(http.MethodHead, path, nil)
			if head.status != get.status || head.body != "" {
				t.Errorf("%s: HEAD answered %d with %d bytes, GET %d", path, head.status, len(head.body), get.status)
			}
			for _, name := range []string{"Content-Type", "Cache-Control", "Content-Security-Policy", "WWW-Authenticate"} {
				if head.header.Get(name) != get.header.Get(name) {
					t.Errorf("%s: HEAD has %s %q, GET %q", path, name, head.header.Get(name), get.header.Get(name))
				}
			}
		}
	}
}

func TestServerForThisMachineAnswersToItsNamesOnly(t *testing.T) {
	t.Parallel()
	_, port, err := net.SplitHostPort(shared.addr)
	if err != nil {
		t.Fatal(err)
	}
	created := shared.newToken(t, instanceA.newUser(t, writer), "token")
	open := startProgram(t, options{args: []string{"--trusted-proxies", "192.0.2.1"}})
	for host, local := range map[string]bool{
		"localhost": true, "localhost:" + port: true, "LOCALHOST": true, "pat.localhost": true, "127.0.0.1": true, "127.0.0.1:1": true, "[::1]:" + port: true,
		"evil.example": false, "evil.example:" + port: false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "notlocalhost": false,
		"localhost.": false, "@": false,
	} {
		for _, path := range []string{"/healthz", "/api/auth/tokens", "/docs", "/openapi.json", "/"} {
			a := shared.bearer(t, created.Token).get(path, "Host: "+host)
			if local && a.status != http.StatusOK {
				t.Errorf("%s of %s answered %d: %.200s", path, host, a.status, a.body)
			}
			if !local && (a.status != http.StatusMisdirectedRequest || a.problem(t).Code != "misdirected") {
				t.Errorf("%s of %s answered %d: %.200s", path, host, a.status, a.body)
			}
		}
		// A server that others are to reach has names that it does not know.
		if a := open.nobody(t).get("/healthz", "Host: "+host); a.status != http.StatusOK && host != "@" {
			t.Errorf("behind a proxy, %s answered %d", host, a.status)
		}
	}
}
