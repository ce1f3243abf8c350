package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os/exec"
	"reflect"
	"testing"
)

// shownByJavaScript are the rows of each query as the official JavaScript client
// has them; `make jsclient` fetches it.
func shownByJavaScript(t *testing.T, u user, graph string, queries []string) [][][]any {
	t.Helper()
	asked, err := json.Marshal(map[string]any{
		"port": u.at.port, "username": u.name, "password": u.password, "graph": graph, "queries": queries,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), requestPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "jsclient/show.mjs")
	var output, errors bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(asked), &output, &errors
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, errors.String())
	}
	var results [][][]any
	if err := json.Unmarshal(output.Bytes(), &results); err != nil || len(results) != len(queries) {
		t.Fatalf("%d results: %v: %s", len(results), err, output.String())
	}
	return results
}

// Both sides are read as JSON, whose numbers are doubles here: exactly what the
// client has, to which large integers are doubles. Infinities, which it takes for
// NaN, are held to FalkorDB's own text where the decoder is tested.
func TestEveryTypeIsWhatTheOfficialJavaScriptClientShows(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	graph := newGraph(t)
	c := shared.bearer(t, shared.newToken(t, u, "compares").Token)
	c.rows(graph, `CREATE (a:Person:Math {name:'Ada', born:date('1815-12-10'), at:point({latitude:51.5,longitude:-0.25}), v:vecf32([1,2.5])})
		-[:KNOWS {since:1.5, for:duration('P2Y')}]->(b {tags:['x',1,2.5,true]})-[:KNOWS]->(a)`)
	queries := []string{
		"RETURN null", "RETURN true, false", "RETURN 0, -1, 9007199254740992, 9223372036854775807, -9223372036854775808",
		"RETURN 3.0, 2.5, 0.1, -0.0, 1e300, 1.5e-9", "RETURN 0.0/0.0", `RETURN '', 'NaN', 'é"\\ 👩‍💻', '\n\t'`,
		"RETURN [], [1,[2.0,'x'],null]", "RETURN {}, {a:1, b:{c:[true, null]}}",
		"RETURN point({latitude:1.5, longitude:-2.25})", "RETURN vecf32([1, 2.5, -0.5])",
		"RETURN date('2024-01-31'), date('1900-01-01'), date('9999-12-31')",
		"RETURN localtime('10:11:12'), localtime('00:00:00')",
		"RETURN localdatetime('2024-01-31T10:11:12'), localdatetime('1960-01-01T00:00:01')",
		"RETURN duration('P1Y2M3DT4H5M6S'), duration({seconds:0})",
		"RETURN [date('2024-01-31'), localtime('01:02:03')], {at: localdatetime('2024-01-31T10:11:12')}",
		"MATCH (a) RETURN a ORDER BY id(a)", "MATCH ()-[e]->() RETURN e ORDER BY id(e)",
		"MATCH p=(:Person)-[*1..2]->() RETURN p, length(p) ORDER BY length(p)", "MATCH (a:Nobody) RETURN a", "UNWIND range(1, 3) AS x RETURN x, x * 0.5",
		"MATCH (a) RETURN collect(a), {first: head(collect(a))}",
	}
	for i, shown := range shownByJavaScript(t, u, graph, queries) {
		body, err := json.Marshal(map[string]any{"query": queries[i]})
		if err != nil {
			t.Fatal(err)
		}
		a := c.ask(graph, string(body))
		var told struct{ Rows [][]any }
		if err := json.Unmarshal([]byte(a.body), &told); err != nil || a.status != http.StatusOK {
			t.Errorf("%s answered %d: %s", queries[i], a.status, a.body)
			continue
		}
		if !reflect.DeepEqual(told.Rows, shown) {
			t.Errorf("%s is told as\n %v, and JavaScript shows\n %v", queries[i], told.Rows, shown)
		}
	}
}
