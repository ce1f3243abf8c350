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
	const many = 250
	u := instanceA.newUser(t, writer)
	makeTokens(t, u, many)
	g := newPage(t, shared)
	g.signIn(u)
	g.says(".pager", fmt.Sprintf("1–25 of %d", many))
	g.says(".pager", "Page 1 of 10")
	g.capture("many-tokens")

	_, cookie := shared.signIn(t, u)
	want := ids(shared.cookie(t, cookie).list("?limit=1000"))
	got := g.rows()
	for page := 2; page <= 10; page++ {
		g.press("Next page")
		g.says(".pager", fmt.Sprintf("Page %d of 10", page))
		got = append(got, g.rows()...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the pages hold %d tokens, not the %d that the API lists in its order", len(got), len(want))
	}
	g.press("Next page") // there is none
	g.says(".pager", "Page 10 of 10")
	g.press("Previous page")
	g.says(".pager", "Page 9 of 10")

	g.press("Name")
	g.sees("ascending", `document.querySelector("th").ariaSort === "ascending"`)
	g.says(".pager", "Page 1 of 10")
	if names := g.names(); names[0] != "token 1" || names[1] != "token 2" || names[9] != "token 10" {
		t.Errorf("by name: %q", names[:10])
	}
	g.press("Name")
	g.sees("descending", `document.querySelector("th").ariaSort === "descending"`)
	if names := g.names(); names[0] != "token 250" || names[24] != "token 226" {
		t.Errorf("by name, turned round: %q", names)
	}

	g.fill(".search input", "TOKEN 24")
	g.says(".count", fmt.Sprintf("13 of %d tokens", many))
	if names := g.names(); len(names) != 13 || names[0] != "token 249" || names[12] != "token 24" {
		t.Errorf("found %q", names)
	}
	// How one looks at the table is kept while one looks at one token.
	g.press("token 245")
	g.says("h1", "token 245")
	g.press("Personal access tokens")
	g.says(".count", fmt.Sprintf("13 of %d tokens", many))
	g.fill(".search input", want[7])
	g.says(".count", fmt.Sprintf("1 of %d tokens", many))
	if rows := g.rows(); len(rows) != 1 || rows[0] != want[7] {
		t.Errorf("by ID: found %q", rows)
	}
	g.fill(".search input", "no such token")
	g.says(".empty", "No token matches “no such token”")
	g.press("Clear the search")
	g.says(".count", fmt.Sprintf("%d tokens", many))
	eval[bool](g, `(e => { e.value = "100"; return e.dispatchEvent(new Event("change", { bubbles: true })); })(document.querySelector(".pager select"))`)
	g.says(".pager", "Page 1 of 3")
	if rows := g.rows(); len(rows) != 100 {
		t.Errorf("a page of 100 has %d rows", len(rows))
	}
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
	if names := g.names(); len(names) != 2 || slices.Contains(names, mark+" elsewhere") {
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
