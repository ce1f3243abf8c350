package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

// outageBound is within how much time a request is refused when something that
// it needs is out of reach.
const outageBound = 7 * time.Second

// enginePID asks a FalkorDB for its process.
func enginePID(t *testing.T, client *redis.Client) int {
	t.Helper()
	info, err := client.Info(t.Context(), "server").Result()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(info, "process_id:")
	text, _, _ := strings.Cut(rest, "\r")
	pid, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("no process ID in %q", info)
	}
	return pid
}

// signal sends a signal to a process that this test has started.
func signal(t *testing.T, pid int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatal(err)
	}
}

func TestNothingPassesWhileTheStoreIsOutOfReach(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	store := embeddedtest.Start(t, embedded.Server{Listen: "127.0.0.1:0", Dir: dir})
	p := startProgram(t, options{storeURL: store.URL()})
	u := instanceA.newUser(t, admin)
	created, other := p.newToken(t, u, "created"), p.newToken(t, u, "other")
	_, cookie := p.signIn(t, u)
	_, leaving := p.signIn(t, u) // whether it is signed out in the end is unknown
	revoked := p.newToken(t, u, "revoked")
	p.bearer(t, created.Token).revoke(revoked.TokenID)

	login := fmt.Sprintf(`{"username":%q,"password":%q,"port":%d}`, u.name, u.password, u.at.port)
	wrong := fmt.Sprintf(`{"username":%q,"password":%q,"port":%d}`, u.name, newPassword(), u.at.port)
	refused := func() {
		t.Helper()
		token, session, nobody := p.bearer(t, created.Token), p.cookie(t, cookie), p.nobody(t)
		eventually(t, outageBound, "the lease to be over", func() bool {
			return token.get("/api/status").status == http.StatusServiceUnavailable &&
				p.bearer(t, revoked.Token).works() == http.StatusServiceUnavailable
		})
		var wait sync.WaitGroup
		for name, send := range map[string]func() answer{
			"list by token":   func() answer { return token.get("/api/auth/tokens") },
			"get by token":    func() answer { return token.get("/api/auth/tokens/" + created.TokenID) },
			"revoke":          func() answer { return token.send(http.MethodDelete, "/api/auth/tokens/"+other.TokenID, nil) },
			"create by token": func() answer { return token.post("/api/auth/tokens", `{"name":"lost"}`) },
			"status":          func() answer { return token.get("/api/status") },
			"list by session": func() answer { return session.get("/api/auth/tokens") },
			"who am I":        func() answer { return session.get("/api/auth/session") },
			"sign out":        func() answer { return p.cookie(t, leaving).send(http.MethodDelete, "/api/auth/session", nil) },
			"sign in":         func() answer { return nobody.post("/api/auth/session", login) },
			"create by login": func() answer { return nobody.post("/api/auth/tokens/credentials", login) },
			"wrong password":  func() answer { return nobody.post("/api/auth/session", wrong) },
			"revoked token":   func() answer { return p.bearer(t, revoked.Token).get("/api/auth/tokens") },
			"readiness":       func() answer { return nobody.get("/readyz") },
		} {
			wait.Go(func() {
				var a answer
				if took := timed(func() { a = send() }); took > outageBound {
					t.Errorf("%s took %s", name, took)
				}
				if a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, `"code":"store_unavailable"`) {
					t.Errorf("%s answered %d: %s", name, a.status, a.body)
				}
			})
		}
		if a := nobody.get("/healthz"); a.status != http.StatusOK {
			t.Errorf("the process says %d of itself", a.status)
		}
		// What no store is needed for to tell stays as it is.
		p.bearer(t, created.Token[:len(created.Token)-4]+"AAAA").get("/api/auth/tokens").isProblem(t, http.StatusUnauthorized, "invalid_token")
		nobody.get("/api/auth/tokens").isProblem(t, http.StatusUnauthorized, "unauthenticated")
		wait.Wait()
	}
	recovered := func() {
		t.Helper()
		c := p.bearer(t, created.Token)
		eventually(t, outageBound, "the service to recover", func() bool {
			return c.works() == http.StatusOK && p.nobody(t).get("/readyz").status == http.StatusOK
		})
		for token, want := range map[string]int{other.Token: http.StatusOK, revoked.Token: http.StatusUnauthorized} {
			if got := p.bearer(t, token).works(); got != want {
				t.Errorf("afterwards answered %d, want %d", got, want)
			}
		}
		if got := p.cookie(t, cookie).works(); got != http.StatusOK {
			t.Errorf("afterwards the session answered %d", got)
		}
	}

	pid := enginePID(t, p.store(t))
	signal(t, pid, syscall.SIGSTOP)
	stopped := true
	t.Cleanup(func() {
		if stopped {
			signal(t, pid, syscall.SIGCONT)
		}
	})
	refused() // while it is silent
	signal(t, pid, syscall.SIGCONT)
	stopped = false
	recovered()

	signal(t, pid, syscall.SIGKILL)
	<-store.Done()
	refused() // while it is gone
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	embeddedtest.Start(t, embedded.Server{Listen: store.Addr(), Dir: dir})
	recovered()
	p.mustStop(t) // before its store
}

func TestNothingPassesWhileTheInstanceIsOutOfReach(t *testing.T) {
	t.Parallel()
	server := embeddedtest.Start(t, embedded.Server{Listen: "127.0.0.1:0", Ephemeral: true})
	db, err := newDatabase(server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.close)
	p := startProgram(t, options{instances: server.Addr()})
	u := user{name: "default", role: admin, at: db}
	created := p.newToken(t, u, "created")
	_, cookie := p.signIn(t, u)
	signal(t, enginePID(t, db.admin), syscall.SIGKILL)
	<-server.Done()

	c, session := p.bearer(t, created.Token), p.cookie(t, cookie)
	for _, one := range []*caller{c, session} {
		one.get("/api/status").isProblem(t, http.StatusServiceUnavailable, "instance_unavailable")
	}
	p.nobody(t).post("/api/auth/session", fmt.Sprintf(`{"port":%d}`, db.port)).isProblem(t, http.StatusUnauthorized, "invalid_credentials")
	// What the user may do is remembered for a while, and then nobody knows it.
	for _, one := range []*caller{c, session} {
		eventually(t, roleTime, "what the user could do to be forgotten", func() bool {
			got := one.works()
			if got != http.StatusOK && got != http.StatusServiceUnavailable {
				t.Fatalf("answered %d", got)
			}
			return got == http.StatusServiceUnavailable
		})
		one.get("/api/auth/tokens").isProblem(t, http.StatusServiceUnavailable, "instance_unavailable")
		one.post("/api/auth/tokens", `{"name":"lost"}`).isProblem(t, http.StatusServiceUnavailable, "instance_unavailable")
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	embeddedtest.Start(t, embedded.Server{Listen: server.Addr(), Ephemeral: true})
	for _, one := range []*caller{c, session} {
		eventually(t, outageBound, "the service to recover", func() bool { return one.works() == http.StatusOK })
	}
	if got := c.list("?status=all").Count; got != 1 {
		t.Errorf("%d tokens, want the one", got)
	}
}
