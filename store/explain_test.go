package store

import (
	"crypto/rand"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// sources parses the package without its tests.
func sources(t *testing.T) (*token.FileSet, []*ast.File) {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, entry := range entries {
		if name := entry.Name(); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			file, err := parser.ParseFile(set, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
	}
	return set, files
}

// queries are the package's query constants: all whose name begins so.
func queries(t *testing.T) map[string]string {
	t.Helper()
	set, files := sources(t)
	// Imports can't be resolved here, which constants don't mind.
	config := types.Config{Importer: importer.Default(), Error: func(error) {}}
	pkg, _ := config.Check("store", set, files, nil)
	found := map[string]string{}
	for _, name := range pkg.Scope().Names() {
		if c, ok := pkg.Scope().Lookup(name).(*types.Const); ok && strings.HasPrefix(name, "query") {
			found[name] = constant.StringVal(c.Val())
		}
	}
	return found
}

// sample holds a value for every parameter that a query of the package takes.
var sample = map[string]any{
	"token_id": "1-a", "token_ids": []string{"1-a", "1-b"}, "token_hash": "ab", "user_id": "user-1", "username": "alice", "host": "localhost", "port": 6379, "name": "n",
	"role": RoleAdmin, "created_at": noon, "expires_at": noon, "encrypted_password": "s", "kind": "pat", "tls": true, "ca": "", "issuer_id": "1-b",
	"now": noon, "idle_since": noon, "longest": 60, "never_forbidden": true, "soonest": noon, "at": noon, "ip": "::1", "uses": []Use{{TokenID: "1-a", At: noon}}, "after": time.Time{}, "until": noon, "limit": 10,
	"hosts": localhost, "states": []bool{true}, "status": "active", "statuses": []Status{StatusActive}, "boxes": []box{{span{1, 2}, always(), always()}},
	"sort": SortExpires, "descending": true, "from_at": noon, "from_id": "1-a", "from_name": "n", "by_graphs": true,
	"version": 1, "rows": []importRow{{&Token{ID: "1-d", Hash: "d", User: alice}}}, "old_id": "1-c", "old_until": noon, "key": "k", "keys": []IdempotencyKey{{Hash: "k", BodyHash: "b", ExpiresAt: noon}}, "stale": true, "sealed": []Sealed{{TokenID: "1-a", Password: "s"}}, "description": "d", "permissions": "graph:read", "graphs": "social", "allowed_ips": "", "limits": "", "not_before": time.Time{},
	"policy": "{}", "actions": []string{"token.created"}, "outcomes": []string{"success"}, "instance": "localhost:6379", "seq": 0, "prev": "", "hash": "ab", "links": []Link{{EventID: "e", Seq: 1}}, "action": "", "outcome": "", "since": 0, "before": afterAll,
	"reason": ReasonDirect, "events": []Event{{ID: "e", At: noon, Host: "localhost", Port: 6379, Action: ActionTokenCreated}},
}

func sampleParams(t *testing.T, query string) []param {
	t.Helper()
	var params []param
	for _, match := range regexp.MustCompile(`\$(\w+)`).FindAllStringSubmatch(query, -1) {
		value, ok := sample[match[1]]
		if !ok {
			t.Fatalf("sample has no value for the parameter %s", match[1])
		}
		if !slices.ContainsFunc(params, func(p param) bool { return p.name == match[1] }) {
			params = append(params, param{match[1], value})
		}
	}
	return params
}

// leaves gives the operations of a plan that take no input: where it starts.
func leaves(plan []string) (leaves []string) {
	depth := func(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
	for i, line := range plan {
		if i+1 == len(plan) || depth(plan[i+1]) <= depth(line) {
			leaves = append(leaves, strings.TrimSpace(line))
		}
	}
	return leaves
}

// A query without an index grows with the number of tokens stored. Whoever adds
// one finds out here.
func TestEveryQueryStartsFromAnIndex(t *testing.T) {
	t.Parallel()
	s := setup(t)
	fill(t, s, 500, 10, noon) // plans may depend on what there is
	all := queries(t)
	if len(all) < 15 {
		t.Fatalf("found only %v", slices.Sorted(maps.Keys(all)))
	}
	// Where a plan may start: at an index, or at something that is not stored.
	allowed := []string{"Node By Index Scan", "Argument", "Unwind", "ProcedureCall", "Project", "MergeCreate", "Create"}
	for name, query := range all {
		text, err := cypherText(query, sampleParams(t, query))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := s.client().Do(t.Context(), "GRAPH.EXPLAIN", s.graph, text).StringSlice()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		whole := strings.Join(plan, "\n")
		if strings.Contains(whole, "Label Scan") || strings.Contains(whole, "All Node Scan") || strings.Contains(whole, "Cartesian") {
			t.Errorf("%s looks at every node:\n%s", name, whole)
		}
		if strings.Contains(query, "MATCH") && !strings.Contains(whole, "Node By Index Scan") {
			t.Errorf("%s uses no index:\n%s", name, whole)
		}
		for _, leaf := range leaves(plan) {
			if !slices.ContainsFunc(allowed, func(operation string) bool { return strings.HasPrefix(leaf, operation) }) {
				t.Errorf("%s starts from %q:\n%s", name, leaf, whole)
			}
		}
	}
}

func TestEveryQueryIsAConstant(t *testing.T) {
	t.Parallel()
	set, files := sources(t)
	// Where a variable holds one of several constants.
	variables := []string{"query", "index.create"}
	calls := 0
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 2 {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !slices.Contains([]string{"read", "write", "writeSoon", "oneToken", "sweep"}, method.Sel.Name) {
				return true
			}
			calls++
			if name := types.ExprString(call.Args[1]); !strings.HasPrefix(name, "query") && !slices.Contains(variables, name) {
				t.Errorf("%s: %s is not a query constant", set.Position(call.Pos()), name)
			}
			return true
		})
	}
	if calls < 15 {
		t.Errorf("only %d calls were found", calls)
	}
}

// The plan says what starts a query, the profile what that finds: one row, of
// however many there are.
func TestLookUpsTouchOneRow(t *testing.T) {
	t.Parallel()
	s := setup(t)
	fill(t, s, 3000, 10, noon)
	raw(t, s, `MATCH (t:Token) SET t.is_active = false, t.expires_at = $at`, param{"at", noon.Add(-time.Hour)}) // swept long ago
	token, issuer, old := create(t, s, alice), create(t, s, alice), create(t, s, alice)
	session := newSession(t, alice)
	if err := s.CreateSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	creation := func() []param {
		key := &IdempotencyKey{Hash: rand.Text(), ExpiresAt: noon}
		return append(tokenParams(newToken(t, alice, noon), "pat"), keysParam(key), eventsParam(Event{ID: rand.Text()}), param{"issuer_id", issuer.ID}, param{"now", noon})
	}
	for name, c := range map[string]struct {
		query  string
		params []param
	}{
		"token by hash":   {queryTokenByHash, []param{{"token_hash", token.Hash}}},
		"token by ID":     {queryTokenByID, []param{{"token_id", token.ID}}},
		"session by hash": {querySession, []param{{"token_hash", session.Hash}, {"now", noon}}},
		"creation":        {queryCreateToken, creation()},
		"creation from":   {queryCreateTokenFrom, creation()},
		"rotation":        {queryRotateToken, append(creation(), param{"old_id", old.ID}, param{"old_until", noon})},
		"issuer":          {queryIssuer, []param{{"token_id", token.ID}}},
		"key":             {queryKey, []param{{"key", "a"}, {"now", noon}}},
		"use":             {queryRecordUses, []param{{"uses", []Use{{TokenID: token.ID, At: noon}}}}},
		"role":            {queryUpdateRole, []param{{"token_id", token.ID}, {"role", RoleAdmin}}},
		"revocation": {queryRevokeToken, []param{
			{"token_id", token.ID},
			{"at", noon},
			{"ip", "::1"},
			{"user_id", bob.ID},
			{"username", bob.Username},
			{"host", bob.Host},
			{"port", bob.Port},
			{"reason", ReasonDirect},
			eventsParam(Event{ID: rand.Text()}),
		}},
		"owner's edge":   {queryLinkOwners, []param{{"limit", 1}}},
		"revoker's edge": {queryLinkRevokers, []param{{"limit", 1}}},
		"rebinding": {queryRebind, []param{
			{"token_id", token.ID},
			{"encrypted_password", "s"},
			{"tls", false},
			{"ca", ""},
			{"role", RoleAdmin},
			{"now", noon},
			eventsParam(Event{ID: "e", At: noon}),
		}},
		"mark":           {queryMarkStale, []param{{"sealed", []Sealed{sealedOf(token)}}, {"at", noon}}},
		"sign-out":       {queryDeleteSession, []param{{"token_hash", session.Hash}, eventsParam(Event{ID: rand.Text()})}},
		"token sweep":    {querySweepTokens, []param{{"after", time.Time{}}, {"now", noon}, {"limit", 10}}},
		"session sweep":  {querySweepSessions, []param{{"after", time.Time{}}, {"now", noon}, {"limit", 10}}},
		"list of nobody": {queryPageOfUser, pageParams("nobody", SortCreated)},
		"list, one row":  {queryPageOfUser, pageParams("bob", SortCreated)},
		"list, by time":  {queryPageOfUserAt, pageParams("bob", SortExpires)},
		"list, by name":  {queryNamesOfUserAt, pageParams("bob", SortName)},
		"total":          {queryTotalOfUserAt, pageParams("bob", SortName)},
	} {
		if most := mostRecords(t, s.client(), s.graph, c.query, c.params); most > 1 {
			t.Errorf("%s: an operation of the plan produced %d records", name, most)
		}
	}
}

func pageParams(username string, by Sort) []param {
	q := ListQuery{Hosts: localhost, Port: 6379, Username: username, Now: noon}
	return append(append(q.params(q.box()), q.filters()...), param{"limit", 10}, param{"sort", by}, param{"descending", true},
		param{"from_at", noon.Add(time.Hour)}, param{"from_id", ""}, param{"from_name", ""}, param{"by_graphs", true})
}

// mostRecords runs a query and gives the most that one operation produced.
func mostRecords(t *testing.T, client redis.UniversalClient, graph, query string, params []param) int {
	t.Helper()
	text, err := cypherText(query, params)
	if err != nil {
		t.Fatal(err)
	}
	profile, err := client.Do(t.Context(), "GRAPH.PROFILE", graph, text).StringSlice()
	if err != nil {
		t.Fatal(err)
	}
	most := 0
	for _, match := range regexp.MustCompile(`Records produced: (\d+)`).FindAllStringSubmatch(strings.Join(profile, "\n"), -1) {
		most = max(most, number(t, match[1]))
	}
	return most
}
