package e2e

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/falkorpat/falkorpat/crypto"
)

// What people do in a page, and what they see there.

// open visits an address of the program.
func (g *page) open(path string) {
	g.t.Helper()
	g.do("open "+path, chromedp.Navigate(g.p.url+g.p.basePath()+path))
}

// basePath is the prefix that the program was started with.
func (p *program) basePath() string {
	for _, argument := range p.options.args {
		if base, ok := strings.CutPrefix(argument, "--base-path="); ok {
			return base
		}
	}
	return ""
}

// sees waits until a JavaScript expression is true.
func (g *page) sees(what, expression string) {
	g.t.Helper()
	eventually(g.t, pagePatience, what+" ("+expression+")", func() bool {
		// While a page is being left, there is nothing to ask.
		seen, err := tryEval[bool](g, "!!("+expression+")")
		return err == nil && seen
	})
}

// shows waits until an element is there.
func (g *page) shows(css string) {
	g.t.Helper()
	g.sees("element", "document.querySelector("+quoted(css)+")")
}

// hides waits until an element is gone.
func (g *page) hides(css string) {
	g.t.Helper()
	g.sees("no element", "!document.querySelector("+quoted(css)+")")
}

// says waits until an element has a text somewhere in it.
func (g *page) says(css, text string) {
	g.t.Helper()
	g.sees("text", "document.querySelector("+quoted(css)+")?.textContent.includes("+quoted(text)+")")
}

// isAt waits until the page's address is this one, without the base path.
func (g *page) isAt(path string) {
	g.t.Helper()
	g.sees("address", "location.pathname + location.search === "+quoted(g.p.basePath()+path))
}

// has tells whether an element is there now.
func (g *page) has(css string) bool {
	g.t.Helper()
	return eval[bool](g, "!!document.querySelector("+quoted(css)+")")
}

// text is what an element says now.
func (g *page) text(css string) string {
	g.t.Helper()
	g.shows(css)
	return eval[string](g, "document.querySelector("+quoted(css)+").textContent")
}

// texts are what all such elements say now.
func (g *page) texts(css string) []string {
	g.t.Helper()
	return eval[[]string](g, "[...document.querySelectorAll("+quoted(css)+")].map(e => e.textContent)")
}

// click clicks the first such element.
func (g *page) click(css string) {
	g.t.Helper()
	g.do("click "+css, chromedp.Click(chromedp.CSS(css)))
}

// press presses the button or follows the link of this name, in the open dialog
// if there is one.
func (g *page) press(name string) {
	g.t.Helper()
	named := `[...(document.querySelector("dialog[open]") ?? document).querySelectorAll("button, a")]
		.find(e => (e.getAttribute("aria-label") ?? e.textContent.trim()) === ` + quoted(name) + `)`
	g.sees("something named "+name, named)
	g.do("press "+name, chromedp.Click(chromedp.JSPath(named)))
}

// fill replaces what is in a field, as pasting does.
func (g *page) fill(css, text string) {
	g.t.Helper()
	g.do("focus "+css, chromedp.Focus(chromedp.CSS(css)))
	eval[bool](g, "(document.querySelector("+quoted(css)+").select(), true)")
	g.insert(text)
}

// insert puts a text where the focus is.
func (g *page) insert(text string) {
	g.t.Helper()
	if text == "" {
		g.key(kb.Backspace)
		return
	}
	g.command(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text})
		return err
	})
}

// key presses keys, one after the other.
func (g *page) key(keys string, options ...chromedp.KeyOption) {
	g.t.Helper()
	g.do("press keys", chromedp.KeyEvent(keys, options...))
}

// focused is the name of what has the focus: its text, label or id.
func (g *page) focused() string {
	g.t.Helper()
	return eval[string](g, `(e => e.id || e.getAttribute("aria-label") || e.textContent.trim())(document.activeElement)`)
}

// signIn signs a user in, wherever the page is, waits for the list, and
// remembers the cookie as a secret.
func (g *page) signIn(u user) {
	g.t.Helper()
	g.open("/sign-in")
	g.enter(u)
	g.shows(".account")
	g.shows(".tokens .empty, .token-table")
	g.cookie()
}

// enter fills the sign-in form in and sends it off.
func (g *page) enter(u user) {
	g.t.Helper()
	g.shows("#username")
	g.fill("#username", u.name)
	g.fill("#password", u.password)
	// With one instance there is nothing to choose.
	g.sees("the instances", `document.querySelector("#instance, .sign-in-card p code")`)
	eval[bool](g, `(() => {
		const choice = document.querySelector("#instance");
		if (!choice) return true;
		choice.value = [...choice.options].find(o => o.value.endsWith(":`+strconv.Itoa(u.at.port)+`")).value;
		return choice.dispatchEvent(new Event("change", { bubbles: true }));
	})()`)
	g.key(kb.Enter)
}

// cookie is the page's session cookie; nil when there is none.
func (g *page) cookie() *http.Cookie {
	g.t.Helper()
	var found *http.Cookie
	g.command(func(ctx context.Context) error {
		result, err := chromedp.Call(ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{g.p.url + g.p.basePath() + "/"}})
		if err != nil {
			return err
		}
		for _, cookie := range result.Cookies {
			if cookie.Name != crypto.SessionCookie {
				continue
			}
			if !cookie.HTTPOnly || cookie.SameSite != network.CookieSameSiteLax {
				g.t.Errorf("the session cookie is not HttpOnly and SameSite=Lax: %+v", cookie)
			}
			secrets.add(kindCookie, cookie.Value)
			found = &http.Cookie{Name: cookie.Name, Value: cookie.Value}
		}
		return nil
	})
	return found
}

// endSession ends the page's session without the page's knowing, as the passing
// of time does.
func (g *page) endSession() {
	g.t.Helper()
	cookie := g.cookie()
	if cookie == nil {
		g.t.Fatal("nobody is signed in")
	}
	if got := g.p.cookie(g.t, cookie).send(http.MethodDelete, g.p.basePath()+"/api/auth/session", nil).status; got != http.StatusNoContent {
		g.t.Fatalf("sign out: %d", got)
	}
}

// generate makes a token in the dialog, with the expiry that is preselected
// unless an expiry is given, and gives its text.
func (g *page) generate(name string, expiry ...string) string {
	g.t.Helper()
	g.press("Generate token")
	g.shows("dialog[open]")
	g.fill("#token-name", name)
	for _, one := range expiry {
		g.choose(one)
	}
	g.press("Generate token")
	return g.secret()
}

// choose picks an expiry in the dialog: "30", "60", "90", "custom" or "never".
func (g *page) choose(expiry string) {
	g.t.Helper()
	g.click(`.segment:has([value="` + expiry + `"])`)
}

// secret is the text of the token that has just been made, once its card is whole.
func (g *page) secret() string {
	g.t.Helper()
	token := g.text(`[data-secret="token"]`)
	secrets.addToken(token)
	g.shows(`[data-secret="curl"]`)
	return token
}

// row is a selector for the row of the token with this name.
func (g *page) row(name string) string {
	g.t.Helper()
	find := `[...document.querySelectorAll("[data-token]")].find(row => row.querySelector(".token-name").textContent === ` + quoted(name) + `)`
	g.sees("the row of "+name, find)
	return `[data-token="` + eval[string](g, find+".dataset.token") + `"]`
}

// names are those of the tokens in the table, as it shows them.
func (g *page) names() []string {
	g.t.Helper()
	return g.texts(".token-name")
}
