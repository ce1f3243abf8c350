package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/falkorpat/falkorpat/gen/client"
)

// at is a path of a graph.
func at(graph, action string) string { return "/api/graph/" + url.PathEscape(graph) + action }

func TestGraphIsShownWithAllThatIsInIt(t *testing.T) {
	t.Parallel()
	graph := newGraph(t)
	c := shared.bearer(t, shared.newToken(t, instanceA.newUser(t, admin), "info").Token)
	c.rows(graph, "CREATE (:Person {name:'Ada'})-[:KNOWS {since:1}]->(:Person {name:'Alan'}) RETURN 1")
	c.ask(graph, `{"query":"CREATE INDEX FOR (p:Person) ON (p.name)"}`)
	r := must[*client.GetGraphResponse](t)(c.GetGraphWithResponse(t.Context(), graph))
	info := r.JSON200
	if info == nil {
		t.Fatalf("%s: %s", r.HTTPResponse.Status, r.Body)
	}
	if info.Graph != graph || info.Nodes != 2 || info.Edges != 1 || !slices.Equal(info.Labels, []string{"Person"}) ||
		!slices.Equal(info.RelationshipTypes, []string{"KNOWS"}) || !slices.Equal(info.PropertyKeys, []string{"name", "since"}) {
		t.Errorf("%s", r.Body)
	}
	if len(info.Indexes) != 1 || info.Indexes[0].Label != "Person" || !slices.Equal(info.Indexes[0].Properties, []string{"name"}) || len(info.Constraints) != 0 {
		t.Errorf("%s", r.Body)
	}
	c.get(at(newGraph(t), "")).isProblem(t, http.StatusNotFound, "graph_not_found")
	if a := c.get(at(graph, "/slowlog")); a.status != http.StatusOK {
		t.Errorf("slow log answered %d: %s", a.status, a.body)
	}
}

func TestPlansAreToldAndProfilesRun(t *testing.T) {
	t.Parallel()
	graph := newGraph(t)
	u := instanceA.newUser(t, admin)
	c := shared.bearer(t, shared.newToken(t, u, "plans").Token)
	c.rows(graph, "CREATE (:A) RETURN 1")
	const create = `{"query":"CREATE (:B {x:$x})","params":{"x":1}}`
	if a := c.post(at(graph, "/explain"), create); a.status != http.StatusOK || !strings.Contains(a.body, "Create") {
		t.Errorf("explain answered %d: %s", a.status, a.body)
	}
	if got := c.rows(graph, "MATCH (b:B) RETURN count(b)"); got != "[[0]]" {
		t.Errorf("explain has made %s nodes", got)
	}
	if a := c.post(at(graph, "/profile"), create); a.status != http.StatusOK || !strings.Contains(a.body, "Execution time") {
		t.Errorf("profile answered %d: %s", a.status, a.body)
	}
	if got := c.rows(graph, "MATCH (b:B) RETURN b.x"); got != "[[1]]" {
		t.Errorf("profile has made %s", got)
	}
	c.post(at(graph, "/explain"), `{"query":"MATCH (n"}`).isProblem(t, http.StatusBadRequest, "query_refused")
	narrow := shared.bearer(t, isCreatedAnyhow(t, shared.with(t, u, `"permissions":["graph:read"]`)).Token)
	narrow.post(at(graph, "/profile"), `{"query":"MATCH (n) RETURN n"}`).isProblem(t, http.StatusForbidden, "missing_permission")
	if a := narrow.post(at(graph, "/explain"), `{"query":"MATCH (n) RETURN n"}`); a.status != http.StatusOK {
		t.Errorf("explain with graph:read answered %d: %s", a.status, a.body)
	}
}

