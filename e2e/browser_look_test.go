package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/gen/client"
	"github.com/falkorpat/falkorpat/store"
)

func TestNamesAreShownExactlyAndNeverExecuted(t *testing.T) {
	t.Parallel()
	u := user{name: unique(strings.Repeat("W", 110)), password: newPassword(), role: writer, at: instanceA}
	if err := instanceA.makeUser(u); err != nil {
		t.Fatal(err)
	}
	g := newPage(t, shared)
	g.signIn(u)
	for _, name := range []string{
		strings.Repeat("🧪", 100),
		"👩\u200d👩\u200d👧\u200d👦 e\u0301 İ",
		"رمز الوصول الليلي 123",
		"\u202eright to left\u202c mixed שלום",
		"<script>globalThis.harmed = 1</script>",
		`"><img src=x onerror="globalThis.harmed = 1">`,
		"{{7*7}} ${7*7} &lt;b&gt; %3Cscript%3E",
		`C:\temp\ 'it''s' "quoted" \u003c`,
		strings.Repeat("W", 100),
	} {
		g.generate(name)
		shown := map[string]string{"the new token": g.text(".secret h2 bdi")}
		g.press("Dismiss")
		row := g.row(name)
		g.press("Revoke " + name)
		shown["the question"] = g.text("dialog[open] h2 bdi")
		g.press("Cancel")
		g.hides("dialog[open]")
		g.click(row + " .token-name")
		g.shows(".details")
		shown["the details"] = g.text("h1 bdi")
		for where, got := range shown {
			if got != name {
				t.Errorf("%s show %q instead of %q", where, got, name)
			}
		}
		if strings.HasPrefix(name, "رمز") {
			if got := eval[string](g, `getComputedStyle(document.querySelector("h1 bdi")).direction`); got != "rtl" {
				t.Errorf("%q runs %s", name, got)
			}
		}
		g.press("Personal access tokens")
		g.shows(".token-table")
	}
	if eval[bool](g, "globalThis.harmed !== undefined") {
		t.Error("a name was executed")
	}
	g.press("Sign out")
	g.isAt("/sign-in")
	g.signIn(instanceA.newUser(t, admin))
	g.shows(".search")
	g.press("Filters")
	g.shows("#filter-user")
	g.fill("#filter-user", u.name)
	g.says(".count", "9 tokens")
	for _, width := range []int64{1280, 800, 390} {
		g.look("light", width, 844)
		g.fits(fmt.Sprintf("the list of odd names at %d pixels", width))
		g.capture(fmt.Sprintf("odd-names-%d", width))
	}
}

// fits checks that a page does not have to be moved sideways.
func (g *page) fits(what string) {
	g.t.Helper()
	if wider := eval[int](g, "document.documentElement.scrollWidth - innerWidth"); wider > 0 {
		g.t.Errorf("%s is %d pixels too wide", what, wider)
	}
}

// axeFile is the accessibility checker, as server/web/build.sh fetches it.
const axeFile = "../server/web/node_modules/axe-core/axe.min.js"

// isAccessible lets axe look at the page as it is.
func (g *page) isAccessible(what string) {
	g.t.Helper()
	source, err := os.ReadFile(axeFile)
	if err != nil {
		g.t.Fatalf("run server/web/build.sh packages: %v", err)
	}
	eval[bool](g, string(source)+"\n;true")
	report := eval[string](g, `axe.run().then(found => JSON.stringify(found.violations.map(v =>
		({ rule: v.id, impact: v.impact, at: v.nodes.map(n => n.html.slice(0, 160) + " " + (n.any[0]?.message ?? "")) }))))`)
	var violations []struct {
		Rule, Impact string
		At           []string
	}
	if err := json.Unmarshal([]byte(report), &violations); err != nil {
		g.t.Fatal(err)
	}
	for _, violation := range violations {
		g.t.Errorf("%s: axe finds %s (%s) at %q", what, violation.Rule, violation.Impact, violation.At)
	}
}

func TestPagesAreAccessibleAndFitEveryScreen(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	created := shared.newToken(t, u, "first")
	shared.shortToken(t, u, "ends soon", 24*60*60)
	revoked := shared.newToken(t, u, "revoked")
	shared.bearer(t, revoked.Token).revoke(revoked.TokenID)
	g := newPage(t, shared)
	g.open("/sign-in")
	g.shows("#instance")
	g.click("[name=tls]")
	g.checkLooks("sign-in")
	g.signIn(u)
	g.row("first")
	g.checkLooks("tokens")
	g.press("Generate token")
	g.shows("dialog[open]")
	g.checkLooks("generate")
	g.choose("never")
	g.press("Generate token")
	g.shows("#token-name-error")
	g.checkLooks("generate-refused")
	g.fill("#token-name", "new")
	g.press("Generate token")
	g.secret()
	g.checkLooks("created")
	g.press("Dismiss")
	g.press("Revoke new")
	g.shows("dialog[open]")
	g.checkLooks("revoke")
	g.press("Revoke token")
	g.shows(".toast")
	g.checkLooks("revoked")
	g.press("Expired")
	g.shows(".empty")
	g.checkLooks("empty")
	g.open("/settings/tokens/" + created.TokenID)
	g.shows(".details")
	g.checkLooks("details")
	g.expect("status of 404")
	g.open("/settings/tokens/1-00000000")
	g.shows(`[role="alert"]`)
	g.checkLooks("not-found")
}

