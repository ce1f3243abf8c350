package e2e

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/gen/client"
)

// child makes a token with a token.
func (c *caller) child(body string) client.TokenCreated {
	c.t.Helper()
	return isCreatedAnyhow(c.t, c.post("/api/auth/tokens", body))
}

func TestTokenFromATokenNeverOutlivesIt(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	maker := shared.shortToken(t, u, "maker", 3600)
	c := shared.bearer(t, maker.Token)
	for body, want := range map[string]time.Duration{
		`{"name":"as long"}`:                  time.Hour,
		`{"name":"as long","expiresAt":null}`: time.Hour,
		`{"name":"shorter","ttlSeconds":60}`:  time.Minute,
		`{"name":"to the end","expiresAt":"` + maker.ExpiresAt.Format(time.RFC3339) + `"}`: time.Hour,
	} {
		made := isCreated(t, c.post("/api/auth/tokens", body), want)
		if made.ExpiresAt != nil && made.ExpiresAt.After(*maker.ExpiresAt) {
			t.Errorf("%s ends at %s, its maker at %s", body, made.ExpiresAt, maker.ExpiresAt)
		}
	}
	for _, body := range []string{
		`{"name":"longer","ttlSeconds":3700}`, `{"name":"longer","ttlSeconds":31622400}`,
		`{"name":"a second more","expiresAt":"` + maker.ExpiresAt.Add(time.Second).Format(time.RFC3339) + `"}`,
	} {
		a := c.post("/api/auth/tokens", body)
		a.isProblem(t, http.StatusForbidden, "outlives_issuer")
		if got := a.header.Get("WWW-Authenticate"); got != `Bearer error="insufficient_scope"` {
			t.Errorf("challenge is %q", got)
		}
	}
	if got := c.list("?status=all").Count; got != 5 {
		t.Errorf("%d tokens, want the maker and four", got)
	}
	// A chain stays within its beginning.
	grandchild := shared.bearer(t, c.child(`{"name":"child"}`).Token).child(`{"name":"grandchild"}`)
	if grandchild.ExpiresAt == nil || grandchild.ExpiresAt.After(*maker.ExpiresAt) {
		t.Errorf("grandchild ends at %v", grandchild.ExpiresAt)
	}
}

func TestTokensFallWithTheOneTheyWereMadeFrom(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	witness := shared.bearer(t, shared.newToken(t, u, "witness").Token)
	root := shared.newToken(t, u, "root")
	generations := []client.TokenCreated{root}
	for range 5 {
		maker := shared.bearer(t, generations[len(generations)-1].Token)
		generations = append(generations, maker.child(`{"name":"next"}`))
	}
	sibling := shared.bearer(t, root.Token).child(`{"name":"sibling"}`)
	// In the middle of the chain: what is above and beside it stays.
	if got := witness.revoke(generations[2].TokenID); got != "Token revoked successfully" {
		t.Error(got)
	}
	for i, one := range append(generations, sibling) {
		want := http.StatusOK
		if i >= 2 && i < len(generations) {
			want = http.StatusUnauthorized
		}
		if got := shared.bearer(t, one.Token).works(); got != want {
			t.Errorf("generation %d answers %d, want %d", i, got, want)
		}
		if got := witness.token(one.TokenID); got.IsActive != (want == http.StatusOK) || (got.RevokedAt == nil) != got.IsActive {
			t.Errorf("generation %d reads %+v", i, got)
		}
	}
	if got := witness.revoke(generations[3].TokenID); got != "Token already revoked" {
		t.Errorf("revoking what has fallen says %q", got)
	}
	witness.revoke(root.TokenID)
	for i, one := range append(generations, sibling) {
		if got := shared.bearer(t, one.Token).works(); got != http.StatusUnauthorized {
			t.Errorf("generation %d answers %d after the root's end", i, got)
		}
	}
}

func TestTokenFromATokenThatRevokesItselfLeavesItsMaker(t *testing.T) {
	t.Parallel()
	maker := shared.bearer(t, shared.newToken(t, instanceA.newUser(t, writer), "maker").Token)
	child := maker.child(`{"name":"child"}`)
	shared.bearer(t, child.Token).revoke(child.TokenID)
	if got := maker.works(); got != http.StatusOK {
		t.Errorf("the maker answers %d", got)
	}
}

func TestNoTokenIsMadeFromOneThatIsBeingRevoked(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	witness := shared.bearer(t, shared.newToken(t, u, "witness").Token)
	for range 5 {
		root := shared.newToken(t, u, "root")
		maker := shared.bearer(t, root.Token)
		var (
			wait sync.WaitGroup
			mu   sync.Mutex
			made []string
		)
		for range 8 {
			wait.Go(func() {
				a := maker.post("/api/auth/tokens", `{"name":"racer"}`)
				switch a.status {
				case http.StatusOK:
					mu.Lock()
					defer mu.Unlock()
					made = append(made, isCreatedAnyhow(t, a).Token)
				case http.StatusUnauthorized:
				default:
					t.Errorf("answered %d: %s", a.status, a.body)
				}
			})
		}
		wait.Go(func() { witness.revoke(root.TokenID) })
		wait.Wait()
		for _, token := range made {
			if got := shared.bearer(t, token).works(); got != http.StatusUnauthorized {
				t.Errorf("a token made meanwhile answers %d", got)
			}
		}
	}
}

func TestRevokedTokenIsRefusedEverywhere(t *testing.T) {
	t.Parallel()
	store := startStore(t)
	first := startProgram(t, options{storeURL: store.URL(), env: sharedKeys(t)})
	second := startProgram(t, options{storeURL: store.URL(), env: first.options.env})
	u := instanceA.newUser(t, writer)
	for i := range 20 {
		// Each replica has seen the token work, and each may be told its end.
		created := first.newToken(t, u, "both")
		replicas := []*caller{first.bearer(t, created.Token), second.bearer(t, created.Token)}
		for _, c := range replicas {
			if got := c.works(); got != http.StatusOK {
				t.Fatalf("answered %d", got)
			}
		}
		replicas[i%2].revoke(created.TokenID)
		for _, c := range replicas {
			if got := c.works(); got != http.StatusUnauthorized {
				t.Errorf("a revoked token is answered %d", got)
			}
		}
	}
	_, cookie := first.signIn(t, u)
	if got := second.cookie(t, cookie).works(); got != http.StatusOK {
		t.Errorf("the other replica answers a session %d", got)
	}
	second.cookie(t, cookie).send(http.MethodDelete, "/api/auth/session", nil)
	if got := first.cookie(t, cookie).works(); got != http.StatusUnauthorized {
		t.Errorf("a session that ended elsewhere is answered %d", got)
	}
}
