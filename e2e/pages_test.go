package e2e

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/gen/client"
)

// replicasOn starts replicas on a store that this test alone has.
func replicasOn(t *testing.T, args ...string) (a, b *program) {
	t.Helper()
	store, env := startStore(t), sharedKeys(t)
	return startProgram(t, options{storeURL: store.URL(), env: env, args: args}),
		startProgram(t, options{storeURL: store.URL(), env: env, args: args})
}

// Lists are remembered, and so must be seen to change by all who ask in between:
// each has a list a moment before the change, and the next one after its answer.
func TestListShowsWhatAnyReplicaHasAnswered(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"remembering": nil, "remembering nothing": {"--token-cache", "0"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := replicasOn(t, args...)
			token := a.newToken(t, instanceA.newUser(t, writer), "owner")
			here, there := a.bearer(t, token.Token), b.bearer(t, token.Token)
			for range 25 {
				const query = "?status=all&limit=1000"
				before := len(there.list(query).Tokens)
				child := here.child(`{"name":"child"}`)
				list := there.list(query)
				if len(list.Tokens) != before+1 || !slices.Contains(ids(list), child.TokenID) {
					t.Errorf("a token is missing in the list of the other replica")
				}
				if got := here.list(query); !slices.Contains(ids(got), child.TokenID) {
					t.Errorf("a token is missing in the list of its replica")
				}
				there.revoke(child.TokenID)
				for _, c := range []*caller{here, there} {
					for _, one := range c.list(query).Tokens {
						if one.TokenID == child.TokenID && one.IsActive {
							t.Errorf("a revoked token is shown as active")
						}
					}
					if slices.Contains(ids(c.list("?limit=1000")), child.TokenID) {
						t.Errorf("a revoked token is among the active ones")
					}
				}
			}
		})
	}
}

func TestListShowsUsesOfAMomentAgo(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	reader := shared.bearer(t, shared.newToken(t, u, "reader").Token)
	token := shared.newToken(t, u, "used")
	used := shared.bearer(t, token.Token)
	used.useAs("first")
	// Of the uses of one second, what is in the store counts. It gets no other one
	// for five minutes.
	eventually(t, 10*time.Second, "the use is written, and its second over", func() bool {
		at, _, _ := shared.lastUse(t, token.TokenID)
		return at > 0 && time.Now().Unix() > at
	})
	for range 20 {
		reader.list("")
		agent := unique("agent")
		used.useAs(agent)
		for _, one := range reader.list("").Tokens {
			if one.Name == "used" && (one.LastUsedAgent == nil || *one.LastUsedAgent != agent) {
				t.Errorf("the use by %s is not shown", agent)
			}
		}
	}
}

// All ask without a pause, on a server that has nobody else: so most lists are of
// one edition.
func TestListsOfOneMomentAreKeptApart(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{})
	first, second := instanceA.newUser(t, writer), instanceA.newUser(t, writer)
	boss, foreign := instanceA.newUser(t, admin), instanceB.newUser(t, admin)
	of := map[user]*caller{}
	for _, u := range []user{first, second, boss, foreign} {
		of[u] = p.bearer(t, p.newToken(t, u, u.name).Token)
	}
	var askers sync.WaitGroup
	for _, c := range []struct {
		asker user
		query string
		role  client.Role
		want  []string // users whose tokens are listed; newest first
	}{
		{first, "", client.ReadWrite, []string{first.name}},
		{first, "?status=revoked", client.ReadWrite, nil},
		{first, "?username=" + first.name, client.ReadWrite, []string{first.name}},
		{second, "", client.ReadWrite, []string{second.name}},
		{boss, "", client.Admin, []string{boss.name, second.name, first.name}},
		{boss, "?limit=1", client.Admin, []string{boss.name}},
		{boss, "?username=" + first.name, client.Admin, []string{first.name}},
		{foreign, "", client.Admin, []string{foreign.name}},
	} {
		askers.Go(func() {
			for range 100 {
				got := of[c.asker].list(c.query)
				var names []string
				for _, one := range got.Tokens {
					names = append(names, one.Username)
				}
				if got.Role != c.role || !slices.Equal(names, c.want) {
					t.Errorf("%s got the list of %q with the role %s, for %q; want %q", c.asker.name, names, got.Role, c.query, c.want)
				}
			}
		})
	}
	askers.Wait()
}
