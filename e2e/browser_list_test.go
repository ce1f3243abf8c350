package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/falkorpat/falkorpat/gen/client"
)

func TestManyTokensAreSearchedSortedAndPaged(t *testing.T) {
	t.Parallel()
	const many = 120
	u := instanceA.newUser(t, writer)
	makeTokens(t, u, many)
	g := newPage(t, shared)
	g.signIn(u)
	g.says(".count", fmt.Sprintf("50 of %d tokens", many))
	g.capture("many-tokens")

	_, cookie := shared.signIn(t, u)
	want := ids(shared.cookie(t, cookie).list("?limit=1000"))
	g.press("Show more")
	g.says(".count", fmt.Sprintf("100 of %d tokens", many))
	g.press("Show more")
	g.says(".count", fmt.Sprintf("%d tokens", many))
	g.hides(".more")
	if got := g.rows(); !slices.Equal(got, want) {
		t.Errorf("there are %d tokens, not the %d that the API lists in its order", len(got), len(want))
	}

	g.press("Name")
	g.isAt("/settings/tokens?sort=name&order=asc")
	g.sees("ascending", `document.querySelector("[aria-sort]").ariaSort === "ascending"`)
	g.sees("by name", `document.querySelector(".token-name").textContent === "token 1"`)
	g.press("Name")
	g.isAt("/settings/tokens?sort=name")
	g.sees("by name, turned round", `document.querySelector(".token-name").textContent === "token 99"`)

	g.fill(".search input", "TOKEN 11")
	g.says(".count", "11 tokens")
	if names := g.names(); len(names) != 11 || names[0] != "token 119" || names[10] != "token 11" {
		t.Errorf("found %q", names)
	}
	g.isAt("/settings/tokens?name=TOKEN+11&sort=name")
	// How one looks at the list is kept while one looks at one token, and by a reload.
	g.press("token 115")
	g.says("h1", "token 115")
	g.press("Personal access tokens")
	g.isAt("/settings/tokens?name=TOKEN+11&sort=name")
	g.says(".count", "11 tokens")
	g.do("reload", chromedp.Reload())
	g.says(".count", "11 tokens")
	g.fill(".search input", want[7])
	g.says(".empty", "No token matches “"+want[7]+"”")
	g.press("Open the token with this ID")
	g.isAt("/settings/tokens/" + want[7])
	g.do("back", chromedp.NavigateBack())
	g.press("Clear the search")
	g.isAt("/settings/tokens?sort=name")
	g.says(".count", fmt.Sprintf("50 of %d tokens", many))
}

func TestFiltersAreAskedOfTheServer(t *testing.T) {
	t.Parallel()
	boss, ana := instanceA.newUser(t, admin), instanceA.newUser(t, writer)
	mark := unique("filtered")
	used := shared.newToken(t, ana, mark+" used")
	if got := shared.bearer(t, used.Token).works(); got != http.StatusOK {
		t.Fatalf("answers %d", got)
	}
	shared.shortToken(t, ana, mark+" ends soon", 24*60*60)
	limited := isCreatedAnyhow(t, shared.with(t, ana, `"graphs":["other-*"]`))
	shared.newToken(t, boss, mark+" the boss's")
	g := newPage(t, shared)
	g.signIn(boss)
	g.fill(".search input", mark)
	g.says(".count", "3 tokens")
	g.press("Filters")
	g.shows("#filter-user")
	g.checkLooks("filters")
	g.fill("#filter-user", ana.name)
	g.says(".count", "2 tokens")
	g.pick("#filter-end", "7")
	g.says(".count", "1 token")
	if names := g.names(); !slices.Equal(names, []string{mark + " ends soon"}) {
		t.Errorf("what ends soon: %q", names)
	}
	g.pick("#filter-end", "")
	g.says(".count", "2 tokens")
	eventually(t, pagePatience, "the use to be written", func() bool {
		g.pick("#filter-use", "used7")
		g.sees("an answer", `!document.querySelector(".turning")`)
		g.press("Reload")
		g.sees("an answer", `!document.querySelector(".turning")`)
		return slices.Equal(g.names(), []string{mark + " used"})
	})
	g.pick("#filter-use", "")
	g.fill(".search input", "")
	g.fill("#filter-graph", "other-1")
	g.says(".count", "3 tokens")
	g.shows(`[data-token="` + limited.TokenID + `"]`)
	g.fill("#filter-graph", "social")
	g.says(".count", "2 tokens")
	if g.has(`[data-token="` + limited.TokenID + `"]`) {
		t.Error("a token that may not touch the graph is found")
	}
	if got := g.text("[aria-expanded]"); got != "Filters (2)" {
		t.Errorf("the filters are said to be %q", got)
	}
}

