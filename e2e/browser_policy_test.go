package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

func TestDialogOffersWhatThePolicyAllows(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args   []string
		labels string
		want   time.Duration
	}{
		{[]string{"--default-lifetime", "60d", "--max-lifetime", "90d", "--never-expiring", "forbid"}, "30 days,60 days,90 days,Custom", 60 * day},
		{[]string{"--default-lifetime", "12h", "--max-lifetime", "7d", "--never-expiring", "forbid"}, "12 hours,7 days,Custom", 12 * time.Hour},
		{nil, "30 days,60 days,90 days,Custom,Never", 30 * day},
	} {
		p := startProgram(t, options{args: test.args})
		g := newPage(t, p)
		g.signIn(instanceA.newUser(t, writer))
		g.press("Generate token")
		offered := `[...document.querySelectorAll("dialog .segment")].map(e => e.textContent).join()`
		g.sees("what is allowed", offered+" === "+quoted(test.labels))
		if hint := g.has("#expiry-note .hint") && len(test.args) > 0; hint {
			g.says("#expiry-note", "are allowed here.")
		}
		if len(test.args) > 0 {
			g.checkLooks("policy")
		}
		g.fill("#token-name", "preselected")
		g.press("Generate token")
		got := p.bearer(t, g.secret()).list("").Tokens[0].ExpiresAt
		if got == nil || time.Until(got.Add(-test.want)).Abs() > time.Minute {
			t.Errorf("%q: expires at %v, want in %s", test.args, got, test.want)
		}
	}
}

func TestADayBeyondThePolicyIsRefusedAtTheField(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{args: strict})
	g := newPage(t, p)
	g.signIn(instanceA.newUser(t, writer))
	g.press("Generate token")
	g.sees("the policy", `!document.querySelector("[name=expiry][value=never]")`)
	g.fill("#token-name", "too long")
	g.choose("custom")
	g.do("focus the day", chromedp.Focus(chromedp.CSS("#expiry-date")))
	g.key(time.Now().AddDate(0, 0, 120).Format("01022006"))
	g.press("Generate token")
	g.says("#expiry-date-error", "at most 89 days ahead")
}

func TestTokenAgainstThePolicyIsMarked(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{instances: instanceA.addr()})
	u := instanceA.newUser(t, writer)
	endless, long := p.newToken(t, u, "endless"), p.shortToken(t, u, "long", 200*24*60*60)
	p.newToken(t, u, "other")
	p.shortToken(t, u, "fine", 30*24*60*60)
	p = tightened(t, p, append([]string{"--existing-tokens", "block"}, strict...)...)
	g := newPage(t, p)
	g.signIn(u)
	for name, want := range map[string]bool{"endless": true, "long": true, "fine": false} {
		if got := g.has(g.row(name) + " .against"); got != want {
			t.Errorf("%s is marked: %t", name, got)
		}
	}
	g.checkLooks("against-policy")
	g.open("/settings/tokens/" + endless.TokenID)
	g.says(".alert.warning", "never expires, which is not allowed any more. It is refused because of that.")
	g.press("Rotate token")
	g.press("Rotate token")
	g.says(".secret", "It expires on")
	if got := p.bearer(t, g.secret()).works(); got != http.StatusOK {
		t.Errorf("the new token answers %d", got)
	}
	g.press("Dismiss")
	g.hides(".alert.warning")
	g.open("/settings/tokens/" + long.TokenID)
	g.says(".alert.warning", "longer than the longest lifetime of 90 days. It is refused")
	g.checkLooks("violation")
}