// checkLooks looks at a state of the page by day and by night, on a desk and on
// a phone.
func (g *page) checkLooks(state string) {
	g.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 390} {
			g.look(scheme, width, 844)
			name := fmt.Sprintf("look-%s-%s-%d", state, scheme, width)
			g.isAccessible(name)
			g.fits(name)
			g.capture(name)
		}
	}
	g.look("light", 1280, 800)
}

// The pictures in the README come from here; what they show has a past, which
// the API cannot make, so it is written to the store.
func TestPicturesForTheREADMEAreTaken(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{instances: instanceA.addr()})
	hour := time.Hour
	for _, one := range []struct {
		name                string
		role                string
		age, lifetime, idle time.Duration
		from, with          string
		limits              string
	}{
		{"backup-restore", "boss", 200 * 24 * hour, 0, 49 * hour, "10.4.0.9", "falkordb-cli/1.4", `"allowedIps":["10.4.0.0/24"]`},
		{"Ana's notebook", "writer", 80 * 24 * hour, 90 * 24 * hour, 31 * 24 * hour, "198.51.100.4", "python-requests/2.32", ``},
		{"Nightly import", "writer", 58 * 24 * hour, 60 * 24 * hour, 9 * hour, "10.4.0.12", "falkordb-py/1.2", `"permissions":["graph:read","graph:write"],"graphs":["social","tenant-*"]`},
		{"Grafana dashboards", "reader", 12 * 24 * hour, 90 * 24 * hour, 20 * time.Second, "10.4.0.31", "Grafana/12", `"permissions":["graph:read"],"graphs":["metrics"]`},
		{"Quarterly report", "reader", 9 * 24 * hour, 30 * 24 * hour, 0, "", "", ``},
		{"CI/CD Pipeline Token", "boss", 3 * 24 * hour, 30 * 24 * hour, 21 * time.Minute, "192.0.2.17", "curl/8.5.0", ``},
	} {
		created := p.limitedToken(t, instanceA.user(t, one.role), one.name, one.limits)
		p.age(t, created.TokenID, one.age, one.lifetime, one.idle, one.from, one.with)
	}
	g := newPage(t, p)
	g.signIn(instanceA.user(t, "boss"))
	g.row("Nightly import")
	for _, scheme := range []string{"light", "dark"} {
		g.look(scheme, 1280, 720)
		g.capture("ui-" + scheme)
	}
	if names := g.names(); len(names) != 6 || names[0] != "CI/CD Pipeline Token" || names[5] != "backup-restore" {
		t.Errorf("the picture shows %q", names)
	}
	if got := len(g.texts(".badge.soon")); got != 1 {
		t.Errorf("%d tokens are marked to end soon, want 1", got)
	}
}

// limitedToken makes a token with limits, which complete a JSON object.
func (p *program) limitedToken(t *testing.T, u user, name, limits string) client.TokenCreated {
	t.Helper()
	_, cookie := p.signIn(t, u)
	if limits != "" {
		limits = "," + limits
	}
	return isCreatedAnyhow(t, p.cookie(t, cookie).post("/api/auth/tokens", `{"name":`+quoted(name)+limits+`}`))
}

// age gives a token a past; a lifetime or idleness of 0 is none.
func (p *program) age(t *testing.T, id string, age, lifetime, idle time.Duration, from, with string) {
	t.Helper()
	created := time.Now().Add(-age).Unix()
	expires, used := int64(-1), int64(-1)
	if lifetime > 0 {
		expires = created + int64(lifetime.Seconds())
	}
	if idle > 0 {
		used = time.Now().Add(-idle).Unix()
	}
	query := fmt.Sprintf(`CYPHER id=%s from=%s with=%s MATCH (t:Token {token_id: $id})
		SET t.created_at = %d, t.expires_at = %d, t.last_used = %d, t.last_used_ip = $from, t.last_used_agent = $with RETURN count(t)`,
		quoted(id), quoted(from), quoted(with), created, expires, used)
	if err := p.store(t).Do(t.Context(), "GRAPH.QUERY", store.DefaultGraph, query).Err(); err != nil {
		t.Fatal(err)
	}
}
