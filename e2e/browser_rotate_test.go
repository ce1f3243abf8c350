package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// openToken opens the page of the token with this name.
func (g *page) openToken(name string) {
	g.t.Helper()
	g.click(g.row(name) + " .token-name")
	g.says("h1", name)
	g.shows(".details")
}

func TestTokenIsRotatedInTheBrowserAndBothWorkMeanwhile(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	old := shared.newToken(t, u, "turning")
	g := newPage(t, shared)
	g.signIn(u)
	g.row("turning")
	g.openToken("turning")
	g.press("Rotate token")
	g.says("dialog[open]", "both work")
	g.checkLooks("rotate")
	g.press("Rotate token")
	token := g.secret()
	if token == old.Token {
		t.Fatal("the new secret is the old one")
	}
	g.says(".secret", "it will not be shown again")
	g.says(".advice.no", "the new one has not been used")
	g.checkLooks("rotated")
	for name, secret := range map[string]string{"old": old.Token, "new": token} {
		if got := shared.bearer(t, secret).works(); got != http.StatusOK {
			t.Errorf("the %s token answers %d", name, got)
		}
	}
	// The new token's page follows, and leads back to the old one.
	g.press("Dismiss")
	g.hides(".secret")
	g.sees("the new one's page", `location.pathname.startsWith("/settings/tokens/") && !location.pathname.endsWith(`+quoted(old.TokenID)+`)`)
	g.says(".details", "Took the place of")
	g.press(old.TokenID)
	g.isAt("/settings/tokens/" + old.TokenID)
	g.says(".details", "Its place was taken by")
	if got := eval[int](g, `[...document.querySelectorAll("button")].filter(e => e.textContent.includes("Rotate")).length`); got != 0 {
		t.Error("a rotated token can be rotated again")
	}
}

func TestOldTokenIsEndedEarlyAndTheNewOneKept(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		choice string
		want   int
	}{{"keep", http.StatusOK}, {"revoke", http.StatusUnauthorized}} {
		u := instanceA.newUser(t, writer)
		old := shared.newToken(t, u, "old")
		rotated := shared.bearer(t, old.Token).rotate("self", `{"graceSeconds":86400}`)
		if got := shared.bearer(t, rotated.Token).works(); got != http.StatusOK {
			t.Fatalf("the new token answers %d", got)
		}
		g := newPage(t, shared)
		g.signIn(u)
		g.open("/settings/tokens/" + old.TokenID)
		g.press("Revoke token")
		g.shows("dialog[open] [name=successor]")
		if !g.has("[name=successor][value=keep]:checked") {
			t.Error("the new token is not kept unless it is said")
		}
		g.click("[name=successor][value=" + test.choice + "]")
		g.capture("revoke-old-" + test.choice)
		g.press("Revoke token")
		g.says(".details", "Revoked")
		g.says(".advice.over", "The old token has ended")
		if got := shared.bearer(t, old.Token).works(); got != http.StatusUnauthorized {
			t.Errorf("%s: the old token answers %d", test.choice, got)
		}
		if got := shared.bearer(t, rotated.Token).works(); got != test.want {
			t.Errorf("%s: the new token answers %d", test.choice, got)
		}
	}
}

func TestGraceIsWhatWasChosen(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	g := newPage(t, shared)
	g.signIn(u)
	for _, test := range []struct {
		choice, hours string
		want          time.Duration
	}{{"0", "", 0}, {"3600", "", time.Hour}, {"86400", "", 24 * time.Hour}, {"604800", "", 168 * time.Hour}, {"custom", "12", 12 * time.Hour}} {
		old := shared.newToken(t, u, "grace "+test.choice)
		g.open("/settings/tokens/" + old.TokenID)
		g.press("Rotate token")
		g.shows("dialog[open]")
		g.click(`.segment:has([name=grace][value="` + test.choice + `"])`)
		if test.choice == "custom" {
			g.fill("#grace-hours", "200")
			g.press("Rotate token")
			g.says("#grace-hours-error", "at most 168")
			g.fill("#grace-hours", test.hours)
		}
		if warns := g.has("dialog .alert.warning"); warns != (test.want == 0) {
			t.Errorf("%s: warns %v", test.choice, warns)
		}
		g.press("Rotate token")
		rotation := shared.bearer(t, g.secret()).rotation(old.TokenID)
		if got := rotation.OldEndsAt.Sub(rotation.RotatedAt); (got - test.want).Abs() > 2*time.Second {
			t.Errorf("%s: the old token works on for %s", test.choice, got)
		}
		g.press("Dismiss")
	}
}

// Somebody's answer is lost on the way: trying again must not make a second
// token, and says where the first one is.
func TestLostAnswerLeadsToTheTokenThatWasMade(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	g := newPage(t, shared)
	g.signIn(u)
	// The request arrives, and its answer does not.
	eval[bool](g, `(() => {
		const real = fetch;
		let losing = true;
		globalThis.fetch = async (request, options) => {
			const answer = await real(request, options);
			if (losing && request.method === "POST") {
				losing = false;
				throw new TypeError("lost");
			}
			return answer;
		};
		return true;
	})()`)
	g.press("Generate token")
	g.shows("dialog[open]")
	g.fill("#token-name", "lost")
	g.press("Generate token")
	g.says(`dialog [role="alert"]`, "The server cannot be reached.")
	g.press("Generate token")
	g.says("dialog h2", "The token was made before")
	g.checkLooks("lost-answer")
	g.press("Open the token")
	g.says("h1", "lost")
	_, cookie := shared.signIn(t, u)
	if got := shared.cookie(t, cookie).list("").Tokens; len(got) != 1 {
		t.Errorf("there are %d tokens", len(got))
	}
	g.press("Rotate token")
	g.press("Rotate token")
	if got := shared.bearer(t, g.secret()).works(); got != http.StatusOK {
		t.Errorf("the token of the rotation answers %d", got)
	}
	if strings.Contains(g.text("main"), "undefined") {
		t.Error("something is undefined")
	}
}
