package e2e

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/falkorpat/falkorpat/gen/client"
)

// newGraph gives the name of a graph that no other test uses.
func newGraph(t *testing.T) string {
	t.Helper()
	return unique("graph")
}

// ask runs a query with a body as it is sent.
func (c *caller) ask(graph, body string, headers ...string) answer {
	c.t.Helper()
	return c.post("/api/graph/"+url.PathEscape(graph)+"/query", body, headers...)
}

// rows are the rows of a query's result, which must be one, as JSON.
func (c *caller) rows(graph, cypher string) string {
	c.t.Helper()
	body, err := json.Marshal(map[string]any{"query": cypher})
	if err != nil {
		c.t.Fatal(err)
	}
	a := c.ask(graph, string(body))
	var result struct{ Rows json.RawMessage }
	if err := json.Unmarshal([]byte(a.body), &result); err != nil || a.status != http.StatusOK {
		c.t.Fatalf("%s answered %d: %s", cypher, a.status, a.body)
	}
	return string(result.Rows)
}

// graphs are the names that a list holds.
func (c *caller) graphs() []string {
	c.t.Helper()
	r := must[*client.ListGraphsResponse](c.t)(c.ListGraphsWithResponse(c.t.Context()))
	if r.JSON200 == nil || r.JSON200.Count != len(r.JSON200.Graphs) {
		c.t.Fatalf("list graphs: %s: %s", r.HTTPResponse.Status, r.Body)
	}
	return r.JSON200.Graphs
}

func TestTokenRunsQueriesAsItsUser(t *testing.T) {
	t.Parallel()
	graph := newGraph(t)
	c := shared.bearer(t, shared.newToken(t, instanceA.newUser(t, writer), "queries").Token)
	r := must[*client.QueryGraphResponse](t)(c.QueryGraphWithResponse(t.Context(), graph, client.QueryRequest{
		Query: "CREATE (p:Person {name: $name, born: $born}) RETURN p.name, p", Params: map[string]any{"name": `Ada "the" \ 👩‍💻`, "born": 1815},
	}))
	if r.JSON200 == nil || !slices.Equal(r.JSON200.Columns, []string{"p.name", "p"}) || r.JSON200.Statistics["nodesCreated"] != 1.0 {
		t.Fatalf("%s: %s", r.HTTPResponse.Status, r.Body)
	}
	if got := c.rows(graph, "MATCH (p:Person) RETURN p"); got != `[[{"id":0,"labels":["Person"],"properties":{"name":"Ada \"the\" \\ 👩‍💻","born":1815}}]]` {
		t.Errorf("rows are %s", got)
	}
	if !slices.Contains(c.graphs(), graph) {
		t.Error("the new graph is not listed")
	}
	_, cookie := shared.signIn(t, instanceA.newUser(t, reader))
	if got := shared.cookie(t, cookie).rows(graph, "MATCH (p) RETURN count(p)"); got != `[[1]]` {
		t.Errorf("a session reads %s", got)
	}
}

