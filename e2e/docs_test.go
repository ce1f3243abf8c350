package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/falkorpat/falkorpat"
)

var (
	inlineScripts = regexp.MustCompile(`(?s)<script[^>]*>(.*?)</script>`)
	inlineHandler = regexp.MustCompile(`(?i)<[^>]+\son[a-z]+\s*=`)
	references    = regexp.MustCompile(`(?:src|href)="([^"]*)"`)
)

func TestDocsPageRunsUnderItsOwnPolicy(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{basePath: "/pat"})
	for _, c := range []*caller{shared.nobody(t), p.nobody(t)} {
		base := c.p.options.basePath
		a := c.get("/docs")
		if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			t.Fatalf("answered %d %q", a.status, a.header)
		}
		policy := a.header.Get("Content-Security-Policy")
		inline := 0
		for _, script := range inlineScripts.FindAllStringSubmatch(a.body, -1) {
			if script[1] == "" {
				continue
			}
			inline++
			digest := sha256.Sum256([]byte(script[1]))
			if source := "'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'"; !strings.Contains(policy, source) {
				t.Errorf("the policy does not allow the script that begins %.60q", script[1])
			}
		}
		if inline == 0 || strings.Count(policy, "'sha256-") != inline {
			t.Errorf("%d scripts in the page, policy %s", inline, policy)
		}
		scripts, _, _ := strings.Cut(policy[strings.Index(policy, "script-src"):], ";")
		if strings.Contains(scripts, "unsafe") || strings.Contains(policy, "*") || strings.Contains(policy, "http") || !strings.HasPrefix(policy, "default-src 'none'") {
			t.Errorf("policy is %s", policy)
		}
		if inlineHandler.MatchString(a.body) {
			t.Error("the page has inline handlers, which the policy forbids")
		}
		c.loadsFromHere(a.body, base)
		if !strings.Contains(a.body, base+"/openapi.json") {
			t.Error("the page does not load the document")
		}
		if redirect := c.get("/docs/"); redirect.status != http.StatusMovedPermanently || redirect.header.Get("Location") != base+"/docs" {
			t.Errorf("/docs/ answered %d %s", redirect.status, redirect.header.Get("Location"))
		}
	}
}

// loadsFromHere checks that all that a page names is there, and nowhere else.
func (c *caller) loadsFromHere(page, base string) {
	c.t.Helper()
	loaded := 0
	for _, reference := range references.FindAllStringSubmatch(page, -1) {
		path, own := strings.CutPrefix(reference[1], base+"/")
		if !own || strings.Contains(reference[1], "//") {
			c.t.Errorf("the page refers to %s", reference[1])
			continue
		}
		a := c.get("/" + path)
		if a.status != http.StatusOK || len(a.body) == 0 {
			c.t.Errorf("%s answered %d", reference[1], a.status)
		}
		want := map[string]string{".js": "javascript", ".css": "text/css", "png": "image/png"}
		for ending, media := range want {
			if strings.HasSuffix(path, ending) && !strings.Contains(a.header.Get("Content-Type"), media) {
				c.t.Errorf("%s is of type %s", path, a.header.Get("Content-Type"))
			}
		}
		loaded++
	}
	if loaded < 3 {
		c.t.Errorf("the page loads %d parts", loaded)
	}
}

