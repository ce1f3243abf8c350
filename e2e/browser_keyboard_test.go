package e2e

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
)

func TestWholeWayIsPossibleWithTheKeyboardAlone(t *testing.T) {
	t.Parallel()
	g := newPage(t, shared)
	u := instanceA.newUser(t, writer)
	g.open("/sign-in")
	g.shows("#instance")
	g.insert(u.name)
	g.key(kb.Tab)
	g.insert(u.password)
	g.key(kb.Enter)
	g.shows(".tokens .empty")
	g.tabTo("Generate token")
	g.key(kb.Enter)
	g.shows("dialog[open]")
	if got := g.focused(); got != "token-name" {
		t.Fatalf("the dialog's focus is on %q", got)
	}
	g.key(kb.Escape)
	g.hides("dialog")
	if got := g.focused(); got != "Generate token" {
		t.Errorf("the closed dialog leaves the focus on %q", got)
	}
	g.key(kb.Enter)
	g.shows("dialog[open]")
	g.insert("by keyboard")
	// The choice of the expiry is one stop; arrows move within it.
	g.key(kb.Tab)
	g.key(kb.ArrowRight)
	g.sees("60 days", `document.querySelector("[value='60']").checked`)
	g.staysIn("dialog")
	g.key(kb.Enter)
	g.secret()
	if got := g.focused(); got != "Copy token" {
		t.Errorf("the new token's focus is on %q", got)
	}
	g.tabTo("Dismiss")
	g.key(kb.Enter)
	g.hides(".secret")
	g.row("by keyboard")
	g.tabTo("Revoke by keyboard")
	g.key(kb.Enter)
	g.shows("dialog[open]")
	if got := g.focused(); got != "Cancel" {
		t.Errorf("the question's focus is on %q; Enter must not destroy", got)
	}
	g.tabTo("Revoke token")
	g.key(kb.Enter)
	g.shows(".tokens .empty")
	g.says(".toast", "by keyboard")
}

// tabTo presses Tab until something has the focus, which must be seen to have it.
func (g *page) tabTo(name string) {
	g.t.Helper()
	for range 40 {
		g.key(kb.Tab)
		if g.focused() != name {
			continue
		}
		if !eval[bool](g, `document.activeElement.matches(":focus-visible") && getComputedStyle(document.activeElement).outlineStyle !== "none"`) {
			g.t.Errorf("%s does not show that it has the focus", name)
		}
		return
	}
	g.t.Fatalf("40 times Tab do not lead to %q", name)
}

// staysIn checks that Tab goes round within an element, or to the browser's own
// controls, and never to the page behind.
func (g *page) staysIn(css string) {
	g.t.Helper()
	before := g.focused()
	for range 12 {
		g.key(kb.Tab)
		if !eval[bool](g, `document.activeElement === document.body || !!document.activeElement.closest(`+quoted(css)+`)`) {
			g.t.Fatalf("Tab leads from %s to %q", css, g.focused())
		}
		if g.focused() == before {
			return
		}
	}
	g.t.Errorf("Tab does not come back to %q", before)
}
