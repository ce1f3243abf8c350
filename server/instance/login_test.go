package instance

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/falkorpat/falkorpat/store"
	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

// Rules of the three kinds of users that a role is found for.
const (
	graphReads  = "+graph.ro_query +graph.list +graph.explain +ping"
	graphWrites = graphReads + " +graph.query +graph.delete"
)

// rules splits ACL rules and adds those of a user who can log in.
func rules(text string, more ...string) []string {
	return append(append([]string{"on", "~*"}, strings.Fields(text)...), more...)
}

func TestRoleIsWhatTheInstanceLetsTheUserDo(t *testing.T) {
	t.Parallel()
	d := setup(t, db.Addr())
	for _, test := range []struct {
		name string
		acl  string
		want store.Role
	}{
		{"everything", "+@all", store.RoleAdmin},
		{"nothing but ACL GETUSER", "+acl|getuser", store.RoleAdmin},
		{"administration without graphs", "+@all -graph.query", store.RoleAdmin},
		{"reads and writes", graphWrites, store.RoleReadWrite},
		{"writes without PING", "+graph.query", store.RoleReadWrite},
		{"ACL WHOAMI is no administration", graphWrites + " +acl|whoami", store.RoleReadWrite},
		{"everything but administration", "+@all -@admin -acl", store.RoleReadWrite},
		{"reads", graphReads, store.RoleReadOnly},
		{"nothing at all", "", store.RoleReadOnly},
		{"+@read and +@write hold no graph command", "+@read +@write", store.RoleReadOnly},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := at(t, db.Addr(), newUser(t, rules(test.acl, ">secret")...), "secret")
			got, err := d.Login(t.Context(), c)
			want := Identity{Instance: Instance{"localhost", c.Port}, Username: c.Username, Role: test.want}
			if err != nil || got != want {
				t.Errorf("Login = %+v, %v, want %+v", got, err, want)
			}
			if err := d.Ping(t.Context(), c); err != nil {
				t.Errorf("Ping: %v", err)
			}
		})
	}
}

func TestRoleFollowsTheInstance(t *testing.T) {
	t.Parallel()
	d := setup(t, db.Addr())
	name := newUser(t, rules(graphReads, ">secret")...)
	for _, step := range []struct {
		acl  string
		want store.Role
	}{{graphReads, store.RoleReadOnly}, {graphWrites, store.RoleReadWrite}, {"+@all", store.RoleAdmin}, {graphReads, store.RoleReadOnly}} {
		setUser(t, name, rules(step.acl, ">secret")...)
		got, err := d.Login(t.Context(), at(t, db.Addr(), name, "secret"))
		if err != nil || got.Role != step.want {
			t.Errorf("with %s the role is %q, %v, want %q", step.acl, got.Role, err, step.want)
		}
	}
}

func TestDefaultWithAnEmptyPasswordLogsIn(t *testing.T) {
	t.Parallel()
	got, err := setup(t, db.Addr()).Login(t.Context(), at(t, db.Addr(), "default", ""))
	if err != nil || got.Role != store.RoleAdmin || got.Username != "default" {
		t.Errorf("Login = %+v, %v", got, err)
	}
}

func TestEmptyPasswordNeverBecomesTheDefaultUser(t *testing.T) {
	t.Parallel()
	d := setup(t, db.Addr())
	open := newUser(t, rules(graphReads, "nopass")...)
	closed := newUser(t, rules(graphReads, ">secret")...)
	for _, password := range []string{"", "anything"} {
		got, err := d.Login(t.Context(), at(t, db.Addr(), open, password))
		if err != nil || got.Username != open || got.Role != store.RoleReadOnly {
			t.Errorf("a user without password, with %q: %+v, %v", password, got, err)
		}
	}
	for _, username := range []string{closed, "nobody", ""} {
		c := at(t, db.Addr(), username, "")
		if got, err := d.Login(t.Context(), c); !errors.Is(err, ErrRefused) {
			t.Errorf("Login of %q without a password = %+v, %v, want ErrRefused", username, got, err)
		}
		if err := d.Ping(t.Context(), c); !errors.Is(err, ErrRefused) {
			t.Errorf("Ping of %q without a password: %v, want ErrRefused", username, err)
		}
	}
}

func TestDefaultUserWithAPasswordNeedsIt(t *testing.T) {
	t.Parallel()
	server := embeddedtest.Start(t, embedded.Server{Listen: "127.0.0.1:0", Ephemeral: true})
	setUserAt(t, server.Addr(), "alice", rules(graphReads, "nopass")...)
	setUserAt(t, server.Addr(), "default", rules("+@all", ">right")...)
	d := setup(t, server.Addr())
	for _, test := range []struct {
		username, password string
		want               error
	}{
		{"default", "right", nil},
		{"default", "", ErrRefused},
		{"default", "wrong", ErrRefused},
		{"alice", "", nil},
		{"nobody", "", ErrRefused},
		{"nobody", "right", ErrRefused},
	} {
		got, err := d.Login(t.Context(), at(t, server.Addr(), test.username, test.password))
		if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s with %q: %+v, %v, want %v", test.username, test.password, got, err, test.want)
		}
	}
}

