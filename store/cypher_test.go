package store

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// nasty are texts that one encoder or another is known to change.
var nasty = []string{
	``, `'`, `"`, `\`, `\\`, `C:\temp`, `ends with a backslash \`, `\"`, `"\`, `\u0041`, `\n`, `\x41`, `$name`, `{a:1}`, "`tick`",
	`// comment`, `/* comment */`, `--`, `;`, `CYPHER a=1 RETURN 2`, `"}) DETACH DELETE t //`, `' OR 1=1 --`,
	"tab\tline\nreturn\r", "bell\a escape\x1b delete\x7f", "separator\x01in\x1fit", "  blanks around  ", "\t", "\u00a0", "\ufeff",
	"soft\u00adhyphen", "line\u2028separator\u2029", "bidi \u202eright\u202c \u2066isolate\u2069", "zero\u200bwidth\u200c\u200d\ufeff",
	"👩\u200d👩\u200d👧\u200d👦", "می\u200cخواهم", "e\u0301 é", "ﬁ ß İ ı", "astral 𝒜 🏳️\u200d🌈 \U0010ffff", "\ufffd", "\ufffe\uffff", "日本語", "%s %d %00",
	strings.Repeat("x", 5000), strings.Repeat(`\"`, 2000),
}

// anyText draws a text without NUL.
func anyText(t *rapid.T, what string) string {
	text := rapid.OneOf(
		rapid.SampledFrom(nasty),
		rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.RuneFrom([]rune("\"\\'`${}[]\n\t\x01\u200d\u00ad\u202e🏴")))),
	).Draw(t, what)
	return strings.ReplaceAll(text, "\x00", "")
}

// anyItems draws a list of texts without line breaks, or none.
func anyItems(t *rapid.T, what string) []string {
	var items []string
	for range rapid.IntRange(0, 3).Draw(t, what+" length") {
		items = append(items, strings.ReplaceAll(anyText(t, what), "\n", "")+"x")
	}
	return items
}

// Values that indexes are asked for, ID and hash, are ours and always plain;
// everything else may be any text.
func TestAnyTextOfATokenComesBackExactly(t *testing.T) {
	t.Parallel()
	s := setup(t)
	rapid.Check(t, func(r *rapid.T) {
		want := newToken(t, User{
			ID: hashOf(anyText(r, "user")), Username: anyText(r, "username"), Host: anyText(r, "host"),
			Port: rapid.IntRange(0, 65535).Draw(r, "port"),
		}, noon)
		want.Name, want.Role = anyText(r, "name"), Role(anyText(r, "role"))
		want.Description, want.Graphs = anyText(r, "description"), anyItems(r, "graphs")
		small := func(name string) int64 { return rapid.Int64Range(0, 5).Draw(r, name) }
		want.Limits = Limits{TimeoutMs: small("timeout"), Rows: small("rows"), Concurrent: small("concurrent"), PerMinute: small("rate")}
		want.Permissions, want.AllowedIPs = anyItems(r, "permissions"), anyItems(r, "addresses")
		want.NotBefore = rapid.SampledFrom([]time.Time{{}, noon}).Draw(r, "not before")
		want.SealedPassword, want.CA, want.TLS = anyText(r, "sealed"), anyText(r, "ca"), rapid.Bool().Draw(r, "tls")
		if err := s.CreateToken(t.Context(), want, nil); err != nil {
			r.Fatal(err)
		}
		want.LastUse = Use{TokenID: want.ID, At: noon.Add(time.Minute), IP: anyText(r, "ip"), Agent: anyText(r, "agent")}
		if err := s.RecordUses(t.Context(), []Use{want.LastUse}); err != nil {
			r.Fatal(err)
		}
		got, err := s.TokenByHash(t.Context(), want.Hash)
		if err != nil {
			r.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			r.Fatalf("\n got %#v\nwant %#v", *got, *want)
		}
	})
}

func TestNastyTextsComeBackExactlyFromEveryQuery(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, text := range nasty {
		session := newSession(t, User{ID: hashOf(text), Username: text, Host: text, Port: 1})
		session.SealedPassword, session.CA = text, text
		if err := s.CreateSession(t.Context(), session); err != nil {
			t.Fatalf("%+q: %v", text, err)
		}
		got, err := s.SessionByHash(t.Context(), session.Hash, noon)
		if err != nil {
			t.Fatalf("%+q: %v", text, err)
		}
		if *got != *session {
			t.Errorf("\n got %#v\nwant %#v", *got, *session)
		}
		ip := raw(t, s, `RETURN $ip`, param{"ip", text})[0][0]
		if ip != text {
			t.Errorf("got %+q, want %+q", ip, text)
		}
	}
}

