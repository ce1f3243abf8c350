package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// generateFor makes a token for some graphs, one per line, in the dialog.
func (g *page) generateFor(name, graphs string) string {
	g.t.Helper()
	g.openLimits(name)
	g.fill("#token-graphs", graphs)
	g.press("Generate token")
	return g.secret()
}

// example pastes the command on the card of a new token into a shell. It gives
// what the card says of it, and what the shell shows: the body and the status.
func (g *page) example() (said, got string) {
	g.t.Helper()
	return g.text(".secret-trial p"), g.pasted(g.text(`[data-secret="curl"]`))
}

func TestCommandOnTheCardQueriesAGraphOfTheToken(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	c := shared.bearer(t, shared.newToken(t, u, "fills graphs").Token)
	prefix := unique("card")
	awkward := prefix + `-it's "my" $HOME/[graph]?&#%é\`
	c.rows(awkward, "CREATE (:A), (:A) RETURN 1")
	c.rows(prefix+"-b", "CREATE (:A) RETURN 1")
	g := newPage(t, shared)
	g.signIn(u)
	for _, test := range []struct{ what, graphs, graph, rows string }{
		{"the graph that it names", awkward, awkward, "[[2]]"},
		{"the one of its names that is there", prefix + "-gone\n" + prefix + "-b", prefix + "-b", "[[1]]"},
		{"one that its pattern matches", prefix + "-?", prefix + "-b", "[[1]]"},
	} {
		g.generateFor(test.what, test.graphs)
		said, got := g.example()
		if !strings.Contains(said, "“"+test.graph+"”") {
			t.Errorf("%s: the card says %q", test.what, said)
		}
		if !strings.Contains(got, `"columns":["nodes"],"rows":`+test.rows) || !strings.HasSuffix(got, "\n200") {
			t.Errorf("%s: the command shows %s", test.what, got)
		}
		g.press("Dismiss")
	}
	g.checkLooks("card-example")
}

func TestCommandOnTheCardLeavesGraphsOutThatTheUserMayNotTouch(t *testing.T) {
	t.Parallel()
	u := instanceB.newUser(t, reader)
	prefix := unique("mine")
	if err := instanceB.admin.Do(t.Context(), "GRAPH.QUERY", prefix+"-1", "CREATE (:A)").Err(); err != nil {
		t.Fatal(err)
	}
	// FalkorDB shows all names to everybody: the card must find one that its user may read.
	if err := instanceB.admin.Do(t.Context(), "GRAPH.QUERY", "0-"+prefix, "CREATE (:A)").Err(); err != nil {
		t.Fatal(err)
	}
	u.change(t, "resetkeys", "~"+prefix+"*")
	g := newPage(t, shared)
	g.expect("status of 403")
	g.signIn(u)
	g.generateFor("narrow user", "0-"+prefix+"\n"+prefix+"*")
	if said, got := g.example(); !strings.Contains(said, "“"+prefix+"-1”") || !strings.Contains(got, `"rows":[[1]]`) || !strings.HasSuffix(got, "\n200") {
		t.Errorf("the card says %q, and the command shows %s", said, got)
	}
}

func TestCommandOnTheCardShowsWhatWorksWhereNoQueryDoes(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	g := newPage(t, shared)
	g.signIn(u)
	g.generateFor("early", unique("not-there-*"))
	said, got := g.example()
	if !strings.Contains(said, "None of its graphs is there yet.") || !strings.Contains(got, `"graphs":[]`) || !strings.HasSuffix(got, "\n200") {
		t.Errorf("the card says %q, and the command shows %s", said, got)
	}
	g.press("Dismiss")

	g.openLimits("no graphs")
	g.click("[name=restricted][value=true]")
	g.click("[name=permission][value='graph:read']")
	g.click("[name=permission][value='tokens:read']")
	g.fill("#token-addresses", "127.0.0.0/8\n::1")
	g.press("Generate token")
	g.secret()
	said, got = g.example()
	if !strings.Contains(said, "show what the token is") || !strings.Contains(said, "from its addresses only") {
		t.Errorf("the card says %q", said)
	}
	if !strings.Contains(got, `"name":"no graphs"`) || !strings.HasSuffix(got, "\n200") {
		t.Errorf("the command shows %s", got)
	}
}

func TestTryingATokenOutIsNoUseOfIt(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	graph := newGraph(t)
	shared.bearer(t, shared.newToken(t, u, "fills the graph").Token).rows(graph, "CREATE (:A) RETURN 1")
	g := newPage(t, shared)
	g.signIn(u)
	token := g.generateFor("not yet used", graph)
	if g.sent(http.MethodPost, "/api/graph/"+url.PathEscape(graph)+"/query") == nil {
		t.Fatal("the page has not tried the graph out")
	}
	_, cookie := shared.signIn(t, u)
	session := shared.cookie(t, cookie)
	id := session.list("?name=" + url.QueryEscape("not yet used")).Tokens[0].TokenID
	if used := session.token(id).LastUsed; used != nil {
		t.Errorf("the token was used at %s, by nobody", used)
	}
	shared.bearer(t, token).works()
	if session.token(id).LastUsed == nil {
		t.Error("a use does not show")
	}
}
