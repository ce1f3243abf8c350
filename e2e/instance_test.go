package e2e

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/gen/client"
	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

// database is a FalkorDB that users log in to.
type database struct {
	server *embedded.Server
	// admin may do everything, over the Unix socket or the port.
	admin *redis.Client
	host  string
	port  int
}

// user is an ACL user of a database.
type user struct {
	name, password string
	role           client.Role
	at             *database
}

// Short names for the roles, in the order of their rights.
const (
	reader = client.ReadOnly
	writer = client.ReadWrite
	admin  = client.Admin
)

// rules are the ACL rules of a role.
func rules(role client.Role) []any {
	common := []any{"resetkeys", "~*", "-@all", "+@connection", "+info", "+graph.ro_query", "+graph.list", "+graph.explain"}
	switch role {
	case admin:
		return []any{"~*", "+@all"}
	case writer:
		return append(common, "+graph.query", "+graph.delete")
	case reader:
	}
	return common
}

// newDatabase connects to a server whose user default may do everything and has
// no password.
func newDatabase(server *embedded.Server) (*database, error) {
	host, portText, err := net.SplitHostPort(server.Addr())
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(portText)
	return &database{server: server, admin: dialRedis(&redis.Options{Addr: server.Addr()}), host: host, port: port}, err
}

// dialRedis connects without anything that a test would not expect.
func dialRedis(options *redis.Options) *redis.Client {
	options.Protocol = 2
	options.MaxRetries = -1
	options.DisableIdentity = true
	options.ContextTimeoutEnabled = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(options)
}

func (d *database) close() { _ = d.admin.Close() }

// addr is host:port as the program is told it.
func (d *database) addr() string { return net.JoinHostPort(d.host, strconv.Itoa(d.port)) }

// setUser makes or changes a user.
func (d *database) setUser(name string, rules ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := d.admin.Do(ctx, append([]any{"ACL", "SETUSER", name}, rules...)...).Err(); err != nil {
		return fmt.Errorf("set user %s: %w", name, err)
	}
	return nil
}

func (d *database) makeUser(u user) error {
	args := []any{"reset", "on", ">" + u.password}
	if u.password == "" {
		args = []any{"reset", "on", "nopass"}
	}
	secrets.add(kindPassword, u.password)
	return d.setUser(u.name, append(args, rules(u.role)...)...)
}

// newUser makes a user that no other test knows.
func (d *database) newUser(t *testing.T, role client.Role) user {
	t.Helper()
	u := user{name: unique("user"), password: newPassword(), role: role, at: d}
	if err := d.makeUser(u); err != nil {
		t.Fatal(err)
	}
	return u
}

// change gives a user other rules, while a test runs.
func (u user) change(t *testing.T, rules ...any) {
	t.Helper()
	if err := u.at.setUser(u.name, rules...); err != nil {
		t.Fatal(err)
	}
}

// standing are the users that each instance has from the beginning, with names
// and passwords that have broken programs before. Each password ends with
// something that can be searched for.
func (d *database) standing() []user {
	tail := "A-7Q2KX9V4M1ZB"
	if d != instanceA {
		tail = "B-3W8LD6R0T5YN"
	}
	secrets.add(kindPassword, tail)
	return []user{
		{"boss", "bo55-" + tail, admin, d},
		{"writer", `it's "quoted" \ and \\slashed\` + tail, writer, d},
		{"reader", "пароль 密码 🔑\t" + tail, reader, d},
		{`o'brien"\`, `';RETURN 1//$password{{}}%s` + tail, writer, d},
		{"ünïcødé-用户", `\` + tail + `\`, reader, d},
		{"guest", "", reader, d},
	}
}

// user finds a standing user by name.
func (d *database) user(t *testing.T, name string) user {
	t.Helper()
	for _, u := range d.standing() {
		if u.name == name {
			return u
		}
	}
	t.Fatalf("no standing user %s", name)
	return user{}
}

func (d *database) populate() error {
	var errs []error
	for _, u := range d.standing() {
		errs = append(errs, d.makeUser(u))
	}
	return errors.Join(errs...)
}

// lock gives the user default a password.
func (d *database) lock() error {
	password := newPassword()
	if err := d.setUser("default", "resetpass", ">"+password); err != nil {
		return err
	}
	d.close()
	d.admin = dialRedis(&redis.Options{Addr: d.server.Addr(), Username: "default", Password: password})
	return nil
}

// startStore starts a store of a test's own, at an address that stays the same
// when it is started anew, with every write on disk.
func startStore(t *testing.T) *embedded.Server {
	t.Helper()
	return embeddedtest.Start(t, embedded.Server{Listen: "127.0.0.1:0"})
}

// sharedKeys are secrets for programs that share a store.
func sharedKeys(t *testing.T) []string {
	t.Helper()
	sealing, err := crypto.NewSealingSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secrets.add(kindKey, sealing)
	return []string{"AUTH_SECRET=" + newKey(), "ENCRYPTION_KEY=" + sealing}
}
