package e2e

import (
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/falkorpat/falkorpat/gen/client"
)

// writes makes tokens and revokes every second one, and gives them.
func (c *caller) writes(count int) (kept, revoked []client.TokenCreated) {
	c.t.Helper()
	for range count {
		kept = append(kept, c.child(`{"name":"kept"}`))
		one := c.child(`{"name":"revoked"}`)
		c.revoke(one.TokenID)
		revoked = append(revoked, one)
	}
	return kept, revoked
}

// hasAll checks that what was answered before a crash is still so.
func (p *program) hasAll(t *testing.T, kept, revoked []client.TokenCreated) {
	t.Helper()
	for _, one := range kept {
		if got := p.bearer(t, one.Token).works(); got != http.StatusOK {
			t.Errorf("a token made before the crash answers %d", got)
		}
	}
	for _, one := range revoked {
		if got := p.bearer(t, one.Token).works(); got != http.StatusUnauthorized {
			t.Errorf("a token revoked before the crash answers %d", got)
		}
	}
}

func TestAnsweredWritesSurviveTheKillingOfTheService(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{dataDir: t.TempDir()})
	u := instanceA.newUser(t, writer)
	maker := p.newToken(t, u, "maker")
	for range 2 {
		kept, revoked := p.bearer(t, maker.Token).writes(15)
		_, cookie := p.signIn(t, u)
		last := p.newToken(t, u, "last")
		if err := p.kill(); err != nil {
			t.Fatal(err)
		}
		p = p.restart(t)
		p.hasAll(t, append(kept, maker, last), revoked)
		if got := p.cookie(t, cookie).works(); got != http.StatusOK {
			t.Errorf("a session made before the crash answers %d", got)
		}
	}
}

func TestAnsweredWritesSurviveTheKillingOfTheStore(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{dataDir: t.TempDir()})
	// What survives the end of its power no test can tell; what it is told to do
	// about it, one can.
	if entries := p.logged("token store open"); len(entries) != 1 || entries[0]["durability"] != "always" {
		t.Errorf("the private store is opened with %v", entries)
	}
	maker := p.newToken(t, instanceA.newUser(t, writer), "maker")
	pid := enginePID(t, p.store(t))
	kept, revoked := p.bearer(t, maker.Token).writes(15)
	signal(t, pid, syscall.SIGKILL)
	// Without its private store the service is of no use, and says so.
	if err := p.ended(endPatience); err != nil {
		t.Fatal(err)
	}
	if p.err == nil || !strings.Contains(p.logs(), "\nfalkorpat: private FalkorDB in ") {
		t.Errorf("ended with %v\n%s", p.err, p.tail())
	}
	p = p.restart(t)
	p.hasAll(t, append(kept, maker), revoked)
}

func TestAnsweredRevocationSurvivesTheKillingOfBoth(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{dataDir: t.TempDir()})
	u := instanceA.newUser(t, writer)
	witness, target := p.newToken(t, u, "witness"), p.newToken(t, u, "target")
	pid := enginePID(t, p.store(t))
	p.bearer(t, witness.Token).revoke(target.TokenID)
	signal(t, pid, syscall.SIGKILL)
	if err := p.kill(); err != nil {
		t.Fatal(err)
	}
	p = p.restart(t)
	p.hasAll(t, []client.TokenCreated{witness}, []client.TokenCreated{target})
}