func TestDocumentIsServedAsWrittenAndAsJSON(t *testing.T) {
	t.Parallel()
	c := shared.nobody(t)
	asYAML, asJSON := c.get("/openapi.yaml"), c.get("/openapi.json")
	if asYAML.body != string(falkorpat.OpenAPI) || asYAML.header.Get("Content-Type") != "application/yaml" {
		t.Errorf("the YAML is not openapi.yaml: %q", asYAML.header)
	}
	if asJSON.header.Get("Content-Type") != "application/json" {
		t.Errorf("headers: %q", asJSON.header)
	}
	var read [2]any
	for i, text := range []string{asYAML.body, asJSON.body} {
		doc, err := openapi3.NewLoader().LoadFromData([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := doc.Validate(t.Context()); err != nil {
			t.Errorf("not a valid document: %v", err)
		}
		if len(doc.Servers) != 1 || doc.Servers[0].URL != "/" {
			t.Errorf("servers: %+v", doc.Servers)
		}
		normal, err := doc.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if err := json.NewDecoder(bytes.NewReader(normal)).Decode(&read[i]); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(read[0], read[1]) {
		t.Error("the two forms differ")
	}
}

func TestDocumentNamesTheBasePath(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{basePath: "/behind/a/proxy"})
	c := p.nobody(t)
	doc, err := openapi3.NewLoader().LoadFromData([]byte(c.get("/openapi.json").body))
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.Servers) != 1 || doc.Servers[0].URL != "/behind/a/proxy" {
		t.Errorf("servers: %+v", doc.Servers)
	}
	bare := &caller{t: t, p: &program{url: "http://" + p.addr}, http: c.http, edit: c.edit}
	for _, path := range []string{"/healthz", "/api/auth/tokens", "/docs", "/openapi.json"} {
		if got := bare.get(path).status; got != http.StatusNotFound {
			t.Errorf("%s without the base path answered %d", path, got)
		}
	}
	created := p.newToken(t, instanceA.newUser(t, writer), "behind")
	if got := p.bearer(t, created.Token).works(); got != http.StatusOK {
		t.Errorf("answered %d", got)
	}
}

func TestEveryOperationHasItsHappyPathTested(t *testing.T) {
	t.Parallel()
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	// Told by the shared program's own log: these tests run in parallel, so
	// what others have not yet done is done here.
	u := instanceA.newUser(t, admin)
	created := shared.newToken(t, u, "all")
	_, cookie := shared.signIn(t, u)
	bearer, session := shared.bearer(t, created.Token), shared.cookie(t, cookie)
	leaving := shared.bearer(t, shared.newToken(t, u, "leaving").Token)
	rotating := shared.newToken(t, u, "rotating")
	graph := "operations-" + created.TokenID
	if a := bearer.post(at(graph, "/query"), `{"query":"CREATE (:Thing)"}`); a.status != http.StatusOK {
		t.Fatalf("the graph answered %d: %s", a.status, a.body)
	}
	form := url.Values{"token": {created.Token}}.Encode()
	calls := map[string]func() answer{
		"createTokenWithCredentials": func() answer { return answer{status: 200} }, // newToken
		"signIn":                     func() answer { return answer{status: 200} }, // signIn
		"createToken":                func() answer { return bearer.post("/api/auth/tokens", `{"name":"x"}`) },
		"listTokens":                 func() answer { return bearer.get("/api/auth/tokens") },
		"getToken":                   func() answer { return bearer.get("/api/auth/tokens/" + created.TokenID) },
		"getOwnToken":                func() answer { return bearer.get("/api/auth/tokens/self") },
		"rotateToken":                func() answer { return bearer.post("/api/auth/tokens/"+rotating.TokenID+"/rotate", `{}`) },
		"rotateOwnToken":             func() answer { return leaving.post("/api/auth/tokens/self/rotate", `{"graceSeconds":60}`) },
		"resumeToken": func() answer {
			return bearer.send(http.MethodPost, "/api/auth/tokens/"+created.TokenID+"/resume", nil)
		},
		"rebindToken":       func() answer { return bearer.rebind(created.TokenID, u.password) },
		"revokeTokens":      func() answer { return bearer.post("/api/auth/tokens/revoke", `{"others":true,"dryRun":true}`) },
		"reportToken":       func() answer { return session.post("/api/auth/tokens/report", `{"token":"none of ours"}`) },
		"getOwnPermissions": func() answer { return bearer.get("/api/auth/tokens/self/permissions") },
		"getPolicy":         func() answer { return session.get("/api/auth/policy") },
		"listEvents":        func() answer { return bearer.get("/api/auth/events") },
		"verifyToken":       func() answer { return bearer.get("/api/auth/verify") },
		"introspectToken":   func() answer { return bearer.form("/api/auth/introspect", form) },
		"revokeTokenText":   func() answer { return bearer.form("/api/auth/revoke", "token=none") },
		"listGraphs":        func() answer { return bearer.get("/api/graph") },
		"getGraph":          func() answer { return bearer.get(at(graph, "")) },
		"queryGraph":        func() answer { return bearer.post(at(graph, "/query"), `{"query":"RETURN 1"}`) },
		"explainGraph":      func() answer { return bearer.post(at(graph, "/explain"), `{"query":"RETURN 1"}`) },
		"profileGraph":      func() answer { return bearer.post(at(graph, "/profile"), `{"query":"RETURN 1"}`) },
		"copyGraph":         func() answer { return bearer.post(at(graph, "/copy"), `{"target":"`+graph+`-copy"}`) },
		"getGraphSlowlog":   func() answer { return bearer.get(at(graph, "/slowlog")) },
		"getGraphConfig":    func() answer { return bearer.get("/api/graph/config") },
		"setGraphConfig": func() answer {
			return bearer.send(http.MethodPut, "/api/graph/config/MAX_QUEUED_QUERIES", strings.NewReader(`{"value":"1000000"}`))
		},
		"getStatus":      func() answer { return bearer.get("/api/status") },
		"getSession":     func() answer { return session.get("/api/auth/session") },
		"listInstances":  func() answer { return session.get("/api/instances") },
		"getHealth":      func() answer { return session.get("/healthz") },
		"getReadiness":   func() answer { return session.get("/readyz") },
		"getOpenAPIYAML": func() answer { return session.get("/openapi.yaml") },
		"getOpenAPIJSON": func() answer { return session.get("/openapi.json") },
		"getDocs":        func() answer { return session.get("/docs") },
	}
	last := map[string]func() answer{
		"deleteGraph":    func() answer { return bearer.send(http.MethodDelete, at(graph, ""), nil) },
		"revokeOwnToken": func() answer { return leaving.send(http.MethodDelete, "/api/auth/tokens/self", nil) },
		"signOut":        func() answer { return session.send(http.MethodDelete, "/api/auth/session", nil) },
		"revokeToken":    func() answer { return bearer.send(http.MethodDelete, "/api/auth/tokens/"+created.TokenID, nil) },
	}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			call := calls[operation.OperationID]
			if last[operation.OperationID] != nil {
				continue
			}
			if call == nil {
				t.Errorf("%s %s (%s) is not tested: add it here, and a test of what it does", method, path, operation.OperationID)
			} else if a := call(); a.status != http.StatusOK {
				t.Errorf("%s answered %d: %s", operation.OperationID, a.status, a.body)
			}
		}
	}
	for _, name := range []string{"deleteGraph", "revokeOwnToken", "signOut", "revokeToken"} { // the caller's own token last
		if a := last[name](); a.status >= http.StatusBadRequest {
			t.Errorf("%s answered %d: %s", name, a.status, a.body)
		}
	}
}