func TestOnlyWritersWrite(t *testing.T) {
	t.Parallel()
	graph := newGraph(t)
	for _, test := range []struct {
		role    client.Role
		limits  string
		body    string
		status  int
		code    string
		mention string
	}{
		{writer, "", `{"query":"CREATE (:A)"}`, 200, "", ""},
		{writer, "", `{"query":"CREATE (:A)","readOnly":true}`, 400, "query_refused", "readOnly"},
		{writer, `"permissions":["graph:read"]`, `{"query":"CREATE (:A)"}`, 403, "missing_permission", "graph:write"},
		{writer, `"permissions":["graph:read"]`, `{"query":"CREATE (:A)","readOnly":false}`, 403, "missing_permission", "graph:write"},
		{writer, `"permissions":["tokens:read"]`, `{"query":"RETURN 1"}`, 403, "missing_permission", "graph:read"},
		{admin, `"permissions":["graph:admin"]`, `{"query":"RETURN 1"}`, 403, "missing_permission", "graph:read"},
		{reader, "", `{"query":"CREATE (:A)"}`, 403, "missing_permission", "graph:write"},
		{reader, "", `{"query":"MATCH (a) RETURN a"}`, 200, "", ""},
		{writer, `"graphs":["other-*"]`, `{"query":"RETURN 1"}`, 403, "graph_not_allowed", graph},
	} {
		created := shared.newToken(t, instanceA.newUser(t, test.role), "writes")
		if test.limits != "" {
			created = isCreatedAnyhow(t, shared.with(t, instanceA.newUser(t, test.role), test.limits))
		}
		a := shared.bearer(t, created.Token).ask(graph, test.body)
		if a.status != test.status {
			t.Errorf("%s with %s: %s answered %d: %s", test.role, test.limits, test.body, a.status, a.body)
		}
		if test.code != "" {
			a.isProblem(t, test.status, test.code)
			if !strings.Contains(a.body, test.mention) {
				t.Errorf("does not name %s: %s", test.mention, a.body)
			}
		}
	}
	if got := shared.bearer(t, shared.newToken(t, instanceA.newUser(t, reader), "count").Token).rows(graph, "MATCH (a) RETURN count(a)"); got != `[[1]]` {
		t.Errorf("after refusals there are %s nodes", got)
	}
}

func TestListOfGraphsHoldsWhatTheTokenMayTouch(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	all := shared.bearer(t, shared.newToken(t, u, "all").Token)
	prefix := unique("team")
	for _, name := range []string{prefix + "-a", prefix + "-b", prefix + "x", prefix + "-é/%2F 用?#"} {
		all.rows(name, "CREATE (:"+"N) RETURN 1")
		if got := all.rows(name, "MATCH (n) RETURN labels(n)"); got != `[[["N"]]]` {
			t.Errorf("%s holds %s", name, got)
		}
	}
	some := shared.bearer(t, isCreatedAnyhow(t, shared.with(t, u, fmt.Sprintf(`"graphs":["%s-?","nothing"]`, prefix))).Token)
	if got := some.graphs(); !slices.Equal(got, []string{prefix + "-a", prefix + "-b"}) {
		t.Errorf("lists %q", got)
	}
	if got := all.graphs(); !slices.Contains(got, prefix+"-é/%2F 用?#") || slices.Contains(got, prefix+"-é") {
		t.Errorf("lists %q", got)
	}
	blind := shared.bearer(t, isCreatedAnyhow(t, shared.with(t, u, `"permissions":["tokens:read"]`)).Token)
	blind.get("/api/graph").isProblem(t, http.StatusForbidden, "missing_permission")
}

func TestGraphOfTokensIsOutOfReach(t *testing.T) {
	t.Parallel()
	// Somebody may keep tokens on the very server that they are for.
	c := shared.bearer(t, shared.newToken(t, instanceB.newUser(t, admin), "curious").Token)
	c.ask(graph, `{"query":"MATCH (n) RETURN n"}`).isProblem(t, http.StatusForbidden, "graph_reserved")
	if err := instanceB.admin.Do(t.Context(), "GRAPH.QUERY", graph, "RETURN 1").Err(); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(c.graphs(), graph) {
		t.Error("is listed")
	}
}

