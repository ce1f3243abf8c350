package e2e

import (
	"net/http"
	"strings"
	"testing"
)

func TestTokenStaysWithinItsQueryLimits(t *testing.T) {
	t.Parallel()
	graph := newGraph(t)
	u := instanceA.newUser(t, writer)
	created := isCreatedAnyhow(t, shared.with(t, u, `"limits":{"timeoutMs":50,"rows":3,"perMinute":6}`))
	c := shared.bearer(t, created.Token)
	if got := c.get("/api/auth/tokens/self").body; !strings.Contains(got, `"limits":{"concurrent":null,"per_minute":6,"rows":3,"timeout_ms":50}`) {
		t.Errorf("shows itself as %s", got)
	}
	c.ask(graph, `{"query":"UNWIND range(1, 3) AS x RETURN x"}`)
	c.ask(graph, `{"query":"UNWIND range(1, 4) AS x RETURN x"}`).isProblem(t, http.StatusRequestEntityTooLarge, "too_many_rows")
	const slow = `{"query":"UNWIND range(1, 3000) AS x UNWIND range(1, 3000) AS y WITH x, y WHERE x * y = -1 RETURN count(x)","timeoutMs":60000}`
	c.ask(graph, slow).isProblem(t, http.StatusGatewayTimeout, "query_timeout")
	for range 3 {
		c.rows(graph, "RETURN 1")
	}
	a := c.ask(graph, `{"query":"RETURN 1"}`)
	a.isProblem(t, http.StatusTooManyRequests, "too_many_queries")
	for _, wide := range []string{`{"rows":4}`, `{"perMinute":7}`, `{"timeoutMs":51}`} {
		a := c.post("/api/auth/tokens", `{"name":"wide","limits":`+wide+`}`)
		a.isProblem(t, http.StatusForbidden, "exceeds_issuer")
		if !strings.Contains(a.problem(t).Message, "limits.") {
			t.Errorf("does not name the limit: %s", a.body)
		}
	}
	child := shared.bearer(t, c.child(`{"name":"child","limits":{"rows":2,"concurrent":1}}`).Token)
	if got := child.get("/api/auth/tokens/self").body; !strings.Contains(got, `"limits":{"concurrent":1,"per_minute":6,"rows":2,"timeout_ms":50}`) {
		t.Errorf("the child shows itself as %s", got)
	}
	rotated := c.post("/api/auth/tokens/self/rotate", `{"graceSeconds":60}`)
	next := shared.bearer(t, rotated.object(t)["token"].(string))
	if got := next.get("/api/auth/tokens/self").body; !strings.Contains(got, `"per_minute":6,"rows":3,"timeout_ms":50`) {
		t.Errorf("the successor shows itself as %s", got)
	}
	c.post("/api/auth/tokens", `{"name":"none","limits":{"rows":0}}`).isProblem(t, http.StatusBadRequest, "invalid_request")
}