func TestGraphsAreCopiedAndDeletedByAdminsWithinTheirGraphs(t *testing.T) {
	t.Parallel()
	name := newGraph(t)
	u := instanceA.newUser(t, admin)
	c := shared.bearer(t, shared.newToken(t, u, "manage").Token)
	c.rows(name, "CREATE (:A) RETURN 1")
	some := shared.bearer(t, isCreatedAnyhow(t, shared.with(t, u, fmt.Sprintf(`"graphs":["%s","%s-copy"]`, name, name))).Token)
	some.post(at(name, "/copy"), `{"target":"elsewhere"}`).isProblem(t, http.StatusForbidden, "graph_not_allowed")
	if a := some.post(at(name, "/copy"), `{"target":"`+name+`-copy"}`); a.status != http.StatusOK {
		t.Errorf("copy answered %d: %s", a.status, a.body)
	}
	some.post(at(name, "/copy"), `{"target":"`+name+`-copy"}`).isProblem(t, http.StatusConflict, "graph_exists")
	c.post(at(name, "/copy"), `{"target":"`+graph+`"}`).isProblem(t, http.StatusForbidden, "graph_reserved")
	c.send(http.MethodDelete, at(graph, ""), nil).isProblem(t, http.StatusForbidden, "graph_reserved")
	if got := some.rows(name+"-copy", "MATCH (a) RETURN labels(a)"); got != `[[["A"]]]` {
		t.Errorf("the copy holds %s", got)
	}
	w := shared.bearer(t, shared.newToken(t, instanceA.newUser(t, writer), "writer").Token)
	w.send(http.MethodDelete, at(name, ""), nil).isProblem(t, http.StatusForbidden, "missing_permission")
	if a := some.send(http.MethodDelete, at(name, ""), nil); a.status != http.StatusOK {
		t.Errorf("delete answered %d: %s", a.status, a.body)
	}
	some.send(http.MethodDelete, at(name, ""), nil).isProblem(t, http.StatusNotFound, "graph_not_found")
}

func TestSettingsAreForAdminsOfAllGraphs(t *testing.T) {
	t.Parallel()
	u := instanceB.newUser(t, admin)
	c := shared.bearer(t, shared.newToken(t, u, "settings").Token)
	r := must[*client.GetGraphConfigResponse](t)(c.GetGraphConfigWithResponse(t.Context()))
	if r.JSON200 == nil || r.JSON200.Config["MAX_INFO_QUERIES"] != 1000.0 {
		t.Fatalf("%s: %s", r.HTTPResponse.Status, r.Body)
	}
	put := func(c *caller, name, value string) answer {
		return c.send(http.MethodPut, "/api/graph/config/"+name, strings.NewReader(`{"value":"`+value+`"}`))
	}
	if a := put(c, "MAX_QUEUED_QUERIES", "1000"); a.status != http.StatusOK {
		t.Errorf("answered %d: %s", a.status, a.body)
	}
	if got := must[*client.GetGraphConfigResponse](t)(c.GetGraphConfigWithResponse(t.Context())).JSON200.Config["MAX_QUEUED_QUERIES"]; got != 1000.0 {
		t.Errorf("the setting is %v", got)
	}
	put(c, "NOPE", "1").isProblem(t, http.StatusBadRequest, "query_refused")
	some := shared.bearer(t, isCreatedAnyhow(t, shared.with(t, u, `"graphs":["a*"]`)).Token)
	put(some, "MAX_QUEUED_QUERIES", "10").isProblem(t, http.StatusForbidden, "graph_not_allowed")
	w := shared.bearer(t, shared.newToken(t, instanceB.newUser(t, writer), "writer").Token)
	put(w, "MAX_QUEUED_QUERIES", "10").isProblem(t, http.StatusForbidden, "missing_permission")
	w.get("/api/graph/config").isProblem(t, http.StatusForbidden, "missing_permission")
}

func TestTokenTellsWhatItCanReach(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	name := newGraph(t)
	shared.bearer(t, shared.newToken(t, u, "all").Token).rows(name, "RETURN 1")
	some := shared.bearer(t, isCreatedAnyhow(t, shared.with(t, u, fmt.Sprintf(`"graphs":["%s","not-there"],"permissions":["graph:read"]`, name))).Token)
	r := must[*client.GetOwnPermissionsResponse](t)(some.GetOwnPermissionsWithResponse(t.Context()))
	if r.JSON200 == nil || !slices.Equal(r.JSON200.Graphs, []string{name}) || len(r.JSON200.Permissions) != 1 || r.JSON200.Permissions[0] != "graph:read" {
		t.Errorf("%s: %s", r.HTTPResponse.Status, r.Body)
	}
	blind := shared.bearer(t, isCreatedAnyhow(t, shared.with(t, u, `"permissions":["tokens:read"]`)).Token)
	if a := blind.get("/api/auth/tokens/self/permissions"); a.status != http.StatusOK || strings.TrimSpace(a.body) != `{"graphs":[],"permissions":["tokens:read"]}` {
		t.Errorf("answered %d: %s", a.status, a.body)
	}
}
