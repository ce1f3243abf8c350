package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestNewTokenIsNotLeftWithoutAsking(t *testing.T) {
	t.Parallel()
	g := newPage(t, shared)
	u := instanceA.newUser(t, writer)
	shared.newToken(t, u, "another")
	g.signIn(u)
	// So that there is somewhere in the app to go back to.
	g.row("another")
	g.press("another")
	g.says("h1", "another")
	g.press("Personal access tokens")
	g.generate("not yet copied")
	for what, leave := range map[string]func(){
		"another page":       func() { g.press("another") },
		"the browser's Back": func() { eval[bool](g, "(history.back(), true)") },
		"signing out":        func() { g.press("Sign out") },
		"a further token":    func() { g.press("Generate token") },
	} {
		leave()
		g.says("dialog[open]", "Leave without the token?")
		g.capture("leave-without-token")
		g.press("Stay")
		g.hides("dialog[open]")
		if !g.has(".secret") {
			t.Fatalf("%s: the token is gone after staying", what)
		}
		g.isAt("/settings/tokens")
	}
	// Another tab of the table is no other page.
	g.press("Revoked")
	g.isAt("/settings/tokens?status=revoked")
	g.shows(".secret")
	g.press("Active")
	// The browser itself asks about a reload.
	g.leaving(false)
	eval[bool](g, "(location.reload(), true)")
	eventually(t, pagePatience, "the browser's question", func() bool { return g.asked() == 1 })
	g.shows(".secret")
	// And whoever wants to leave can.
	g.press("another")
	g.press("Leave")
	g.says("h1", "another")
	g.press("Personal access tokens")
	g.row("not yet copied")
	if g.has(".secret") {
		t.Error("the token is shown again")
	}
}

func TestCopiedOrDismissedTokenIsLeftFreely(t *testing.T) {
	t.Parallel()
	g := newPage(t, shared)
	g.signIn(instanceA.newUser(t, writer))
	g.generate("dismissed")
	g.press("Dismiss")
	g.do("reload", chromedp.Reload())
	g.row("dismissed")

	browser.clipboard.Lock()
	defer browser.clipboard.Unlock()
	g.generate("copied")
	g.press("Copy token")
	g.says(".secret", "Copied")
	g.press("dismissed")
	g.says("h1", "dismissed")

	g.press("Personal access tokens")
	g.generate("copied by hand")
	eval[bool](g, `(getSelection().selectAllChildren(document.querySelector('[data-secret="token"]')), document.execCommand("copy"))`)
	g.says(".secret-done", "Done")
	g.do("reload", chromedp.Reload())
	g.row("copied by hand")
	if n := g.asked(); n != 0 {
		t.Errorf("the browser asked %d times whether to leave", n)
	}
}

func TestSecretsAreKeptNowhereInTheBrowser(t *testing.T) {
	t.Parallel()
	g := newPage(t, shared)
	u := instanceA.newUser(t, writer)
	g.signIn(u)
	token := g.generate("secret")
	g.isNowhere(token, u.password)
	g.press("Dismiss")
	g.hides(".secret")
	g.press("Revoked")
	g.isAt("/settings/tokens?status=revoked")
	// An answer still to come would notice the session's end first.
	g.shows(".tokens .empty")
	if strings.Contains(eval[string](g, "document.documentElement.outerHTML"), token) {
		t.Error("the page still holds the token after it was dismissed")
	}
	g.endSession()
	g.press("Active")
	g.isAt("/sign-in")
	g.isNowhere(token, u.password)
}

// isNowhere checks that secrets are neither stored, nor in an address, nor
// readable in a cookie.
func (g *page) isNowhere(secrets ...string) {
	g.t.Helper()
	places := eval[[]string](g, `indexedDB.databases().then(databases => [
		location.href, document.referrer, document.cookie, document.title, name,
		JSON.stringify(history.state), JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage }), JSON.stringify(databases),
	].map(String))`)
	g.mu.Lock()
	for _, request := range g.requests {
		places = append(places, request.Request.URL)
	}
	g.mu.Unlock()
	for _, secret := range secrets {
		if at := strings.Join(places, "\n"); strings.Contains(at, secret) {
			g.t.Errorf("a secret is in %s", strings.ReplaceAll(at, secret, "[SECRET]"))
		}
	}
	if cookies := places[2]; cookies != "" {
		g.t.Errorf("scripts can read cookies: %s", cookies)
	}
}

// A session that ends must not take the only view of a new token with it.
func TestEndedSessionLeavesTheNewToken(t *testing.T) {
	t.Parallel()
	g := newPage(t, shared)
	u := instanceA.newUser(t, writer)
	g.signIn(u)
	token := g.generate("outlives the session")
	g.row("outlives the session")
	g.endSession()
	g.press("Reload")
	g.says("main", "Your session has ended. Copy the new token")
	if got := g.secret(); got != token {
		t.Error("the token is another")
	}
	g.press("Dismiss")
	g.isAt("/sign-in")
	g.enter(u)
	g.row("outlives the session")
	if g.has(".secret") {
		t.Error("the token is shown again")
	}
	if got := shared.bearer(t, token).works(); got != http.StatusOK {
		t.Errorf("the token answers %d", got)
	}
}
