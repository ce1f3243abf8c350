package e2e

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// lastUse is what the store has of a token's latest use.
func (p *program) lastUse(t *testing.T, id string) (at int64, ip, agent string) {
	t.Helper()
	row := p.row(t, `MATCH (t:Token {token_id: '`+id+`'}) RETURN t.last_used, coalesce(t.last_used_ip, ''), coalesce(t.last_used_agent, '')`)
	at, err := strconv.ParseInt(row[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return at, row[1], row[2]
}

// useAs uses a token as a program of some name, which must succeed.
func (c *caller) useAs(agent string) {
	c.t.Helper()
	if a := c.get("/api/auth/tokens", "User-Agent: "+agent); a.status != http.StatusOK {
		c.t.Fatalf("answered %d: %s", a.status, a.body)
	}
}

func TestUsesAreWrittenOnceInFiveMinutesAndAtTheEnd(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{dataDir: t.TempDir()})
	u := instanceA.newUser(t, writer)
	created, fence := p.newToken(t, u, "created"), p.newToken(t, u, "fence")
	if at, ip, agent := p.lastUse(t, created.TokenID); at != -1 || ip != "" || agent != "" {
		t.Errorf("unused, the row says %d %s %s", at, ip, agent)
	}
	c := p.bearer(t, created.Token)
	c.useAs("first")
	eventually(t, 10*time.Second, "the use to be written", func() bool {
		at, ip, agent := p.lastUse(t, created.TokenID)
		return at > 0 && ip == "127.0.0.1" && agent == "first"
	})
	first, _, _ := p.lastUse(t, created.TokenID)
	// A second later, so that it would show.
	eventually(t, 5*time.Second, "a second to pass", func() bool { return time.Now().Unix() > first })
	for range 10 {
		c.useAs("second")
	}
	p.bearer(t, fence.Token).useAs("fence")
	eventually(t, 10*time.Second, "later uses to be written", func() bool {
		at, _, _ := p.lastUse(t, fence.TokenID)
		return at > 0
	})
	if at, _, agent := p.lastUse(t, created.TokenID); at != first || agent != "first" {
		t.Errorf("written again, as %s, %d s later", agent, at-first)
	}
	// The answer knows better than the row.
	shown := p.bearer(t, fence.Token).token(created.TokenID)
	if shown.LastUsedAgent == nil || *shown.LastUsedAgent != "second" || shown.LastUsed.Unix() <= first {
		t.Errorf("shown as %+v", shown)
	}
	p.mustStop(t)
	p = p.restart(t)
	if at, ip, agent := p.lastUse(t, created.TokenID); at <= first || ip != "127.0.0.1" || agent != "second" {
		t.Errorf("after a stop the row says %d %s %s, %d s later", at, ip, agent, at-first)
	}
}

func TestRefusedUsesAreNotUses(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	created, watcher := shared.newToken(t, u, "created"), shared.newToken(t, u, "watcher")
	w := shared.bearer(t, watcher.Token)
	shared.nobody(t).get("/api/auth/tokens", "Authorization: Bearer "+created.Token[:len(created.Token)-4]+"AAAA")
	w.get("/api/auth/tokens/" + created.TokenID)
	w.revoke(created.TokenID)
	shared.bearer(t, created.Token).works()
	if got := w.token(created.TokenID); got.LastUsed != nil {
		t.Errorf("never accepted, yet last used %s", got.LastUsed)
	}
}

func TestUserAgentsAreCleanedBeforeTheyAreKept(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	watcher := shared.bearer(t, shared.newToken(t, u, "watcher").Token)
	for sent, want := range map[string]string{
		"plain/1.0 (x; y)": "plain/1.0 (x; y)",
		"tab\there":        "tabhere",
		"bad\xff\xfeutf8":  "badutf8",
		"c1\u0085control":  "c1control",
		`'"\ <script>alert(1)</script> ${x} {{y}}`: `'"\ <script>alert(1)</script> ${x} {{y}}`,
		strings.Repeat("x", 5000):                  strings.Repeat("x", 256),
		strings.Repeat("x", 255) + "é":             strings.Repeat("x", 255),
		strings.Repeat("🔑", 100):                   strings.Repeat("🔑", 64),
		"ünïcødé 用户":                               "ünïcødé 用户",
	} {
		created := shared.newToken(t, u, "used")
		shared.bearer(t, created.Token).useAs(sent)
		got := watcher.token(created.TokenID).LastUsedAgent
		if got == nil || *got != want {
			t.Errorf("%.40q is kept as %v", sent, got)
			continue
		}
		if !utf8.ValidString(*got) || strings.ContainsFunc(*got, unicode.IsControl) || len(*got) > 256 {
			t.Errorf("%.40q is kept as %q", sent, *got)
		}
	}
	silent := shared.newToken(t, u, "silent")
	c := shared.as(t, func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+silent.Token)
		r.Header["User-Agent"] = []string{""} // none is sent
	})
	if got := c.works(); got != http.StatusOK {
		t.Errorf("without a User-Agent answered %d", got)
	}
	if got := watcher.token(silent.TokenID); got.LastUsedAgent != nil || got.LastUsed == nil {
		t.Errorf("without a User-Agent shown as %+v", got)
	}
}
