package access

import (
	"errors"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/falkorpat/falkorpat/store"
)

func TestRolesAllowWhatTheContractSays(t *testing.T) {
	t.Parallel()
	for role, want := range map[store.Role]string{
		store.RoleAdmin:     "graph:read graph:write graph:admin tokens:read tokens:write tokens:admin tokens:rotate",
		store.RoleReadWrite: "graph:read graph:write tokens:read tokens:write tokens:rotate",
		store.RoleReadOnly:  "graph:read tokens:read tokens:write tokens:rotate",
		"":                  "",
		"admin":             "",
	} {
		if got := strings.Join(OfRole(role).Names(), " "); got != want {
			t.Errorf("%q allows %q, want %q", role, got, want)
		}
	}
}

func TestATokenMayWhatItsRoleAndItsListAllow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		role store.Role
		list []string
		want string
	}{
		{store.RoleReadOnly, nil, "graph:read tokens:read tokens:write tokens:rotate"},
		{store.RoleAdmin, []string{"tokens:admin", "graph:read"}, "graph:read tokens:admin"},
		{store.RoleReadOnly, []string{"tokens:admin", "graph:write", "graph:read"}, "graph:read"}, // demoted
		{store.RoleAdmin, []string{}, ""},
		{store.RoleAdmin, []string{"graph:fly"}, ""}, // of a newer program
	} {
		if got := strings.Join(OfToken(test.role, test.list).Names(), " "); got != test.want {
			t.Errorf("%s with %q may %q, want %q", test.role, test.list, got, test.want)
		}
	}
}

func TestNobodyGrantsWhatTheyDoNotHave(t *testing.T) {
	t.Parallel()
	mine := OfRole(store.RoleReadWrite)
	names, err := mine.Grant([]string{"tokens:read", "graph:read"})
	if err != nil || !slices.Equal(names, []string{"graph:read", "tokens:read"}) {
		t.Errorf("%q, %v", names, err)
	}
	var missing *MissingError
	if _, err := mine.Grant([]string{"graph:read", "tokens:admin"}); !errors.As(err, &missing) || missing.Permission != TokensAdmin {
		t.Errorf("more than one has: %v", err)
	}
	for _, test := range []struct {
		list  []string
		index int
	}{{[]string{}, -1}, {[]string{"graph:read", "graph:read"}, 1}, {[]string{"graph:read", "Graph:Read"}, 1}} {
		var fault *ListError
		if _, err := mine.Grant(test.list); !errors.As(err, &fault) || fault.Index != test.index {
			t.Errorf("%q: %v, want a fault at %d", test.list, err, test.index)
		}
	}
}

func TestPatternsMatchGraphNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "", true},
		{"*", "any", true},
		{"social", "social", true},
		{"social", "Social", false},
		{"social", "social2", false},
		{"tenant-*", "tenant-", true},
		{"tenant-*", "tenant-7-x", true},
		{"tenant-*", "my-tenant-7", false},
		{"*-prod", "a-prod-prod", true},
		{"a?c", "abc", true},
		{"a?c", "aéc", true},
		{"a?c", "ac", false},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "a-c-b", false},
		{"a.c", "abc", false},
		{"[ab]", "a", false},
		{"[ab]", "[ab]", true},
	} {
		if got := MatchesGraph([]string{"no", test.pattern}, test.name); got != test.want {
			t.Errorf("%q matches %q: %t", test.pattern, test.name, got)
		}
	}
	if !MatchesGraph(nil, "any") || MatchesGraph([]string{}, "any") {
		t.Error("nil is no limit, and an empty list matches nothing")
	}
}

func anyPattern(t *rapid.T, name string) string {
	return rapid.StringMatching(`[ab?*]{1,6}`).Draw(t, name)
}

