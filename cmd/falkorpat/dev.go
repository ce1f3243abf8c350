package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/falkorpat/falkorpat/store/embedded"
)

// devAddr is where the API's documented examples look for a FalkorDB.
const devAddr = "localhost:6379"

// devUser is an ACL user of the development instance, whose password is its name.
type devUser struct {
	name  string
	role  string
	rules []any
}

// devUsers show the roles beside default, who is Admin and has no password.
func devUsers() []devUser {
	common := []any{"~*", "+@connection", "+info", "+graph.list", "+graph.ro_query", "+graph.explain", "+graph.memory", "+graph.slowlog"}
	return []devUser{
		{"readwrite", "Read-Write", append(common[:len(common):len(common)],
			"+graph.query", "+graph.profile", "+graph.delete", "+graph.copy", "+graph.constraint")},
		{"readonly", "Read-Only", common},
	}
}

// devGraph is small enough to read and large enough to ask something of.
const devGraph = `CREATE (ada:Person {name: 'Ada', born: 1815}), (grace:Person {name: 'Grace', born: 1906}),
	(alan:Person {name: 'Alan', born: 1912}), (engine:Machine {name: 'Analytical Engine', year: 1837}),
	(mark:Machine {name: 'Mark I', year: 1944}), (ace:Machine {name: 'ACE', year: 1945}),
	(ada)-[:PROGRAMMED]->(engine), (grace)-[:PROGRAMMED]->(mark), (alan)-[:DESIGNED]->(ace)`

// devInstance is the FalkorDB to try things out with.
type devInstance struct {
	// ours is whether this program has started it.
	ours bool
}

// startDev starts the development instance unless something listens there.
func (a *app) startDev(ctx context.Context) error {
	a.dev = &devInstance{}
	if listens(ctx, devAddr) {
		a.log.InfoContext(ctx, "using the server that listens already", "addr", devAddr)
		return nil
	}
	engine, err := a.startEngine(ctx, &embedded.Server{Dir: filepath.Join(a.DataDir, "dev"), Listen: devAddr, Ephemeral: true})
	if err != nil {
		return err
	}
	a.dev.ours = true
	return furnish(ctx, engine.Addr())
}

func listens(ctx context.Context, addr string) bool {
	dialer := net.Dialer{Timeout: time.Second}
	connection, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	_ = connection.Close()
	return true
}

// furnish makes the example users and the example graph.
func furnish(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	client := redis.NewClient(&redis.Options{
		Addr: addr, Protocol: 2, DisableIdentity: true, ContextTimeoutEnabled: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	defer func() { _ = client.Close() }()
	for _, user := range devUsers() {
		args := append([]any{"ACL", "SETUSER", user.name, "reset", "on", ">" + user.name}, user.rules...)
		if err := client.Do(ctx, args...).Err(); err != nil {
			return fmt.Errorf("make user %s: %w", user.name, err)
		}
	}
	if err := client.Do(ctx, "GRAPH.QUERY", "machines", devGraph).Err(); err != nil {
		return fmt.Errorf("make example graph: %w", err)
	}
	return nil
}

// greet tells a newcomer where everything is.
func (a *app) greet(w io.Writer) error {
	_, port, err := net.SplitHostPort(a.listener.Addr().String())
	if err != nil {
		return err
	}
	base := "http://localhost:" + port + a.BasePath
	users := ""
	if a.dev.ours {
		users = "  users   default (no password, Admin)"
		for _, user := range devUsers() {
			users += fmt.Sprintf(", %s (password %s, %s)", user.name, user.name, user.role)
		}
		users += "\n"
	}
	_, err = fmt.Fprintf(w, `
falkorpat %s is running, with a FalkorDB to try it on at %s.

  UI      %s/
  docs    %s/docs
%s
Get a token:

  curl -X POST %s/api/auth/tokens/credentials -H 'Content-Type: application/json' -d '{"username":"default","password":"","name":"My first token","ttlSeconds":2592000}'

`, version, devAddr, base, base, users, base)
	return err
}
