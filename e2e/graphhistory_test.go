package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/falkorpat/falkorpat/gen/client"
)

// toldWith is an event in short, with its details.
func toldWith(list client.EventList) []string {
	short := told(list)
	for i, e := range slices.Backward(list.Events) {
		at := len(short) - 1 - i
		for _, name := range slices.Sorted(maps.Keys(e.Details)) {
			short[at] += fmt.Sprintf(" %s=%s", name, e.Details[name])
		}
	}
	slices.Sort(short)
	return short
}

func TestChangesOfGraphsAreInTheHistory(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, admin)
	name := newGraph(t)
	created := isCreatedAnyhow(t, shared.with(t, u, fmt.Sprintf(`"graphs":["%s*"]`, name)))
	c := shared.bearer(t, created.Token)
	c.rows(name, "CREATE (:A) RETURN 1")
	c.post(at(name, "/copy"), `{"target":"`+name+`-copy"}`)
	c.post(at(name, "/copy"), `{"target":"`+name+`-copy"}`).isProblem(t, http.StatusConflict, "graph_exists")
	c.post(at(name, "/copy"), `{"target":"elsewhere"}`).isProblem(t, http.StatusForbidden, "graph_not_allowed")
	for range 3 { // told once a minute
		c.send(http.MethodDelete, at("others", ""), nil).isProblem(t, http.StatusForbidden, "graph_not_allowed")
	}
	for _, graph := range []string{name, name + "-copy"} { // each is another change
		if a := c.send(http.MethodDelete, at(graph, ""), nil); a.status != http.StatusOK {
			t.Errorf("delete answered %d: %s", a.status, a.body)
		}
	}
	c.send(http.MethodDelete, at(name, ""), nil).isProblem(t, http.StatusNotFound, "graph_not_found")

	list := shared.bearer(t, shared.newToken(t, u, "me").Token).events("?token_id=" + created.TokenID)
	want := []string{
		"graph.copied denied graph_not_allowed graph=" + name + " target=elsewhere",
		"graph.copied failed graph_exists graph=" + name + " target=" + name + "-copy",
		"graph.copied success - graph=" + name + " target=" + name + "-copy",
		"graph.deleted denied graph_not_allowed graph=others",
		"graph.deleted failed graph_not_found graph=" + name,
		"graph.deleted success - graph=" + name,
		"graph.deleted success - graph=" + name + "-copy",
		"token.created success -",
	}
	if got := toldWith(list); !slices.Equal(got, want) {
		t.Errorf("told\n %q, want\n %q", got, want)
	}
	for _, e := range list.Events {
		if strings.HasPrefix(string(e.Action), "graph.") && (orNone(e.Username) != u.name || orNone(e.ActorTokenID) != created.TokenID ||
			orNone(e.TokenName) == "-" || orNone(e.Owner) != u.name || orNone(e.IP) != "127.0.0.1" || orNone(e.Agent) == "-" ||
			e.Instance != fmt.Sprintf("localhost:%d", instanceA.port)) {
			t.Errorf("told as %+v", e)
		}
	}
}

func TestChangesOfSettingsAreInTheHistory(t *testing.T) {
	t.Parallel()
	u := instanceB.newUser(t, admin)
	_, cookie := shared.signIn(t, u)
	c := shared.cookie(t, cookie)
	put := func(c *caller, name, value string) int {
		return c.send(http.MethodPut, "/api/graph/config/"+name, strings.NewReader(`{"value":"`+value+`"}`)).status
	}
	for _, test := range []struct {
		name, value string
		status      int
	}{
		{"DELTA_MAX_PENDING_CHANGES", "9000", 200}, {"DELTA_MAX_PENDING_CHANGES", "10000", 200}, {"NOPE", "1", 400}, {"DELTA_MAX_PENDING_CHANGES", "many", 400},
	} {
		if got := put(c, test.name, test.value); got != test.status {
			t.Errorf("%s=%s answered %d", test.name, test.value, got)
		}
	}
	narrow := isCreatedAnyhow(t, shared.with(t, u, `"permissions":["graph:read"]`))
	if got := put(shared.bearer(t, narrow.Token), "DELTA_MAX_PENDING_CHANGES", "1"); got != http.StatusForbidden {
		t.Errorf("without graph:admin it answered %d", got)
	}
	list := shared.bearer(t, shared.newToken(t, u, "me").Token).events("?action=config.changed&username=" + u.name)
	want := []string{
		"config.changed denied missing_permission after=1 setting=DELTA_MAX_PENDING_CHANGES",
		"config.changed failed query_refused after=1 setting=NOPE",
		"config.changed success - after=10000 before=9000 setting=DELTA_MAX_PENDING_CHANGES",
		"config.changed success - after=9000 before=10000 setting=DELTA_MAX_PENDING_CHANGES",
	}
	if got := toldWith(list); !slices.Equal(got, want) {
		t.Errorf("told\n %q, want\n %q", got, want)
	}
	for _, e := range list.Events {
		by := narrow.TokenID
		if e.Outcome != "denied" {
			by = "-" // a session
		}
		if orNone(e.Username) != u.name || orNone(e.ActorTokenID) != by || orNone(e.TokenID) != by {
			t.Errorf("told as %+v", e)
		}
	}
}
