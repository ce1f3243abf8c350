package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/gen/client"
	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

// ownInstance starts a FalkorDB of a test's own, at an address that stays the same
// when it is started anew.
func ownInstance(t *testing.T) *database {
	t.Helper()
	db, err := newDatabase(startStore(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.close)
	return db
}

// waiting marks a connection that waits for an answer, in the list of clients.
const waiting = " flags=b"

// connections counts those that a user has to its instance, with a mark.
func (u user) connections(t *testing.T, mark string) (n int) {
	t.Helper()
	list, err := u.at.admin.ClientList(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(list) {
		if strings.Contains(line, " user="+u.name+" ") && strings.Contains(line, mark) {
			n++
		}
	}
	return n
}

// asksLong begins a query that goes on for some seconds, and waits until it runs.
func (c *caller) asksLong(u user, graph string) <-chan answer {
	c.t.Helper()
	before, done := u.connections(c.t, waiting), make(chan answer, 1)
	go func() {
		done <- c.ask(graph, `{"timeoutMs":4000,"query":"UNWIND range(1, 1000000) AS x UNWIND range(1, 1000000) AS y WITH x, y WHERE x * y = -1 RETURN count(x)"}`)
	}()
	eventually(c.t, requestPatience, "the query to run", func() bool { return u.connections(c.t, waiting) > before })
	return done
}

// What ends a token, or a session, at one replica ends at once what it has under
// way at another, and nothing else, though the user and the password are the same.
func TestEndOfATokenEndsItsQueriesOnEveryReplica(t *testing.T) {
	t.Parallel()
	store, env, db := startStore(t), sharedKeys(t), ownInstance(t)
	var here, there *program
	for _, p := range []**program{&here, &there} {
		*p = startProgram(t, options{storeURL: store.URL(), env: env, instances: db.addr()})
	}
	u := db.newUser(t, writer)
	for name, end := range map[string]func(victim client.TokenCreated, cookie *http.Cookie){
		"revoked": func(victim client.TokenCreated, _ *http.Cookie) {
			here.bearer(t, here.newToken(t, u, "revokes").Token).revoke(victim.TokenID)
		},
		"revoked at the same replica": func(victim client.TokenCreated, _ *http.Cookie) {
			there.bearer(t, victim.Token).revoke(victim.TokenID)
		},
		"rotated without grace": func(victim client.TokenCreated, _ *http.Cookie) {
			here.bearer(t, victim.Token).rotate("self", `{}`)
		},
		"signed out": func(_ client.TokenCreated, cookie *http.Cookie) {
			here.cookie(t, cookie).send(http.MethodDelete, "/api/auth/session", nil)
		},
	} {
		// FalkorDB finishes what nobody waits for any more.
		eventually(t, requestPatience, "earlier queries to end", func() bool { return u.connections(t, waiting) == 0 })
		graph := newGraph(t)
		victim, spared := here.newToken(t, u, "victim"), here.newToken(t, u, "spared")
		_, cookie := here.signIn(t, u)
		c, code := there.bearer(t, victim.Token), "invalid_token"
		if name == "signed out" {
			c, code = there.cookie(t, cookie), "invalid_session"
		}
		other := there.bearer(t, spared.Token)
		other.rows(graph, "CREATE (:A) RETURN 1")
		ends, stays := c.asksLong(u, graph), other.asksLong(u, graph)
		begun := time.Now()
		end(victim, cookie)
		(<-ends).isProblem(t, http.StatusUnauthorized, code)
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("%s: the query went on for %v", name, took)
		}
		(<-stays).isProblem(t, http.StatusGatewayTimeout, "query_timeout") // and not before
	}
}

// A token that works on goes on with what it has under way.
func TestQueriesOutliveARotationWithGrace(t *testing.T) {
	t.Parallel()
	db := ownInstance(t)
	p := startProgram(t, options{instances: db.addr()})
	u := db.newUser(t, writer)
	graph := newGraph(t)
	c := p.bearer(t, p.newToken(t, u, "rotates").Token)
	c.rows(graph, "CREATE (:A) RETURN 1")
	goesOn := c.asksLong(u, graph)
	c.rotate("self", `{"graceSeconds":60}`)
	(<-goesOn).isProblem(t, http.StatusGatewayTimeout, "query_timeout")
}

func TestConnectionsOfARevokedTokenAreClosedOnEveryReplica(t *testing.T) {
	t.Parallel()
	store, env := startStore(t), sharedKeys(t)
	here, there := startProgram(t, options{storeURL: store.URL(), env: env}), startProgram(t, options{storeURL: store.URL(), env: env})
	u := instanceA.newUser(t, reader)
	created := here.newToken(t, u, "victim")
	for _, p := range []*program{here, there} {
		p.bearer(t, created.Token).graphs()
	}
	if n := u.connections(t, ""); n != 2 {
		t.Fatalf("%d connections stay open, want 2", n)
	}
	here.bearer(t, created.Token).revoke(created.TokenID)
	eventually(t, 2*time.Second, "the connections to be closed", func() bool { return u.connections(t, "") == 0 })
}

func TestGraphsAreServedAgainOnceTheInstanceIsBack(t *testing.T) {
	t.Parallel()
	server := embeddedtest.Start(t, embedded.Server{Listen: "127.0.0.1:0", Dir: t.TempDir()})
	db, err := newDatabase(server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.close)
	p := startProgram(t, options{instances: server.Addr()})
	graph := newGraph(t)
	c := p.bearer(t, p.newToken(t, user{name: "default", role: admin, at: db}, "waits").Token)
	c.rows(graph, "CREATE (:A) RETURN 1")
	signal(t, enginePID(t, db.admin), syscall.SIGKILL)
	<-server.Done()
	query := fmt.Sprintf(`{"query":%q}`, "MATCH (a:A) RETURN count(a)")
	for range 2 { // with a connection that has broken, and without one
		for what, a := range map[string]answer{"list": c.get("/api/graph"), "query": c.ask(graph, query), "info": c.get(at(graph, ""))} {
			a.isProblem(t, http.StatusServiceUnavailable, "instance_unavailable")
			if a.header.Get("Retry-After") == "" {
				t.Errorf("%s: the answer does not say when to come back", what)
			}
		}
	}
	if err := server.Close(); err != nil {
		t.Log(err) // it was killed
	}
	embeddedtest.Start(t, embedded.Server{Listen: server.Addr(), Dir: server.Dir})
	eventually(t, requestPatience, "the graph to be served again", func() bool { return c.ask(graph, query).status == http.StatusOK })
	if got := c.rows(graph, "MATCH (a:A) RETURN count(a)"); got != "[[1]]" {
		t.Errorf("afterwards rows are %s", got)
	}
	c.graphs()
}