func TestWrongCredentialsAreRefused(t *testing.T) {
	t.Parallel()
	d := setup(t, db.Addr())
	name := newUser(t, rules(graphReads, ">secret")...)
	off := newUser(t, rules(graphReads, ">secret", "off")...)
	for _, c := range []Credentials{
		at(t, db.Addr(), name, "Secret"),
		at(t, db.Addr(), name, "secret "),
		at(t, db.Addr(), name, "secret\x00"),
		at(t, db.Addr(), name+"x", "secret"),
		at(t, db.Addr(), strings.ToUpper(name), "secret"),
		at(t, db.Addr(), off, "secret"),
		at(t, db.Addr(), "default\r\nAUTH default ", ""),
		at(t, db.Addr(), name, "x\r\n*3\r\n$4\r\nAUTH\r\n$7\r\ndefault\r\n$0\r\n\r\n"),
	} {
		if got, err := d.Login(t.Context(), c); !errors.Is(err, ErrRefused) || got != (Identity{}) {
			t.Errorf("Login of %q with %q = %+v, %v, want ErrRefused", c.Username, c.Password, got, err)
		}
		if err := d.Ping(t.Context(), c); !errors.Is(err, ErrRefused) {
			t.Errorf("Ping of %q with %q: %v, want ErrRefused", c.Username, c.Password, err)
		}
	}
}

func TestNamesAndPasswordsOfAnyBytesLogIn(t *testing.T) {
	t.Parallel()
	d := setup(t, db.Addr())
	for i, secret := range []string{
		`"quoted" 'and' \back\`, "line\r\nbreaks\n", " spaces ", "tab\tnull\x00end", "пароль 密码 🔑👩‍👩‍👧", "$5\r\nhello\r\n",
		"+OK", "\u0007\u001b[31m", strings.Repeat("long", 8000), "\xff\xfe",
	} {
		name := newUser(t, rules(graphWrites, ">"+secret)...)
		if i%2 == 1 {
			name = `"ünï'\` + "🔑" + name
			setUser(t, name, rules(graphWrites, ">"+secret)...)
		}
		c := at(t, db.Addr(), name, secret)
		got, err := d.Login(t.Context(), c)
		if err != nil || got.Username != name || got.Role != store.RoleReadWrite {
			t.Errorf("with the password %.40q: %+v, %v", secret, got, err)
		}
		c.Password += "x"
		if _, err := d.Login(t.Context(), c); !errors.Is(err, ErrRefused) {
			t.Errorf("with the password %.40q and an x: %v", secret, err)
		}
	}
}

func TestParallelLoginsDoNotMixUpUsers(t *testing.T) {
	t.Parallel()
	d := setup(t, db.Addr(), func(o *Options) { o.MaxLogins = 5 })
	reader := at(t, db.Addr(), newUser(t, rules(graphReads, ">one")...), "one")
	writer := at(t, db.Addr(), newUser(t, rules(graphWrites, ">two")...), "two")
	var wait sync.WaitGroup
	for range 50 {
		for c, want := range map[Credentials]store.Role{reader: store.RoleReadOnly, writer: store.RoleReadWrite} {
			wait.Go(func() {
				if got, err := d.Login(t.Context(), c); err != nil || got.Role != want || got.Username != c.Username {
					t.Errorf("%+v, %v, want %s", got, err, want)
				}
			})
		}
	}
	wait.Wait()
}

func TestFailedLoginTakesNoLessThanTheFloor(t *testing.T) {
	t.Parallel()
	const floor = 400 * time.Millisecond
	d := setup(t, db.Addr()+","+gone, func(o *Options) { o.FailureFloor = floor })
	for want, c := range map[error]Credentials{
		ErrRefused:     at(t, db.Addr(), "nobody", "x"),
		ErrUnreachable: at(t, gone, "default", ""),
	} {
		begin := time.Now()
		if _, err := d.Login(t.Context(), c); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
		if took := time.Since(begin); took < floor {
			t.Errorf("%v after %v, want %v or more", want, took, floor)
		}
	}
}

func TestLoginThatIsNotAllowedTakesTheFloorExactly(t *testing.T) {
	t.Parallel()
	d := setup(t, "db.example", func(o *Options) { o.FailureFloor = 0 })
	elsewhere := Credentials{Username: "default", Host: "other.example", Port: 6379}
	malformed := Credentials{Host: "db.example", Port: 6379, CA: "nonsense"}
	for name, test := range map[string]struct {
		patience time.Duration
		call     func(context.Context) error
		error
		want time.Duration
	}{
		"login":           {time.Hour, loginOf(d, elsewhere), ErrNotAllowed, defaultFailureFloor},
		"impatient login": {100 * time.Millisecond, loginOf(d, elsewhere), ErrNotAllowed, 100 * time.Millisecond},
		"malformed CA":    {time.Hour, loginOf(d, malformed), ErrBadCA, 0},
		"ping":            {time.Hour, func(ctx context.Context) error { return d.Ping(ctx, elsewhere) }, ErrNotAllowed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), test.patience)
				defer cancel()
				begin := time.Now()
				if err := test.call(ctx); !errors.Is(err, test.error) {
					t.Errorf("%v, want %v", err, test.error)
				}
				if took := time.Since(begin); took != test.want {
					t.Errorf("took %v, want %v", took, test.want)
				}
			})
		})
	}
}

// loginOf returns a Login whose error only is of interest.
func loginOf(d *Directory, c Credentials) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := d.Login(ctx, c)
		return err
	}
}
