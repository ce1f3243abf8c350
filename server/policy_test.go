package server

import (
	"errors"
	"testing"

	"github.com/falkorpat/falkorpat/server/access"
	"github.com/falkorpat/falkorpat/server/authn"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/tokens"
	"github.com/falkorpat/falkorpat/store"
)

var caller = store.User{Username: "ada", Host: "localhost", Port: 6379}

var roles = []store.Role{store.RoleAdmin, store.RoleReadWrite, store.RoleReadOnly}

func TestManagingATokenIsForItsOwnerAndAdminsOfItsInstance(t *testing.T) {
	t.Parallel()
	owners := map[string]store.User{
		"own":              caller,
		"another user's":   {Username: "grace", Host: "localhost", Port: 6379},
		"another port's":   {Username: "ada", Host: "localhost", Port: 6380},
		"another host's":   {Username: "ada", Host: "db.example", Port: 6379},
		"another everyone": {Username: "grace", Host: "db.example", Port: 1},
	}
	for owner, user := range owners {
		for _, role := range roles {
			var want error
			switch {
			case user.Host != caller.Host || user.Port != caller.Port:
				want = errForeignInstance
			case user.Username != caller.Username && role != store.RoleAdmin:
				want = errNotOwner
			}
			p := &authn.Principal{User: caller, Role: role, Permissions: access.OfRole(role)}
			for name, may := range map[string]func(*authn.Principal, *store.Token) error{"read": mayRead, "revoke": mayRevoke, "rebind": mayRebind} {
				got := may(p, &store.Token{ID: "1-a", User: user})
				if !errors.Is(got, want) || (got == nil) != (want == nil) {
					t.Errorf("%s may %s %s token: %v, want %v", role, name, owner, got, want)
				}
			}
		}
	}
}

// A token's list of permissions takes from what its user's role allows.
func TestManagingATokenNeedsThePermission(t *testing.T) {
	t.Parallel()
	grace := store.User{Username: "grace", Host: "localhost", Port: 6379}
	for _, test := range []struct {
		name   string
		list   []string
		user   store.User
		read   access.Permission // missing; empty for allowed
		revoke access.Permission
	}{
		{"all, own", nil, caller, "", ""},
		{"all, another's", nil, grace, "", ""},
		{"read only, own", []string{"tokens:read"}, caller, "", access.TokensWrite},
		{"write only, own", []string{"tokens:write"}, caller, access.TokensRead, ""},
		{"read and write, another's", []string{"tokens:read", "tokens:write"}, grace, access.TokensAdmin, access.TokensAdmin},
		{"admin, another's", []string{"tokens:admin"}, grace, "", ""},
		{"admin alone, own", []string{"tokens:admin"}, caller, access.TokensRead, access.TokensWrite},
		{"graphs alone, own", []string{"graph:read"}, caller, access.TokensRead, access.TokensWrite},
	} {
		p := &authn.Principal{
			User: caller, Role: store.RoleAdmin, Permissions: access.OfToken(store.RoleAdmin, test.list), Token: &store.Token{ID: "1-b", User: caller},
		}
		target := &store.Token{ID: "1-a", User: test.user}
		if got := missingOf(t, mayRead(p, target)); got != test.read {
			t.Errorf("%s: reading lacks %q, want %q", test.name, got, test.read)
		}
		if got := missingOf(t, mayRevoke(p, target)); got != test.revoke {
			t.Errorf("%s: revoking lacks %q, want %q", test.name, got, test.revoke)
		}
		if got := missingOf(t, mayRebind(p, target)); got != test.revoke {
			t.Errorf("%s: rebinding lacks %q, want %q", test.name, got, test.revoke)
		}
		if got, has := missingOf(t, mayRebind(p, p.Token)), p.Permissions.Has(access.TokensWrite); (got == "") != has {
			t.Errorf("%s: rebinding itself lacks %q", test.name, got)
		}
		if err := errors.Join(mayRead(p, p.Token), mayRevoke(p, p.Token)); err != nil {
			t.Errorf("%s: the token itself: %v", test.name, err)
		}
	}
}

// missingOf is the permission that an error says is missing.
func missingOf(t *testing.T, err error) access.Permission {
	t.Helper()
	var missing *access.MissingError
	if err != nil && !errors.As(err, &missing) {
		t.Fatalf("%v is no *access.MissingError", err)
	}
	if missing == nil {
		return ""
	}
	return missing.Permission
}