// pick chooses an entry of a select.
func (g *page) pick(css, value string) {
	g.t.Helper()
	g.shows(css)
	eval[bool](g, `(e => { e.value = `+quoted(value)+`; return e.dispatchEvent(new Event("change", { bubbles: true })); })(document.querySelector(`+quoted(css)+`))`)
}

// rows are the IDs of the tokens in the table.
func (g *page) rows() []string {
	g.t.Helper()
	return eval[[]string](g, `[...document.querySelectorAll("[data-token]")].map(row => row.dataset.token)`)
}

// makeTokens makes tokens named "token 1" and so on.
func makeTokens(t *testing.T, u user, many int) {
	t.Helper()
	_, cookie := shared.signIn(t, u)
	caller := shared.cookie(t, cookie)
	names := make(chan string)
	var makers sync.WaitGroup
	for range 4 {
		makers.Go(func() {
			for name := range names {
				r, err := caller.CreateTokenWithResponse(context.WithoutCancel(t.Context()), nil, client.CreateTokenRequest{Name: name, TTLSeconds: 2592000})
				if err != nil || r.JSON200 == nil {
					t.Errorf("make %s: %v", name, err)
				}
			}
		})
	}
	for i := range many {
		names <- fmt.Sprintf("token %d", i+1)
	}
	close(names)
	makers.Wait()
}

func TestAdminSeesAndRevokesEverybodysTokensOthersTheirOwn(t *testing.T) {
	t.Parallel()
	boss, owner, other := instanceA.newUser(t, admin), instanceA.newUser(t, reader), instanceA.newUser(t, reader)
	mark := unique("mark")
	foreign, theirs := shared.newToken(t, owner, mark+" owner's"), shared.newToken(t, other, mark+" other's")
	elsewhere := shared.newToken(t, instanceB.newUser(t, reader), mark+" elsewhere")

	g := newPage(t, shared)
	g.signIn(other)
	g.row(mark + " other's")
	if names := g.names(); len(names) != 1 {
		t.Errorf("one who is no Admin sees %q", names)
	}
	if g.has(`[data-column="username"]`) || g.has(`[data-column="role"]`) {
		t.Error("one who sees only their own is told whose they are")
	}
	g.expect("status of 40[34]")
	g.open("/settings/tokens/" + foreign.TokenID)
	g.says(`[role="alert"]`, "belongs to another user")
	g.open("/settings/tokens/" + elsewhere.TokenID)
	g.says(`[role="alert"]`, "There is no token with this ID.")

	g = newPage(t, shared)
	g.signIn(boss)
	g.shows(".search")
	g.fill(".search input", mark)
	row := g.row(mark + " owner's")
	eventually(t, pagePatience, "the list to hold what was asked for", func() bool { return len(g.names()) == 2 })
	if names := g.names(); slices.Contains(names, mark+" elsewhere") {
		t.Errorf("an Admin sees %q", names)
	}
	if got := g.text(row + ` [data-column="username"]`); got != owner.name {
		t.Errorf("the token is said to be of %q", got)
	}
	if got := g.text(row + ` [data-column="role"]`); got != string(reader) {
		t.Errorf("the owner's role is said to be %q", got)
	}
	g.press("Revoke " + mark + " owner's")
	g.says("dialog[open]", owner.name)
	g.press("Revoke token")
	g.says(".toast", mark+" owner's")
	if got := shared.bearer(t, foreign.Token).works(); got != http.StatusUnauthorized {
		t.Errorf("the revoked token answers %d", got)
	}
	if got := shared.bearer(t, theirs.Token).works(); got != http.StatusOK {
		t.Errorf("the other's token answers %d", got)
	}
}

