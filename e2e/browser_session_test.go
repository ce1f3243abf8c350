package e2e

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestEveryRoleSignsInAndOutInTheBrowser(t *testing.T) {
	t.Parallel()
	g := newPage(t, shared)
	for _, name := range []string{"boss", "writer", "reader", `o'brien"\`, "ünïcødé-用户", "guest"} {
		for _, at := range []*database{instanceA, instanceB} {
			u := at.user(t, name)
			g.open("/")
			g.isAt("/sign-in")
			g.enter(u)
			g.isAt("/settings/tokens")
			g.says(".account", u.name)
			g.says(".account", string(u.role))
			g.says(".account", at.canonical())
			cookie := g.cookie()
			g.press("Sign out")
			g.isAt("/sign-in")
			g.says("form", "You have signed out.")
			if g.cookie() != nil {
				t.Errorf("%s: still has a session cookie after signing out", name)
			}
			if got := shared.cookie(t, cookie).works(); got != http.StatusUnauthorized {
				t.Errorf("%s: the session of before answers %d", name, got)
			}
		}
	}
}

// canonical is how the program names the instance.
func (d *database) canonical() string { return net.JoinHostPort("localhost", strconv.Itoa(d.port)) }

func TestWrongPasswordIsToldAndCanBeTypedOver(t *testing.T) {
	t.Parallel()
	g := newPage(t, shared)
	u := instanceB.newUser(t, reader)
	wrong := u
	wrong.password = newPassword()
	g.open("/settings/tokens?status=revoked")
	g.enter(wrong)
	g.says(`form [role="alert"]`, "Invalid credentials or connection failed")
	g.capture("sign-in-wrong-password")
	if got := eval[string](g, `document.querySelector("#username").value`); got != u.name {
		t.Errorf("the username has become %q", got)
	}
	if got := g.focused(); got != "password" {
		t.Fatalf("the focus is on %q", got)
	}
	// The wrong one is selected, so typing replaces it.
	g.insert(u.password)
	g.key(kb.Enter)
	g.isAt("/settings/tokens?status=revoked")
	g.says(".account", u.name)
}

func TestSignInFormIsReadyForPasswordManagers(t *testing.T) {
	t.Parallel()
	g := newPage(t, shared)
	g.open("/sign-in")
	g.shows("#username")
	for css, want := range map[string]string{"#username": "username", "#password": "current-password"} {
		if got := eval[string](g, `document.querySelector(`+quoted(css)+`).autocomplete`); got != want {
			t.Errorf("%s: autocomplete is %q, want %q", css, got, want)
		}
	}
	if got := eval[string](g, `document.querySelector("#password").type`); got != "password" {
		t.Errorf("the password's field has the type %q", got)
	}
	if got := g.focused(); got != "username" {
		t.Errorf("the focus is on %q", got)
	}
}

func TestEmptyUsernameStandsForDefault(t *testing.T) {
	t.Parallel()
	g := newPage(t, shared)
	g.signIn(user{at: instanceA, role: admin})
	g.says(".account", "default")
}

// One allowed instance leaves nothing to choose, several are offered in the
// operator's order.
func TestInstanceIsChosenOnlyWhereThereIsAChoice(t *testing.T) {
	t.Parallel()
	g := newPage(t, shared)
	g.open("/sign-in")
	g.shows("#instance")
	if got, want := g.texts("#instance option"), []string{instanceA.canonical(), instanceB.canonical()}; !slices.Equal(got, want) {
		t.Errorf("offers %q, want %q", got, want)
	}
	g = newPage(t, startProgram(t, options{instances: instanceB.addr()}))
	g.open("/sign-in")
	g.says(".sign-in-card p code", instanceB.canonical())
	if g.has("#instance") {
		t.Error("one instance is a choice")
	}
	g.signIn(instanceB.user(t, "reader"))
	g.says(".account", instanceB.canonical())
}

func TestCAFileIsCheckedAndSent(t *testing.T) {
	t.Parallel()
	g := newPage(t, shared)
	g.open("/sign-in")
	g.shows("#instance")
	if g.has("#ca") {
		t.Fatal("asks for a CA file without TLS")
	}
	g.click("[name=tls]")
	dir := t.TempDir()
	authority := newAuthority(t)
	files := map[string]string{
		"text.pem": "no certificate", "large.pem": strings.Repeat(authority, 200), "ca.pem": authority,
		"broken.pem": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	choose := func(name string) {
		g.do("choose a file", chromedp.SetUploadFiles(chromedp.CSS("#ca"), []string{filepath.Join(dir, name)}))
	}
	for name, complaint := range map[string]string{"text.pem": "no PEM certificate", "large.pem": "larger than 45 kB"} {
		choose(name)
		g.says("#ca-error", complaint)
		g.press("Sign in")
		if g.sent(http.MethodPost, "/api/auth/session") != nil {
			t.Errorf("%s: sent all the same", name)
		}
	}
	// What only the server can tell is shown at the same place.
	g.expect("status of 400")
	choose("broken.pem")
	g.hides("#ca-error")
	g.press("Sign in")
	g.shows("#ca-error")
	// A sound one is used; but this instance does not speak TLS.
	choose("ca.pem")
	g.press("Sign in")
	g.says(`form [role="alert"]`, "Invalid credentials or connection failed")
	var body struct {
		TLS bool   `json:"tls"`
		CA  []byte `json:"ca"`
	}
	if err := json.Unmarshal(g.sent(http.MethodPost, "/api/auth/session"), &body); err != nil {
		t.Fatal(err)
	}
	if !body.TLS || string(body.CA) != authority {
		t.Errorf("sends tls %v, ca %q", body.TLS, body.CA)
	}
}

// newAuthority makes the certificate of a certificate authority, as PEM.
func newAuthority(t *testing.T) string {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
}

// sent is the body of the latest request of this kind; nil when there is none.
func (g *page) sent(method, path string) []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, request := range slices.Backward(g.requests) {
		if request.Request.Method == method && request.Request.URL == g.p.url+g.p.basePath()+path {
			return bodyOf(request.Request)
		}
	}
	return nil
}

func bodyOf(request *network.Request) []byte {
	body := []byte{}
	for _, entry := range request.PostDataEntries {
		body = append(body, entry.Bytes...)
	}
	return body
}

func TestEndedSessionLeadsBackToWhereOneWas(t *testing.T) {
	t.Parallel()
	g := newPage(t, shared)
	u := instanceA.newUser(t, writer)
	g.signIn(u)
	g.press("Generate token")
	g.shows("dialog[open]")
	g.fill("#token-name", "half typed 🧪")
	g.choose("90")
	g.endSession()
	g.press("Generate token")
	g.isAt("/sign-in")
	g.says("form", "Your session has ended.")
	if got := eval[string](g, `document.querySelector("#username").value`); got != u.name {
		t.Errorf("the username is %q", got)
	}
	if got := eval[string](g, `document.querySelector("#password").value`); got != "" {
		t.Error("the password is still there")
	}
	g.enter(u)
	g.shows("dialog[open]")
	if got := eval[string](g, `document.querySelector("#token-name").value`); got != "half typed 🧪" {
		t.Errorf("the name has become %q", got)
	}
	if !eval[bool](g, `document.querySelector("[value='90']").checked`) {
		t.Error("the chosen expiry is lost")
	}
	g.press("Generate token")
	g.secret()
	g.says(".secret h2", "half typed 🧪")
}

func TestSomebodyElseDoesNotGetWhatWasTyped(t *testing.T) {
	t.Parallel()
	g := newPage(t, shared)
	first, second := instanceA.newUser(t, writer), instanceA.newUser(t, writer)
	g.signIn(first)
	g.press("Generate token")
	g.shows("dialog[open]")
	g.fill("#token-name", "mine alone")
	g.endSession()
	g.press("Generate token")
	g.isAt("/sign-in")
	g.enter(second)
	g.says(".account", second.name)
	g.shows(".tokens .empty")
	if g.has("dialog[open]") {
		t.Error("another user sees the half-filled dialog")
	}
}

// The way back is kept over a reload of the sign-in page.
func TestAddressOfOneTokenSurvivesSigningIn(t *testing.T) {
	t.Parallel()
	g := newPage(t, shared)
	u := instanceA.newUser(t, reader)
	created := shared.newToken(t, u, "linked to")
	g.open("/settings/tokens/" + created.TokenID)
	g.isAt("/sign-in")
	g.do("reload", chromedp.Reload())
	g.enter(u)
	g.isAt("/settings/tokens/" + created.TokenID)
	g.says("h1", "linked to")
}