func TestOnlyAdminsListTokensOfOthers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		role    store.Role
		list    []string // the token's permissions; nil for all
		asked   string
		want    string
		missing access.Permission
	}{
		{"Admin", store.RoleAdmin, nil, "", "", ""},
		{"Admin, of themselves", store.RoleAdmin, nil, "ada", "ada", ""},
		{"Admin, of another", store.RoleAdmin, nil, "grace", "grace", ""},
		{"writer", store.RoleReadWrite, nil, "", "ada", ""},
		{"writer, of themselves", store.RoleReadWrite, nil, "ada", "ada", ""},
		{"writer, of another", store.RoleReadWrite, nil, "grace", "", access.TokensAdmin},
		{"reader", store.RoleReadOnly, nil, "", "ada", ""},
		{"reader, of another", store.RoleReadOnly, nil, "Ada", "", access.TokensAdmin},
		{"Admin's reading token", store.RoleAdmin, []string{"tokens:read"}, "", "ada", ""},
		{"Admin's reading token, of another", store.RoleAdmin, []string{"tokens:read"}, "grace", "", access.TokensAdmin},
		{"Admin's managing token", store.RoleAdmin, []string{"tokens:admin"}, "", "", ""},
		{"Admin's managing token, of another", store.RoleAdmin, []string{"tokens:admin"}, "grace", "grace", ""},
		{"writing token", store.RoleReadWrite, []string{"tokens:write"}, "", "", access.TokensRead},
		{"writing token, of themselves", store.RoleReadWrite, []string{"tokens:write"}, "ada", "", access.TokensRead},
		{"no role", "", nil, "", "", access.TokensRead},
		{"no such role", "admin", nil, "grace", "", access.TokensAdmin},
	} {
		p := &authn.Principal{User: caller, Role: test.role, Permissions: access.OfToken(test.role, test.list)}
		got, err := listedUsername(p, test.asked)
		if missing := missingOf(t, err); missing != test.missing || err == nil && got != test.want {
			t.Errorf("%s lists %q, lacks %q, want %q, %q", test.name, got, missing, test.want, test.missing)
		}
	}
}

func TestHistoryOfOthersIsForAdmins(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		role    store.Role
		list    []string
		asked   string
		want    string
		missing access.Permission
	}{
		{"an Admin, all", store.RoleAdmin, nil, "", "", ""},
		{"an Admin, another's", store.RoleAdmin, nil, "grace", "grace", ""},
		{"an Admin's token, all", store.RoleAdmin, []string{"tokens:admin"}, "", "", ""},
		{"an Admin's narrow token", store.RoleAdmin, []string{"tokens:read"}, "", "ada", ""},
		{"an Admin's narrow token, another's", store.RoleAdmin, []string{"tokens:read"}, "grace", "", access.TokensAdmin},
		{"a user", store.RoleReadWrite, nil, "", "ada", ""},
		{"a user, by name", store.RoleReadOnly, nil, "ada", "ada", ""},
		{"a user, another's", store.RoleReadWrite, nil, "grace", "", access.TokensAdmin},
		{"a token for graphs", store.RoleReadWrite, []string{"graph:read"}, "", "ada", access.TokensRead},
		{"no role", "", nil, "", "ada", access.TokensRead},
	} {
		p := &authn.Principal{User: caller, Role: test.role, Permissions: access.OfToken(test.role, test.list)}
		got, err := listedHistory(p, test.asked)
		if missing := missingOf(t, err); missing != test.missing || got != test.want {
			t.Errorf("%s: %q, lacks %q; want %q, %q", test.name, got, missing, test.want, test.missing)
		}
	}
}

// One of many tokens is judged as if it were the only one.
func TestVerdictsSayWhatSingleRevocationsDo(t *testing.T) {
	t.Parallel()
	own := &store.Token{ID: "1-a", User: caller}
	another := &store.Token{ID: "1-b", User: store.User{Username: "grace", Host: "localhost", Port: 6379}}
	foreign := &store.Token{ID: "1-c", User: store.User{Username: "ada", Host: "localhost", Port: 6380}}
	itself := &store.Token{ID: "1-d", User: caller}
	const hidden, forbidden, allowed = tokens.Hidden, tokens.Forbidden, tokens.Allowed
	for _, test := range []struct {
		role store.Role
		list []string
		want [4]tokens.Verdict // own, another's, foreign, itself
	}{
		{store.RoleAdmin, nil, [4]tokens.Verdict{allowed, allowed, hidden, allowed}},
		{store.RoleReadWrite, nil, [4]tokens.Verdict{allowed, forbidden, hidden, allowed}},
		{store.RoleReadOnly, nil, [4]tokens.Verdict{allowed, forbidden, hidden, allowed}},
		{store.RoleAdmin, []string{"tokens:write"}, [4]tokens.Verdict{allowed, forbidden, hidden, allowed}},
		{store.RoleAdmin, []string{"tokens:admin"}, [4]tokens.Verdict{forbidden, allowed, hidden, allowed}},
		{store.RoleReadWrite, []string{"tokens:read"}, [4]tokens.Verdict{forbidden, forbidden, hidden, allowed}},
	} {
		p := &authn.Principal{User: caller, Role: test.role, Permissions: access.OfToken(test.role, test.list), Token: itself}
		for i, target := range []*store.Token{own, another, foreign, itself} {
			if got := verdict(p, target); got != test.want[i] {
				t.Errorf("%s with %v on %s: %d, want %d", test.role, test.list, target.ID, got, test.want[i])
			}
		}
	}
}

