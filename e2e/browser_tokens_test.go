package e2e

import (
	"bytes"
	"context"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"github.com/falkorpat/falkorpat/gen/client"
)

func TestEveryExpirationChoiceMakesThatExpiry(t *testing.T) {
	t.Parallel()
	g := newPage(t, shared)
	u := instanceA.newUser(t, writer)
	g.signIn(u)
	day := 24 * time.Hour
	inDays := func(days int) time.Time { return time.Now().Add(time.Duration(days) * day) }
	chosen := time.Now().AddDate(0, 0, 45)
	endOfChosen := time.Date(chosen.Year(), chosen.Month(), chosen.Day(), 23, 59, 59, 0, time.Local)
	for _, test := range []struct {
		name   string
		expiry []string
		want   time.Time
	}{
		{"preselected", nil, inDays(30)},
		{"thirty", []string{"30"}, inDays(30)},
		{"sixty", []string{"60"}, inDays(60)},
		{"ninety", []string{"90"}, inDays(90)},
		{"custom", []string{"custom"}, endOfChosen},
		{"never", []string{"never"}, time.Time{}},
	} {
		g.press("Generate token")
		g.shows("dialog[open]")
		g.fill("#token-name", test.name)
		for _, expiry := range test.expiry {
			g.choose(expiry)
		}
		if test.name == "custom" {
			g.do("focus the day", chromedp.Focus(chromedp.CSS("#expiry-date")))
			g.key(chosen.Format("01022006"))
		}
		if warns := g.has("dialog .alert.warning"); warns != (test.name == "never") {
			t.Errorf("%s: warns %v", test.name, warns)
		}
		g.capture("generate-" + test.name)
		g.press("Generate token")
		got := shared.bearer(t, g.secret()).list("").Tokens
		mine := got[indexOf(t, got, test.name)]
		switch {
		case test.want.IsZero() && mine.ExpiresAt != nil:
			t.Errorf("%s: expires at %s", test.name, mine.ExpiresAt)
		case test.want.IsZero():
			g.says(".secret", "It never expires.")
		case mine.ExpiresAt == nil || mine.ExpiresAt.Sub(test.want).Abs() > time.Minute:
			t.Errorf("%s: expires at %v, want %s", test.name, mine.ExpiresAt, test.want)
		default:
			g.says(".secret", "It expires on "+mine.ExpiresAt.Local().Format("January 2, 2006"))
		}
		g.press("Dismiss")
	}
}

func indexOf(t *testing.T, tokens []client.Token, name string) int {
	t.Helper()
	for i, token := range tokens {
		if token.Name == name {
			return i
		}
	}
	t.Fatalf("no token %q", name)
	return 0
}

func TestImpossibleTokensAreRefusedAtTheField(t *testing.T) {
	t.Parallel()
	g := newPage(t, shared)
	g.signIn(instanceA.newUser(t, writer))
	g.press("Generate token")
	g.shows("dialog[open]")
	for _, test := range []struct{ name, day, at, complaint string }{
		{"", "", "#token-name-error", "Give the token a name."},
		{"   ", "", "#token-name-error", "Give the token a name."},
		{strings.Repeat("🧪", 101), "", "#token-name-error", "At most 100 characters; these are 101."},
		{"a\tb", "", "#token-name-error", "control characters"},
		{"fine", "none", "#expiry-date-error", "Choose the last day"},
		{"fine", time.Now().AddDate(0, 0, -2).Format("01022006"), "#expiry-date-error", "Choose today or a later day."},
		{"fine", time.Now().AddDate(2, 0, 0).Format("01022006"), "#expiry-date-error", "at most 365 days ahead"},
	} {
		g.fill("#token-name", test.name)
		if test.day != "" {
			g.choose("custom")
		}
		if test.day != "" && test.day != "none" {
			g.do("focus the day", chromedp.Focus(chromedp.CSS("#expiry-date")))
			g.key(test.day)
		}
		g.press("Generate token")
		g.says(test.at, test.complaint)
		if got, want := "#"+g.focused()+"-error", test.at; got != want {
			t.Errorf("%q, %s: the focus is not at the fault %s but at %s", test.name, test.day, want, got)
		}
	}
	if g.sent(http.MethodPost, "/api/auth/tokens") != nil {
		t.Error("something impossible was sent")
	}
}

