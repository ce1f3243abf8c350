package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestHistoryOfATokenIsReadInTheBrowser(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	old := shared.newToken(t, u, "eventful")
	c := shared.bearer(t, old.Token)
	rotated := c.rotate("self", `{"graceSeconds":3600}`)
	shared.bearer(t, rotated.Token).post("/api/auth/tokens/self/rotate", `{"graceSeconds":-1}`)
	g := newPage(t, shared)
	g.signIn(u)
	g.open("/settings/tokens/" + old.TokenID)
	g.press("History")
	g.isAt("/settings/tokens/" + old.TokenID + "?tab=history")
	g.says(".events", "Generated.")
	g.says(".events li", "Rotated.")
	g.says(".events", "By "+u.name+", with the token itself, from 127.0.0.1")
	g.checkLooks("history")
	// What is done now is told at once.
	g.press("Revoke token")
	g.press("Revoke token")
	g.says(".events li", "Revoked")
	g.sees("the person", `document.querySelector(".events li").textContent.includes(`+quoted("By "+u.name+", from")+`)`)
	if got := shared.bearer(t, rotated.Token).works(); got != http.StatusOK {
		t.Errorf("the new token answers %d", got)
	}
	if texts := strings.Join(g.texts(".events li"), "\n"); strings.Contains(texts, "undefined") || strings.Contains(texts, "null") {
		t.Errorf("the history says %q", texts)
	}
	g.press("Details")
	g.says(".details", "Revoked")
}

func TestLongHistoryComesPageByPage(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	one := shared.newToken(t, u, "long history")
	_, cookie := shared.signIn(t, u)
	session := shared.cookie(t, cookie)
	for range 30 {
		body := fmt.Sprintf(`{"password":%q}`, u.password)
		if a := session.post("/api/auth/tokens/"+one.TokenID+"/credentials", body); a.status != http.StatusOK {
			t.Fatalf("answered %d: %s", a.status, a.body)
		}
	}
	g := newPage(t, shared)
	g.signIn(u)
	g.open("/settings/tokens/" + one.TokenID + "?tab=history")
	g.sees("the first page", `document.querySelectorAll(".events li").length === 25`)
	g.press("Show earlier")
	g.sees("all", `document.querySelectorAll(".events li").length === 31`)
	g.hides(".history-note")
	if all := g.texts(".events li"); !strings.HasPrefix(all[30], "Generated.") || !strings.HasPrefix(all[0], "Password updated.") {
		t.Errorf("the history begins with %q and ends with %q", all[30], all[0])
	}
}

func TestHistoryIsForTheOwnerAndAdmins(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	one := shared.newToken(t, u, "watched")
	g := newPage(t, shared)
	g.signIn(instanceA.newUser(t, admin))
	g.open("/settings/tokens/" + one.TokenID + "?tab=history")
	g.says(".events", "Generated.")
	g = newPage(t, shared)
	g.expect("status of 403")
	g.signIn(instanceA.newUser(t, writer))
	g.open("/settings/tokens/" + one.TokenID + "?tab=history")
	g.says(`[role="alert"]`, "belongs to another user")
	if g.has(".events") {
		t.Error("another user reads the history")
	}
}