func TestPatternsMatchAsRegularExpressionsDo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pattern, name := anyPattern(t, "pattern"), rapid.StringMatching(`[abc]{0,7}`).Draw(t, "name")
		same := regexp.MustCompile("^" + strings.NewReplacer("*", ".*", "?", ".").Replace(pattern) + "$")
		if got := MatchesGraph([]string{pattern}, name); got != same.MatchString(name) {
			t.Fatalf("%q matches %q: %t", pattern, name, got)
		}
	})
}

// What a narrower pattern matches, a wider one must match too: otherwise a token
// could hand on graphs that it may not touch itself.
func TestACoveredPatternMatchesNothingBeyond(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		outer, inner := anyPattern(t, "outer"), anyPattern(t, "inner")
		name := rapid.StringMatching(`[abc]{0,8}`).Draw(t, "name")
		if covers(outer, inner) && MatchesGraph([]string{inner}, name) && !MatchesGraph([]string{outer}, name) {
			t.Fatalf("%q covers %q, and does not match %q", outer, inner, name)
		}
	})
}

// names are all texts of up to n characters, one of which no pattern holds.
func names(n int) []string {
	all := []string{""}
	for last := all; n > 0; n-- {
		var longer []string
		for _, name := range last {
			for _, c := range "abc" {
				longer = append(longer, name+string(c))
			}
		}
		all, last = append(all, longer...), longer
	}
	return all
}

func TestAPatternThatIsNotCoveredMatchesSomethingBeyond(t *testing.T) {
	t.Parallel()
	texts := names(7)
	rapid.Check(t, func(t *rapid.T) {
		outer := rapid.StringMatching(`[ab?*]{1,3}`).Draw(t, "outer")
		inner := rapid.StringMatching(`[ab?*]{1,3}`).Draw(t, "inner")
		beyond := slices.ContainsFunc(texts, func(name string) bool {
			return MatchesGraph([]string{inner}, name) && !MatchesGraph([]string{outer}, name)
		})
		covered := covers(outer, inner)
		if covered && beyond {
			t.Fatalf("%q is said to cover %q, and does not", outer, inner)
		}
		if !covered && !beyond && !strings.Contains(outer, "?") {
			t.Fatalf("%q covers %q, and is said not to", outer, inner)
		}
	})
}