func TestStatusAndNearEndOfATokenAreSeen(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, reader)
	const day = 24 * 60 * 60
	shared.shortToken(t, u, "ends within 7 days", 7*day-60)
	shared.shortToken(t, u, "ends later", 8*day)
	revoked := shared.newToken(t, u, "revoked")
	shared.bearer(t, revoked.Token).revoke(revoked.TokenID)
	expired := shared.shortToken(t, u, "expired", 1)
	eventually(t, pagePatience, "the token to expire", func() bool {
		return shared.bearer(t, expired.Token).works() == http.StatusUnauthorized
	})
	g := newPage(t, shared)
	g.signIn(u)
	if got := g.text(g.row("ends within 7 days") + ` [data-column="expires_at"]`); got != "in 7 daysExpires soon" {
		t.Errorf("what ends within 7 days shows %q", got)
	}
	if got := g.text(g.row("ends later") + ` [data-column="expires_at"]`); got != "in 8 days" {
		t.Errorf("what ends later shows %q", got)
	}
	if names := g.names(); !slices.Equal(names, []string{"ends later", "ends within 7 days"}) {
		t.Errorf("active are %q", names)
	}
	for _, name := range []string{"expired", "revoked"} {
		tab := strings.ToUpper(name[:1]) + name[1:]
		g.press(tab)
		g.isAt("/settings/tokens?status=" + name)
		row := g.row(name)
		if names := g.names(); len(names) != 1 {
			t.Errorf("%s are %q", tab, names)
		}
		if g.has(row + " button") {
			t.Errorf("what is %s can be revoked", name)
		}
		if got := eval[string](g, `document.querySelector('`+row+` time').dateTime`); !strings.HasSuffix(got, "Z") {
			t.Errorf("the exact time is %q", got)
		}
	}
	g.capture("revoked-tokens")
	g.do("back", chromedp.NavigateBack())
	g.isAt("/settings/tokens?status=expired")
	g.row("expired")
}

func TestUnreachableServerIsToldAndNothingIsLost(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	shared.newToken(t, u, "still there")
	g := newPage(t, shared)
	g.signIn(u)
	row := g.row("still there")
	g.expect("ERR_INTERNET_DISCONNECTED")
	g.offline(true)
	g.press("Reload")
	g.says(`.tokens [role="alert"]`, "The server cannot be reached.")
	if !g.has(row) {
		t.Error("the list is gone")
	}
	g.press("Revoke still there")
	g.press("Revoke token")
	g.says(".toast.error", "Not revoked: “still there”")
	g.shows(row)
	g.capture("offline")
	g.press("Generate token")
	g.shows("dialog[open]")
	g.fill("#token-name", "later")
	g.press("Generate token")
	g.says(`dialog [role="alert"]`, "The server cannot be reached.")
	g.offline(false)
	g.press("Generate token")
	g.secret()
	g.press("Try again")
	g.hides(`.tokens [role="alert"]`)
	if names := g.names(); !slices.Equal(names, []string{"later", "still there"}) {
		t.Errorf("afterwards there are %q", names)
	}
}

// offline cuts the page off the network.
func (g *page) offline(yes bool) {
	g.t.Helper()
	g.command(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
			MatchedNetworkConditions: []*network.Conditions{{Offline: yes, DownloadThroughput: -1, UploadThroughput: -1}},
		})
		return err
	})
}