// A revocation's texts land on a relationship, which no method reads.
func TestRevocationKeepsItsTextsExactly(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, text := range nasty {
		token := create(t, s, alice)
		by := User{ID: hashOf(text), Username: text, Host: text, Port: 1}
		if _, err := s.RevokeToken(t.Context(), Revocation{TokenID: token.ID, By: by, At: noon, IP: text}); err != nil {
			t.Fatalf("%+q: %v", text, err)
		}
		records := raw(t, s, `MATCH (:Token {token_id: $id})-[r:REVOKED_BY]->(u:User) RETURN r.ip, u.username, u.host`, param{"id", token.ID})
		equal(t, "revocation", records, [][]any{{text, text, text}})
	}
}

func TestTextThatCannotBeKeptIsRefusedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	s := setup(t)
	if err := s.client().Close(); err != nil { // whatever is sent now gets ErrUnavailable
		t.Fatal(err)
	}
	ctx := t.Context()
	for _, bad := range []string{"\x00", "a\x00b", "\xff", "caf\xe9", "\xed\xa0\x80", "\xc0\x80", "cut \xf0\x9f\x92"} {
		for name, change := range map[string]func(*Token){
			"id":       func(t *Token) { t.ID = bad },
			"hash":     func(t *Token) { t.Hash = bad },
			"user_id":  func(t *Token) { t.User.ID = bad },
			"username": func(t *Token) { t.User.Username = bad },
			"host":     func(t *Token) { t.User.Host = bad },
			"name":     func(t *Token) { t.Name = bad },
			"role":     func(t *Token) { t.Role = Role(bad) },
			"sealed":   func(t *Token) { t.SealedPassword = bad },
			"ca":       func(t *Token) { t.CA = bad },
			"issuer":   func(t *Token) { t.IssuerID = bad },
		} {
			token := newToken(t, alice, noon)
			change(token)
			if err := s.CreateToken(ctx, token, nil); !errors.Is(err, ErrInvalidText) {
				t.Errorf("create with %s %+q: %v", name, bad, err)
			}
		}
		for name, err := range map[string]error{
			"token by hash":   second(s.TokenByHash(ctx, bad)),
			"token by ID":     second(s.TokenByID(ctx, bad)),
			"session by hash": second(s.SessionByHash(ctx, bad, noon)),
			"delete session":  s.DeleteSession(ctx, bad),
			"update role":     s.UpdateRole(ctx, "1-1", Role(bad)),
			"use of":          s.RecordUses(ctx, []Use{{TokenID: bad}}),
			"use from":        s.RecordUses(ctx, []Use{{TokenID: "1-1", IP: bad}}),
			"use by":          s.RecordUses(ctx, []Use{{TokenID: "1-1", Agent: bad}}),
			"list of user":    second(s.ListTokens(ctx, ListQuery{Username: bad, Hosts: []string{"a"}, Limit: 1})),
			"list of host":    second(s.ListTokens(ctx, ListQuery{Hosts: []string{"a", bad}, Limit: 1})),
			"list from":       second(s.ListTokens(ctx, ListQuery{From: &Place{ID: bad}, Sort: SortName, Limit: 1})),
			"list from name":  second(s.ListTokens(ctx, ListQuery{From: &Place{Name: bad}, Sort: SortName, Limit: 1})),
			"list of name":    second(s.ListTokens(ctx, ListQuery{Name: bad, Sort: SortName, Limit: 1})),
			"revoke":          second(s.RevokeToken(ctx, Revocation{TokenID: bad, By: alice})),
			"revoke from":     second(s.RevokeToken(ctx, Revocation{TokenID: "1-1", By: alice, IP: bad})),
			"revoke by":       second(s.RevokeToken(ctx, Revocation{TokenID: "1-1", By: User{ID: alice.ID, Username: bad}})),
		} {
			if !errors.Is(err, ErrInvalidText) {
				t.Errorf("%s %+q: %v", name, bad, err)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestValueThatLooksLikeCypherChangesNothing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	bystander := create(t, s, bob)
	for _, attack := range []string{
		`"}) DETACH DELETE t //`, `" MATCH (t) DETACH DELETE t //`, `\" MATCH (t) DETACH DELETE t //`, `\`, `x\"}) DETACH DELETE t //`,
		`$token_id`, `" CYPHER x=1 MATCH (n) DETACH DELETE n RETURN "`, `"] UNWIND [1] AS x MATCH (n) DETACH DELETE n //`,
	} {
		ctx := t.Context()
		token := create(t, s, alice, func(t *Token) { t.Name, t.SealedPassword = attack, attack })
		equal(t, "name", byID(t, s, token.ID).Name, attack)
		for _, err := range []error{
			second(s.TokenByID(ctx, attack)), second(s.TokenByHash(ctx, attack)), second(s.SessionByHash(ctx, attack, noon)),
		} {
			if !errors.Is(err, ErrNotFound) {
				t.Errorf("look-up by %q: %v", attack, err)
			}
		}
		for _, err := range []error{
			s.DeleteSession(ctx, attack), s.UpdateRole(ctx, attack, RoleAdmin), s.RecordUses(ctx, []Use{{TokenID: attack, At: noon, Agent: attack}}),
			second(s.RevokeToken(ctx, Revocation{TokenID: attack, By: alice, At: noon, IP: attack})),
			second(s.ListTokens(ctx, ListQuery{Hosts: []string{attack}, Username: attack, Statuses: []Status{Status(attack)}, From: &Place{ID: attack}, Name: attack, Limit: 1})),
		} {
			if err != nil {
				t.Errorf("%q: %v", attack, err)
			}
		}
		revoke(t, s, token.ID)
	}
	equal(t, "bystander", byID(t, s, bystander.ID), bystander)
	if n := count(t, s, `MATCH (t:Token) WHERE t.is_active RETURN count(t)`); n != 1 {
		t.Errorf("%d active tokens, want the bystander alone", n)
	}
}

func TestLiteralsOfEveryType(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value any
		want  string
	}{
		{`a"b\c`, `"a\"b\\c"`},
		{-1, `-1`},
		{int64(1) << 62, `4611686018427387904`},
		{true, `true`},
		{false, `false`},
		{time.Time{}, `-1`},
		{time.Unix(1700000000, 999_999_999), `1700000000`},
		{RoleReadOnly, `"Read-Only"`},
		{[]string{}, `[]`},
		{[]string{"a", `"`}, `["a","\""]`},
		{[]bool{true, false}, `[true,false]`},
		{[]box{{span{-2, 5}, span{5, 9}, never()}, {}}, `[[-2,5,5,9,-2,-1],[0,0,0,0,0,0]]`},
		{[]Status{StatusActive, StatusStale}, `["active","stale"]`},
		{SortLastUsed, `"last_used"`},
		{[]Use{{TokenID: "1-a", At: time.Unix(7, 0), IP: "::1", Agent: `q"`}, {}}, `[{id:"1-a",at:7,ip:"::1",agent:"q\""},{id:"",at:-1,ip:"",agent:""}]`},
	} {
		got, err := appendLiteral(nil, c.value)
		if err != nil || string(got) != c.want {
			t.Errorf("%T: got %s, %v, want %s", c.value, got, err, c.want)
		}
	}
	if _, err := appendLiteral(nil, 1.5); err == nil || errors.Is(err, ErrInvalidText) {
		t.Errorf("literal of an unknown type: %v", err)
	}
}

func TestQueryTextFollowsItsParameters(t *testing.T) {
	t.Parallel()
	got, err := cypherText(`RETURN $a, $b`, []param{{"a", `"`}, {"b", 2}})
	if want := `CYPHER a="\"" b=2 RETURN $a, $b`; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	got, err = cypherText(`RETURN 1`, nil)
	if err != nil || got != `RETURN 1` {
		t.Errorf("without parameters: %s, %v", got, err)
	}
	if _, err = cypherText(`RETURN $secret`, []param{{"secret", "hunter2\x00"}}); !errors.Is(err, ErrInvalidText) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("an error names the parameter and not its value: %v", err)
	}
}

