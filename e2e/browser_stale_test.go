package e2e

import (
	"net/http"
	"testing"
)

func TestStaleTokenGetsTheNewPasswordInTheBrowser(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	created := shared.newToken(t, u, unique("stale"))
	owner := shared.bearer(t, created.Token)
	password := newPassword()
	u.change(t, "resetpass", ">"+password)
	secrets.add(kindPassword, password)
	eventually(t, roleTime, "the token to be refused", func() bool { return owner.works() == http.StatusUnauthorized })

	g := newPage(t, shared)
	g.expect("status of 401")
	g.signIn(instanceA.newUser(t, admin))
	g.press("Stale")
	name := g.text(g.rowOf(created.TokenID) + " .token-name")
	g.press(name)
	g.says("h1", name)
	g.says(".details", "Stale")
	g.says(".alert.warning", "The login behind this token fails")
	g.checkLooks("stale")
	g.press("Update password")
	g.shows("#new-password")
	g.fill("#new-password", "wrong")
	g.press("Update password")
	g.says("#new-password-error", "The login failed.")
	g.checkLooks("rebind-refused")
	if got := owner.works(); got != http.StatusUnauthorized {
		t.Errorf("after a wrong password the token answers %d", got)
	}
	g.fill("#new-password", password)
	g.press("Update password")
	g.hides("dialog[open]")
	g.says(".details", "Active")
	g.hides(".alert.warning")
	if got := owner.works(); got != http.StatusOK {
		t.Errorf("the token answers %d", got)
	}
	g.isNowhere(password)
}

// rowOf is a selector for the row of the token with this ID, once it is there.
func (g *page) rowOf(id string) string {
	g.t.Helper()
	row := `[data-token="` + id + `"]`
	g.shows(row)
	return row
}

func TestSuspendedTokenIsResumedInTheBrowser(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{instances: instanceA.addr()})
	u := instanceA.newUser(t, writer)
	idle := p.newToken(t, u, "idle")
	p.age(t, idle.TokenID, 90*day, 0, 60*day, "192.0.2.17", "curl/8.5.0")
	p = tightened(t, p, "--suspend-idle-days", "30")
	if got := p.bearer(t, idle.Token).works(); got != http.StatusUnauthorized {
		t.Fatalf("the idle token answers %d", got)
	}
	g := newPage(t, p)
	g.signIn(u)
	eventually(t, pagePatience, "the suspension to show", func() bool {
		g.open("/settings/tokens/" + idle.TokenID)
		g.shows(".details")
		return g.has(".status-suspended")
	})
	g.says(".alert.warning", "This token was suspended")
	g.checkLooks("suspended")
	g.press("Resume token")
	g.hides(".alert.warning")
	g.says(".details", "Active")
	if got := p.bearer(t, idle.Token).works(); got != http.StatusOK {
		t.Errorf("the resumed token answers %d", got)
	}
}