// The promise of the whole page: a person copies a token, and it works
// elsewhere, is seen to be used, and stops working when it is revoked.
func TestCopiedTokenWorksWithCurlUntilItIsRevoked(t *testing.T) {
	t.Parallel()
	g := newPage(t, shared)
	u := instanceA.newUser(t, writer)
	graph := newGraph(t)
	shared.bearer(t, shared.newToken(t, u, "fills the graph").Token).rows(graph, "CREATE (:A) RETURN 1")
	g.signIn(u)
	token := g.generateFor("for curl", graph)
	g.capture("token-created")
	g.says(".secret", "it will not be shown again")

	browser.clipboard.Lock()
	defer browser.clipboard.Unlock()
	g.allowClipboard()
	g.press("Copy token")
	g.says(".secret .primary", "Copied")
	if got := g.clipboard(); got != token {
		t.Error("the clipboard does not hold the token")
	}
	g.press("Copy command")
	g.sees("the command copied", `[...document.querySelectorAll(".secret .copy")].every(e => e.textContent.includes("Copied"))`)
	command := g.clipboard()
	if command != g.text(`[data-secret="curl"]`) || !strings.Contains(command, token) {
		t.Errorf("the command is %q", strings.ReplaceAll(command, token, "[TOKEN]"))
	}
	if got := g.pasted(command); !strings.Contains(got, `"rows":[[`) || !strings.HasSuffix(got, "200") {
		t.Errorf("the command answers %s", got)
	}
	g.press("Done")
	g.hides(".secret")

	row := g.row("for curl")
	eventually(t, pagePatience, "the use to show", func() bool {
		g.press("Reload")
		return strings.Contains(g.text(row+` [data-column="last_used"]`), "from 127.0.0.1")
	})
	if got := eval[string](g, `document.querySelector('`+row+` [data-column="last_used"] time').title`); !strings.Contains(got, time.Now().UTC().Format("2006")) {
		t.Errorf("the exact time of the last use is given as %q", got)
	}
	g.press("for curl")
	g.says("h1", "for curl")
	g.says(".details", "curl/")
	g.says(".details", "127.0.0.1")
	g.capture("token-details")
	g.press("Personal access tokens")

	g.press("Revoke for curl")
	g.says("dialog[open] h2", "for curl")
	g.capture("revoke")
	g.press("Revoke token")
	g.hides(row)
	g.says(".toast", "for curl")
	if got := g.pasted(command); !strings.Contains(got, "Not authenticated") || !strings.HasSuffix(got, "401") {
		t.Errorf("after revoking, the command answers %s", got)
	}
	g.press("Revoked")
	g.isAt("/settings/tokens?status=revoked")
	g.shows(row)
	g.press("for curl")
	g.says(".details", "Revoked")
	if g.has(".page-head button") {
		t.Error("a revoked token can be revoked again")
	}
}

// allowClipboard lets the page write, and this test read, the clipboard, as a
// person does who presses the button and then pastes.
func (g *page) allowClipboard() {
	g.t.Helper()
	id := chromedp.FromContext(g.ctx).BrowserContextID
	g.command(func(ctx context.Context) error {
		for _, name := range []string{"clipboard-read", "clipboard-write"} {
			_, err := chromedp.CallBrowser(ctx, cdpbrowser.SetPermission, cdpbrowser.SetPermissionParams{
				Permission: &cdpbrowser.PermissionDescriptor{Name: name}, Setting: cdpbrowser.PermissionSettingGranted,
				Origin: g.p.url, BrowserContextID: id,
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// clipboard is the text on the clipboard.
func (g *page) clipboard() string {
	g.t.Helper()
	return eval[string](g, "navigator.clipboard.readText()")
}

// pasted runs a pasted curl command in a shell, and gives the answer's
// body and status.
func (g *page) pasted(command string) string {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), requestPatience)
	defer cancel()
	var output, errors bytes.Buffer
	cmd := exec.CommandContext(ctx, "sh", "-c", command+` -sS -w '%{http_code}'`)
	cmd.Stdout, cmd.Stderr = &output, &errors
	if err := cmd.Run(); err != nil {
		g.t.Fatalf("%v: %s", err, errors.String())
	}
	return output.String()
}