// decodeString reads a double-quoted Cypher string by the grammar: it may hold
// no bare quote, and each backslash goes with the character behind it.
func decodeString(literal string) (text string, ok bool) {
	body, opened := strings.CutPrefix(literal, `"`)
	for opened {
		plain, rest, found := strings.Cut(body, `\`)
		if before, after, quoted := strings.Cut(plain, `"`); quoted {
			return text + before, after == "" && !found
		}
		if !found || rest == "" || rest[0] != '\\' && rest[0] != '"' {
			return "", false
		}
		text, body = text+plain+rest[:1], rest[1:]
	}
	return "", false
}

func FuzzAppendString(f *testing.F) {
	for _, text := range append(nasty, "\x00", "\xff", "\xed\xa0\x80") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		literal, err := appendString([]byte("x="), text)
		if valid := utf8.ValidString(text) && !strings.Contains(text, "\x00"); !valid {
			if !errors.Is(err, ErrInvalidText) {
				t.Fatalf("%+q: %v", text, err)
			}
			return
		}
		if err != nil {
			t.Fatalf("%+q: %v", text, err)
		}
		body, ok := strings.CutPrefix(string(literal), "x=")
		if !ok {
			t.Fatalf("%+q overwrote what was before it: %+q", text, literal)
		}
		if got, ok := decodeString(body); !ok || got != text {
			t.Fatalf("%+q became %s, which reads %+q", text, body, got)
		}
	})
}

func TestQueryOnAStoreWithoutTheGraphIsUnavailable(t *testing.T) {
	t.Parallel()
	s := setup(t)
	if err := s.client().Do(context.Background(), "GRAPH.DELETE", s.graph).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.TokenByID(t.Context(), "1-a"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a graph that is gone holds no tokens, but that is no answer: %v", err)
	}
}
