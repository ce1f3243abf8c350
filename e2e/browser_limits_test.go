package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/falkorpat/falkorpat/gen/client"
)

// openLimits opens the dialog for a new token, and its limits.
func (g *page) openLimits(name string) {
	g.t.Helper()
	g.press("Generate token")
	g.shows("dialog[open]")
	g.fill("#token-name", name)
	g.click(".limits summary")
	g.shows(".limits[open] [name=restricted]")
}

func TestDialogOffersThePermissionsThatTheRoleCanGive(t *testing.T) {
	t.Parallel()
	for _, role := range []client.Role{admin, writer, reader} {
		u := instanceA.newUser(t, role)
		_, cookie := shared.signIn(t, u)
		var granted []string
		for _, permission := range []string{
			"graph:read", "graph:write", "graph:admin", "tokens:read", "tokens:write", "tokens:admin", "tokens:rotate",
		} {
			a := shared.cookie(t, cookie).post("/api/auth/tokens", `{"name":"limited","permissions":["`+permission+`"]}`)
			if a.status == http.StatusOK {
				secrets.addToken(isCreatedAnyhow(t, a).Token)
				granted = append(granted, permission)
			}
		}
		g := newPage(t, shared)
		g.signIn(u)
		g.openLimits("x")
		g.click("[name=restricted][value=true]")
		g.shows("[name=permission]")
		offered := eval[[]string](g, `[...document.querySelectorAll("[name=permission]")].map(e => e.value)`)
		if !slices.Equal(offered, granted) {
			t.Errorf("%s is offered %q, and can give %q", role, offered, granted)
		}
	}
}

func TestLimitsChosenInTheDialogAreThoseOfTheToken(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	g := newPage(t, shared)
	g.signIn(u)
	g.openLimits("limited")
	g.fill("#token-description", "Reads at night.\nAsk Ana.")
	g.click("[name=restricted][value=true]")
	g.click("[name=permission][value='tokens:read']")
	g.fill("#token-graphs", "social\n\n tenant-*")
	g.fill("#token-addresses", "127.0.0.0/8\n::1")
	start := time.Now().AddDate(0, 0, 3).Truncate(time.Minute)
	g.do("focus the start", chromedp.Focus(chromedp.CSS("#token-start")))
	g.key(start.Format("01022006") + "\t" + start.Format("0304PM"))
	g.says(".limits summary", "graphs: read; tokens: read · graphs social, tenant-* · from 2 networks · starts later")
	g.capture("generate-limits")
	g.press("Generate token")
	g.secret()
	g.press("Dismiss")
	if got := g.text(g.row("limited") + " .limit-words"); got != "graphs: read; tokens: readgraphs social, tenant-*from 2 networks" {
		t.Errorf("the list says %q", got)
	}

	_, cookie := shared.signIn(t, u)
	got := shared.cookie(t, cookie).list("").Tokens[0]
	if got.Permissions == nil || !slices.Equal(*got.Permissions, []client.Permission{client.GraphRead, client.TokensRead}) {
		t.Errorf("permissions are %v", got.Permissions)
	}
	if !slices.Equal(got.Graphs, []string{"social", "tenant-*"}) {
		t.Errorf("graphs are %q", got.Graphs)
	}
	if got.AllowedIps == nil || !slices.Equal(*got.AllowedIps, []string{"127.0.0.0/8", "::1/128"}) {
		t.Errorf("addresses are %v", got.AllowedIps)
	}
	if got.NotBefore == nil || !got.NotBefore.Equal(start) {
		t.Errorf("starts at %v, not %s", got.NotBefore, start)
	}
	if got.Description != "Reads at night.\nAsk Ana." {
		t.Errorf("the description is %q", got.Description)
	}

	g.press("limited")
	for _, text := range []string{
		"Reads at night.", "graph:read", "Run queries that read graphs.", "tokens:read", "social", "tenant-*", "127.0.0.0/8", "Works from", "in 3 days",
	} {
		g.says(".details", text)
	}
	g.checkLooks("limits")
}

func TestTokenWithoutLimitsSaysSo(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	g := newPage(t, shared)
	g.signIn(u)
	g.generate("unlimited")
	g.press("Dismiss")
	if g.has(g.row("unlimited") + " .limit-words") {
		t.Error("the list names limits")
	}
	g.press("unlimited")
	for _, text := range []string{"Everything that the role Read-Write allows", "Every graph", "From everywhere"} {
		g.says(".details", text)
	}
}

func TestLimitsAreRefusedAtTheirField(t *testing.T) {
	t.Parallel()
	g := newPage(t, shared)
	g.signIn(instanceA.newUser(t, writer))
	g.expect("status of 400")
	g.openLimits("limited")
	g.click("[name=restricted][value=true]")
	g.click("[name=permission][value='graph:read']")
	g.press("Generate token")
	g.says("#permissions-error", "Choose at least one.")
	g.click("[name=restricted][value=false]")
	g.hides("#permissions-error")
	for _, test := range []struct{ field, text, complaint string }{
		{"graphs", "a*\nab", "“ab”: "},
		{"addresses", "10.0.0.1/8", "“10.0.0.1/8”: "},
		{"addresses", "nonsense", "“nonsense”: "},
	} {
		g.fill("#token-"+test.field, test.text)
		g.press("Generate token")
		g.says("#token-"+test.field+"-error", test.complaint)
		if got, want := g.focused(), "token-"+test.field; got != want {
			t.Errorf("%q: the focus is on %q", test.text, got)
		}
		g.checkLooks("limits-refused-" + test.field)
		g.fill("#token-"+test.field, "")
		g.hides("#token-" + test.field + "-error")
	}
	g.do("focus the start", chromedp.Focus(chromedp.CSS("#token-start")))
	g.key(time.Now().AddDate(0, 2, 0).Format("01022006") + "\t" + "0600AM")
	g.press("Generate token")
	g.says("#token-start-error", ".")
	// A closed disclosure must not hide what is wrong in it.
	if !g.has(".limits[open]") {
		t.Error("the limits are closed")
	}
}

func TestPermissionLostMeanwhileIsToldAtThePermissions(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, admin)
	g := newPage(t, shared)
	g.signIn(u)
	g.expect("status of 403")
	g.openLimits("too much")
	g.click("[name=restricted][value=true]")
	g.click("[name=permission][value='graph:admin']")
	u.role = reader
	if err := instanceA.makeUser(u); err != nil {
		t.Fatal(err)
	}
	eventually(t, pagePatience, "the demotion to be told", func() bool {
		g.press("Generate token")
		g.sees("an answer", `document.querySelector("#permissions-error, [data-secret], dialog [role=alert]")`)
		if g.has("[data-secret]") {
			g.secret()
			g.press("Dismiss")
			g.openLimits("too much")
			g.click("[name=restricted][value=true]")
			g.click("[name=permission][value='graph:admin']")
			return false
		}
		return strings.Contains(g.text("#permissions-error"), "graph:admin")
	})
}

func TestTypedLimitsOutliveTheSession(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	g := newPage(t, shared)
	g.signIn(u)
	g.openLimits("kept")
	g.fill("#token-graphs", "social")
	g.fill("#token-description", "why")
	g.endSession()
	g.press("Generate token")
	g.isAt("/sign-in")
	g.enter(u)
	g.shows("dialog[open] .limits[open]")
	for field, want := range map[string]string{"name": "kept", "description": "why", "graphs": "social"} {
		if got := eval[string](g, `document.querySelector("#token-`+field+`").value`); got != want {
			t.Errorf("%s is %q", field, got)
		}
	}
}
