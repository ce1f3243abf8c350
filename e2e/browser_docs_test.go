package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestSwaggerListsTokensWithAPastedToken(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, reader)
	created := shared.newToken(t, u, "tried out")
	g := newPage(t, shared)
	g.open("/docs")
	g.click("button.authorize")
	g.shows(".auth-container input")
	g.fill(`.auth-container input[type="password"], .auth-container input[type="text"]`, created.Token)
	g.click(".auth-container .auth-btn-wrapper .authorize")
	g.shows(".auth-container .auth-btn-wrapper .btn-done")
	g.click(".auth-container .auth-btn-wrapper .btn-done")
	g.hides(".auth-container")
	if status, body := g.tryOut("operations-Tokens-listTokens"); status != "200" || !strings.Contains(body, "tried out") {
		t.Errorf("Try it out answers %s: %s", status, body)
	}
	g.capture("docs")
}

// tryOut executes an operation in Swagger UI and gives the answer's status and
// body.
func (g *page) tryOut(operation string) (status, body string) {
	g.t.Helper()
	within := "#" + operation
	g.do("open the operation", chromedp.ScrollIntoView(chromedp.CSS(within)))
	g.click(within + " .opblock-summary-control")
	g.click(within + " .execute")
	g.shows(within + " .live-responses-table .response-col_status")
	return strings.TrimSpace(g.text(within + " .live-responses-table tbody .response-col_status")),
		g.text(within + " .live-responses-table tbody .response-col_description")
}

func TestSwaggerSignsInWithASession(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, reader)
	shared.newToken(t, u, "seen by session")
	g := newPage(t, shared)
	g.signIn(u)
	g.press("API docs")
	g.isAt("/docs")
	g.sees("the way back", `[...document.querySelectorAll(".info a")].some(link => link.href === document.URL.replace(/docs$/, ""))`)
	g.shows("#operations-Tokens-listTokens")
	if status, body := g.tryOut("operations-Tokens-listTokens"); status != "200" || !strings.Contains(body, "seen by session") {
		t.Errorf("Try it out answers %s: %s", status, body)
	}
	if status, _ := g.tryOut("operations-Session-signOut"); status != "204" {
		t.Errorf("signing out answers %s", status)
	}
	if g.cookie() != nil {
		t.Error("the session cookie is still there")
	}
}

func TestEverythingInTheBrowserWorksBehindABasePath(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{args: []string{"--base-path=/tools/pat"}, instances: instanceB.addr()})
	u := instanceB.newUser(t, writer)
	g := newPage(t, p)
	g.open("/")
	g.isAt("/sign-in")
	g.enter(u)
	g.isAt("/settings/tokens")
	graph := newGraph(t)
	if err := instanceB.admin.Do(t.Context(), "GRAPH.QUERY", graph, "CREATE (:A)").Err(); err != nil {
		t.Fatal(err)
	}
	token := g.generateFor("behind a prefix", graph)
	if got := g.pasted(g.text(`[data-secret="curl"]`)); !strings.Contains(got, `"rows":[[1]]`) || !strings.HasSuffix(got, "200") {
		t.Errorf("the command answers %s", got)
	}
	if got := p.bearer(t, token).get("/tools/pat/api/auth/tokens").status; got != http.StatusOK {
		t.Errorf("the token answers %d", got)
	}
	g.press("Dismiss")
	g.row("behind a prefix")
	g.press("behind a prefix")
	g.says("h1", "behind a prefix")
	g.do("reload", chromedp.Reload())
	g.says("h1", "behind a prefix")
	g.press("API docs")
	g.isAt("/docs")
	g.sees("the way back", `[...document.querySelectorAll(".info a")].some(link => link.href === document.URL.replace(/docs$/, ""))`)
	if status, body := g.tryOut("operations-Tokens-listTokens"); status != "200" || !strings.Contains(body, "behind a prefix") {
		t.Errorf("Try it out answers %s: %s", status, body)
	}
	g.open("/settings/tokens")
	g.press("Sign out")
	g.isAt("/sign-in")
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, request := range g.requests {
		if address := request.Request.URL; strings.HasPrefix(address, p.url) && !strings.HasPrefix(address, p.url+"/tools/pat/") {
			t.Errorf("asks for %s, outside of the base path", address)
		}
	}
}

func TestFirstVisitIsLightAndKept(t *testing.T) {
	t.Parallel()
	g := newPage(t, shared)
	g.open("/sign-in")
	g.shows("#username")
	size := eval[int](g, `performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
		.reduce((sum, entry) => sum + entry.transferSize, 0)`)
	if size == 0 || size > 150_000 {
		t.Errorf("the first visit moves %d bytes", size)
	}
	g.open("/settings/tokens")
	g.shows("#username")
	fetched := eval[[]string](g, `performance.getEntriesByType("resource")
		.filter(entry => entry.name.includes("/assets/") && entry.transferSize > 0).map(entry => entry.name)`)
	if len(fetched) > 0 {
		t.Errorf("the second visit fetches %q anew", fetched)
	}
}
