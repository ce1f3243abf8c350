package e2e

import (
	"net/http"
	"slices"
	"testing"
)

// scope chooses what to revoke in the open dialog, and waits for its number.
func (g *page) scope(scope, words string) {
	g.t.Helper()
	g.click("[name=scope][value=" + scope + "]")
	g.says(".forecast", words)
}

func TestSelectedTokensAreRevokedTogether(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	makeTokens(t, u, 5)
	maker := shared.newToken(t, u, "maker")
	child := shared.bearer(t, maker.Token).child(`{"name":"child"}`)
	g := newPage(t, shared)
	g.signIn(u)
	for _, name := range []string{"maker", "token 2"} {
		g.click(g.row(name) + " .select input")
	}
	g.press("Revoke selected (2)…")
	g.says(".forecast", "This revokes 3 tokens. Among them are those made from the others")
	g.checkLooks("bulk")
	if got := shared.bearer(t, maker.Token).works(); got != http.StatusOK {
		t.Errorf("counting has revoked: %d", got)
	}
	g.press("Revoke 3 tokens")
	g.says(".toast", "Revoked 3 tokens.")
	g.says(".count", "4 tokens")
	g.checkLooks("bulk-revoked")
	for _, text := range []string{maker.Token, child.Token} {
		if got := shared.bearer(t, text).works(); got != http.StatusUnauthorized {
			t.Errorf("a revoked token answers %d", got)
		}
	}
	g.click("thead .select input")
	g.press("Revoke selected (4)…")
	g.press("Cancel")
	g.says(".count", "4 tokens")
}

func TestWhatTheFiltersFindAndAllOfMineAreRevoked(t *testing.T) {
	t.Parallel()
	u, other := instanceA.newUser(t, writer), instanceA.newUser(t, writer)
	makeTokens(t, u, 12)
	theirs := shared.newToken(t, other, "token 1 of another")
	g := newPage(t, shared)
	g.signIn(u)
	g.fill(".search input", "token 1")
	g.says(".count", "4 tokens")
	g.press("Revoke many…")
	g.scope("found", "This revokes 4 tokens.")
	g.press("Revoke 4 tokens")
	g.says(".empty", "No token matches")
	g.press("Clear the search")
	g.says(".count", "8 tokens")
	g.press("Revoke many…")
	g.scope("mine", "This revokes 8 tokens.")
	if g.has("[name=scope][value=everyone]") || g.has("[name=scope][value=user]") {
		t.Error("one who is no Admin can end others' tokens")
	}
	g.press("Revoke 8 tokens")
	g.says(".empty", "No active tokens")
	if got := shared.bearer(t, theirs.Token).works(); got != http.StatusOK {
		t.Errorf("another user's token answers %d", got)
	}
}

func TestAdminEndsAUsersAndEverybodysTokensOnlyAfterTyping(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{instances: instanceA.addr()})
	boss, ana, bob := instanceA.newUser(t, admin), instanceA.newUser(t, writer), instanceA.newUser(t, reader)
	hers, his, own := p.newToken(t, ana, "hers"), p.newToken(t, bob, "his"), p.newToken(t, boss, "own")
	works := func() (all []int) {
		for _, one := range []string{hers.Token, his.Token, own.Token} {
			all = append(all, p.bearer(t, one).works())
		}
		return all
	}
	g := newPage(t, p)
	g.signIn(boss)
	g.press("Revoke many…")
	g.click("[name=scope][value=user]")
	g.fill("#bulk-user", ana.name)
	g.says(".forecast", "This revokes 1 token.")
	g.press("Revoke 1 token")
	g.says("#bulk-confirm-error", "Type "+ana.name)
	g.checkLooks("bulk-user")
	if got := works(); !slices.Equal(got, []int{200, 200, 200}) {
		t.Errorf("before it was confirmed the tokens answer %v", got)
	}
	g.fill("#bulk-confirm", ana.name)
	g.press("Revoke 1 token")
	g.says(".toast", "Revoked 1 token.")
	if got := works(); !slices.Equal(got, []int{401, 200, 200}) {
		t.Errorf("afterwards the tokens answer %v", got)
	}
	g.press("Revoke many…")
	g.scope("everyone", "This revokes 2 tokens.")
	g.fill("#bulk-confirm", instanceA.canonical())
	g.press("Revoke 2 tokens")
	g.says(".empty", "No active tokens")
	if got := works(); !slices.Equal(got, []int{401, 401, 401}) {
		t.Errorf("at last the tokens answer %v", got)
	}
}