func TestQueryErrorsSayWhatToChange(t *testing.T) {
	t.Parallel()
	graph := newGraph(t)
	c := shared.bearer(t, shared.newToken(t, instanceA.newUser(t, writer), "errors").Token)
	a := c.ask(graph, `{"query":"MATCH (n)\n RETUR n","params":{"a":1}}`)
	a.isProblem(t, http.StatusBadRequest, "query_refused")
	problem := a.problem(t)
	if problem.Position != (client.QueryPosition{Line: 2, Column: 7, Offset: 16}) || problem.Errors[0].Field != "query" {
		t.Errorf("%s", a.body)
	}
	for body, field := range map[string]string{
		`{"query":""}`: "query",
		`{}`:           "query",
		`{"query":"RETURN $a","params":{"a":[1,{"b":1e400}]}}`: "params.a.1.b",
		`{"query":"RETURN 1","params":{"a b":1}}`:              "params.a b",
		`{"query":"RETURN 1","params":{"a":"\u0000"}}`:         "params.a",
		`{"query":"RETURN 1","params":[]}`:                     "params",
		`{"query":"RETURN 1","params":null}`:                   "params",
		`{"query":"RETURN 1\u0000"}`:                           "query",
		`{"query":"RETURN 1","timeoutMs":0}`:                   "timeoutMs",
		`{"query":"RETURN 1","bigints":"x"}`:                   "bigints",
		`{"query":"RETURN 1","parameters":{}}`:                 "parameters",
	} {
		a := c.ask(graph, body)
		a.isProblem(t, http.StatusBadRequest, "invalid_request")
		if got := a.problem(t).Errors; len(got) != 1 || got[0].Field != field {
			t.Errorf("%s: names %+v, want %s", body, got, field)
		}
	}
	c.ask(newGraph(t), `{"query":"RETURN 1","readOnly":true}`).isProblem(t, http.StatusNotFound, "graph_not_found")
	c.ask(graph, `{"query":"UNWIND range(1, 100001) AS x RETURN x"}`).isProblem(t, http.StatusRequestEntityTooLarge, "too_many_rows")
	c.ask(graph, `{"query":"RETURN '`+strings.Repeat("a", 4<<20)+`'"}`).isProblem(t, http.StatusRequestEntityTooLarge, "body_too_large")
	c.ask("a\nb", `{"query":"RETURN 1"}`).isProblem(t, http.StatusBadRequest, "invalid_request")
}

func TestResultsComeInTheFormThatIsAccepted(t *testing.T) {
	t.Parallel()
	graph := newGraph(t)
	c := shared.bearer(t, shared.newToken(t, instanceA.newUser(t, writer), "forms").Token)
	const query = `{"query":"UNWIND range(1, 30000) AS x RETURN x, [x] AS list, 'a,\"' + toString(x) AS text, null AS none"}`
	a := c.ask(graph, query, "Accept: application/x-ndjson")
	lines := strings.Split(strings.TrimSuffix(a.body, "\n"), "\n")
	if a.header.Get("Content-Type") != "application/x-ndjson" || len(lines) != 30000 || lines[1] != `{"x":2,"list":[2],"text":"a,\"2","none":null}` {
		t.Errorf("%d lines of %s, the second %s", len(lines), a.header.Get("Content-Type"), lines[1])
	}
	a = c.ask(graph, query, "Accept: text/csv;q=0.9, application/json;q=0.1")
	table, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil || a.header.Get("Content-Type") != "text/csv" || len(table) != 30001 ||
		!slices.Equal(table[0], []string{"x", "list", "text", "none"}) || !slices.Equal(table[2], []string{"2", "[2]", `a,"2`, ""}) {
		t.Errorf("%d lines of %s, %v", len(table), a.header.Get("Content-Type"), err)
	}
	for _, accept := range []string{"", "*/*", "text/html", "application/json, text/csv", "text/csv;q=0"} {
		a = c.ask(graph, query, "Accept: "+accept)
		var result client.QueryResult
		if err := json.Unmarshal([]byte(a.body), &result); err != nil || len(result.Rows) != 30000 || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%q: %d rows of %s, %v", accept, len(result.Rows), a.header.Get("Content-Type"), err)
		}
	}
}

func TestRightsTakenOnTheInstanceCountAtOnce(t *testing.T) {
	t.Parallel()
	graph := newGraph(t)
	u := instanceA.newUser(t, writer)
	c := shared.bearer(t, shared.newToken(t, u, "acl").Token)
	c.rows(graph, "CREATE (:A) RETURN 1")
	u.change(t, "resetkeys", "~other*")
	a := c.ask(graph, `{"query":"RETURN 1"}`)
	a.isProblem(t, http.StatusForbidden, "denied_by_instance")
	u.change(t, "~*", "-graph.query")
	c.ask(graph, `{"query":"RETURN 1"}`).isProblem(t, http.StatusForbidden, "denied_by_instance")
}