func TestRevokingAllOfOthersIsForAdmins(t *testing.T) {
	t.Parallel()
	const write, admin = access.TokensWrite, access.TokensAdmin
	for _, test := range []struct {
		role store.Role
		list []string
		want [3]access.Permission // missing for all of ada (the caller), of grace, of everyone
	}{
		{store.RoleAdmin, nil, [3]access.Permission{}},
		{store.RoleReadWrite, nil, [3]access.Permission{"", admin, admin}},
		{store.RoleReadOnly, nil, [3]access.Permission{"", admin, admin}},
		{store.RoleAdmin, []string{"tokens:write"}, [3]access.Permission{"", admin, admin}},
		{store.RoleAdmin, []string{"tokens:admin"}, [3]access.Permission{write, "", write}},
		{store.RoleAdmin, []string{"tokens:read"}, [3]access.Permission{write, admin, admin}},
	} {
		p := &authn.Principal{User: caller, Role: test.role, Permissions: access.OfToken(test.role, test.list)}
		for i, username := range []string{"ada", "grace", ""} {
			if got := missingOf(t, mayRevokeAll(p, username)); got != test.want[i] {
				t.Errorf("%s with %v on all of %q: lacks %q, want %q", test.role, test.list, username, got, test.want[i])
			}
		}
	}
}

func TestCreatingNeedsThePermission(t *testing.T) {
	t.Parallel()
	p := &authn.Principal{User: caller, Permissions: access.OfToken(store.RoleAdmin, []string{"tokens:read", "tokens:admin"})}
	if got := missingOf(t, mayCreate(p)); got != access.TokensWrite {
		t.Errorf("lacks %q", got)
	}
	p.Permissions = access.OfRole(store.RoleReadOnly)
	if err := mayCreate(p); err != nil {
		t.Error(err)
	}
}

func TestPassingNeedsAllThatIsAskedFor(t *testing.T) {
	t.Parallel()
	here, there := instance.Instance{Host: "localhost", Port: 6379}, instance.Instance{Host: "localhost", Port: 6380}
	read, write := access.GraphRead, access.GraphWrite
	for _, test := range []struct {
		name        string
		permissions []string
		graphs      []string
		needs       needs
		missing     access.Permission
		// graph says that the graph is what is wrong.
		graph bool
		err   error
	}{
		{name: "nothing"},
		{name: "a permission", needs: needs{permissions: []access.Permission{read}}},
		{name: "all that the token has", permissions: []string{"graph:read", "graph:write"}, needs: needs{permissions: []access.Permission{write, read}}},
		{name: "one too many", permissions: []string{"graph:read"}, needs: needs{permissions: []access.Permission{read, write}}, missing: write},
		{name: "more than the role has", needs: needs{permissions: []access.Permission{access.GraphAdmin}}, missing: access.GraphAdmin},
		{name: "any graph", needs: needs{graph: "social"}},
		{name: "a graph by its name", graphs: []string{"social"}, needs: needs{graph: "social"}},
		{name: "a graph by a pattern", graphs: []string{"x", "soc*"}, needs: needs{graph: "social"}},
		{name: "another graph", graphs: []string{"social"}, needs: needs{graph: "secret"}, graph: true},
		{name: "a graph called like a pattern", graphs: []string{"social"}, needs: needs{graph: "*"}, graph: true},
		{name: "a graph called like a longer pattern", graphs: []string{"social"}, needs: needs{graph: "s?cial"}, graph: true},
		{
			name: "a graph, and a permission that is missing", permissions: []string{"graph:read"}, graphs: []string{"social"},
			needs: needs{graph: "social", permissions: []access.Permission{write}}, missing: write,
		},
		{name: "its instance", needs: needs{instance: here}},
		{name: "another instance", needs: needs{instance: there}, err: errInstance},
	} {
		p := &authn.Principal{
			User: caller, Role: store.RoleReadWrite, Permissions: access.OfToken(store.RoleReadWrite, test.permissions),
			Token: &store.Token{ID: "1-a", User: caller, Graphs: test.graphs},
		}
		err := mayPass(p, test.needs)
		if test.missing != "" {
			if got := missingOf(t, err); got != test.missing {
				t.Errorf("%s: lacks %q, want %q", test.name, got, test.missing)
			}
			continue
		}
		other := (*access.GraphError)(nil)
		if errors.As(err, &other) != test.graph || !test.graph && !errors.Is(err, test.err) {
			t.Errorf("%s: %v, want %v, or a fault of the graph: %v", test.name, err, test.err, test.graph)
		}
	}
}