func TestListsOfGraphsAreChecked(t *testing.T) {
	t.Parallel()
	for _, good := range [][]string{{"*"}, {"social"}, {"a*", "b*"}, {"a?", "b"}, {"a*b", "b*a"}, {"مرحبا", "*🙂"}} {
		if err := ParseGraphs(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	long := strings.Repeat("é", maxPattern)
	if err := ParseGraphs([]string{long}); err != nil {
		t.Error(err)
	}
	many := make([]string, maxPatterns+1)
	for i := range many {
		many[i] = string(rune('a' + i))
	}
	for _, test := range []struct {
		list  []string
		index int
	}{
		{[]string{}, -1},
		{many, -1},
		{[]string{"a", ""}, 1},
		{[]string{long + "x"}, 0},
		{[]string{"a\nb"}, 0},
		{[]string{"\xff"}, 0},
		{[]string{"a", "b", "a"}, 2},
		{[]string{"a*", "*", "b"}, 0},
		{[]string{"ab", "a*"}, 0},
		{[]string{"a*", "a?"}, 1},
	} {
		var fault *ListError
		if err := ParseGraphs(test.list); !errors.As(err, &fault) || fault.Index != test.index {
			t.Errorf("%.40q: %v, want a fault at %d", test.list, err, test.index)
		}
	}
}

func TestGraphsOutsideOthersAreFound(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		inner, outer []string
		want         int
	}{
		{[]string{"*"}, nil, -1},
		{nil, []string{"a"}, 0},
		{nil, nil, -1},
		{[]string{"tenant-7", "tenant-?"}, []string{"x", "tenant-*"}, -1},
		{[]string{"tenant-7", "other"}, []string{"tenant-*"}, 1},
		{[]string{"*"}, []string{"tenant-*"}, 0},
		{[]string{"tenant-*"}, []string{"tenant-?"}, 0},
		{[]string{"a"}, []string{}, 0},
	} {
		if got := OutsideGraphs(test.inner, test.outer); got != test.want {
			t.Errorf("%q outside %q: %d, want %d", test.inner, test.outer, got, test.want)
		}
	}
}

func TestListsOfAddressesAreReadAndChecked(t *testing.T) {
	t.Parallel()
	got, err := ParseAddresses([]string{"192.0.2.7", "10.0.0.0/8", "2001:DB8::/32", "::1"})
	if want := []string{"192.0.2.7/32", "10.0.0.0/8", "2001:db8::/32", "::1/128"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if got, err := ParseAddresses([]string{"0.0.0.0/0", "::/0"}); err != nil || len(got) != 2 {
		t.Errorf("everywhere, both families: %q, %v", got, err)
	}
	for _, test := range []struct {
		list  []string
		index int
	}{
		{[]string{}, -1},
		{[]string{"localhost"}, 0},
		{[]string{"192.0.2.0/33"}, 0},
		{[]string{"192.0.2.1/24"}, 0},
		{[]string{"::1", "2001:db8::1/32"}, 1},
		{[]string{"fe80::1%eth0"}, 0},
		{[]string{"::ffff:192.0.2.1"}, 0},
		{[]string{"::ffff:192.0.2.0/120"}, 0},
		{[]string{"10.1.0.0/16", "10.0.0.0/8"}, 0},
		{[]string{"10.0.0.0/8", "10.0.0.1"}, 1},
		{[]string{"::1", "::1/128"}, 1},
	} {
		var fault *ListError
		if _, err := ParseAddresses(test.list); !errors.As(err, &fault) || fault.Index != test.index {
			t.Errorf("%q: %v, want a fault at %d", test.list, err, test.index)
		}
	}
}

func TestAddressesAreAllowedByTheirNetworks(t *testing.T) {
	t.Parallel()
	list := []string{"192.0.2.0/24", "2001:db8::/32"}
	for address, want := range map[string]bool{
		"192.0.2.255": true, "192.0.3.0": false, "::ffff:192.0.2.1": true, "2001:db8:1::1": true, "2001:db9::": false, "2001:db8::1%eth0": true,
	} {
		if got := AllowsAddress(list, netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %t", address, got)
		}
	}
	if AllowsAddress(list, netip.Addr{}) || AllowsAddress([]string{"x"}, netip.MustParseAddr("::1")) || !AllowsAddress(nil, netip.Addr{}) {
		t.Error("no address is in no network, and nil is no limit")
	}
}

func TestAddressesOutsideOthersAreFound(t *testing.T) {
	t.Parallel()
	outer := []string{"10.0.0.0/8", "2001:db8::/32"}
	for _, test := range []struct {
		inner []string
		outer []string
		want  int
	}{
		{[]string{"0.0.0.0/0"}, nil, -1},
		{[]string{"10.0.0.0/8", "10.2.0.0/16", "2001:db8::1/128"}, outer, -1},
		{[]string{"10.2.0.0/16", "11.0.0.0/8"}, outer, 1},
		{[]string{"0.0.0.0/0"}, outer, 0},
		{[]string{"::/0"}, outer, 0},
	} {
		if got := OutsideAddresses(test.inner, test.outer); got != test.want {
			t.Errorf("%q outside %q: %d, want %d", test.inner, test.outer, got, test.want)
		}
	}
}

func TestSetsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	if got := of(TokensAdmin, GraphRead).Names(); !reflect.DeepEqual(got, []string{"graph:read", "tokens:admin"}) {
		t.Errorf("%q", got)
	}
	var missing *MissingError
	if err := of(GraphRead).Require(GraphWrite); !errors.As(err, &missing) || missing.Permission != GraphWrite {
		t.Errorf("%v", err)
	}
	if err := of(GraphRead).Require(GraphRead); err != nil {
		t.Error(err)
	}
}
