package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// oddValue is any JSON value, most of them odd.
func oddValue() *rapid.Generator[string] {
	quoted := rapid.Custom(func(t *rapid.T) string {
		text, _ := json.Marshal(rapid.String().Draw(t, "text"))
		return string(text)
	})
	return rapid.OneOf(
		quoted,
		rapid.SampledFrom([]string{
			"null", "true", "false", "0", "-1", "1e400", "65535", "9223372036854775808", "1.5", `""`, `"\u0000"`, `"\ud800"`, "[]", "{}", `[{}]`, `"6379"`,
			`"localhost"`, `"default"`, `"true"`, `"2030-01-01T00:00:00Z"`, "31622400", `{"a":{"b":[1,2,{"c":null}]}}`, `"'\"\\"`,
		}),
		rapid.Map(rapid.Int64(), func(n int64) string { return strconv.FormatInt(n, 10) }),
	)
}

// mutated is a good body with some fields replaced, left out, added or doubled,
// and in some cases damaged.
func mutated(good map[string]string) *rapid.Generator[string] {
	names := []string{"username", "password", "host", "port", "tls", "ca", "name", "ttlSeconds", "expiresAt", "token", "", "\\u006eame", "Name"}
	return rapid.Custom(func(t *rapid.T) string {
		var fields []string
		for _, name := range slices.Sorted(mapKeys(good)) {
			value := good[name]
			switch rapid.IntRange(0, 9).Draw(t, "change of "+name) {
			case 0:
				value = oddValue().Draw(t, name)
			case 1:
				continue
			}
			fields = append(fields, fmt.Sprintf("%q:%s", name, value))
		}
		for range rapid.SampledFrom([]int{0, 0, 0, 1, 1, 2}).Draw(t, "more fields") {
			fields = append(fields, `"`+rapid.SampledFrom(names).Draw(t, "name")+`":`+oddValue().Draw(t, "value"))
		}
		body := "{" + strings.Join(fields, ",") + "}"
		if rapid.IntRange(0, 4).Draw(t, "damage") == 0 {
			at := rapid.IntRange(0, len(body)).Draw(t, "at")
			body = body[:at] + string(rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "bytes")) + body[at:]
		}
		return body
	})
}

func mapKeys(m map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

// TestMutatedRequestsNeverBreakTheService throws bodies, IDs, queries and
// headers at every operation. The checks of all answers find the rest: a 5xx,
// an answer that is not documented, a secret.
func TestMutatedRequestsNeverBreakTheService(t *testing.T) {
	t.Parallel()
	const rounds = 300
	p := startProgram(t, options{})
	u := instanceA.newUser(t, writer)
	created := p.newToken(t, u, "maker")
	login := map[string]string{
		"username": strconv.Quote(u.name), "password": strconv.Quote(u.password), "host": `"localhost"`, "port": strconv.Itoa(u.at.port), "tls": "false",
	}
	order := map[string]string{"name": `"fuzz"`, "ttlSeconds": "60"}
	both := map[string]string{}
	for _, part := range []map[string]string{login, order} {
		for name, value := range part {
			both[name] = value
		}
	}
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9]{13}-[0-9a-f]{8}`), rapid.SampledFrom([]string{created.TokenID, "'", "..", "%", created.Token}))
	made := 1
	attempt := func(c *caller, method, path string, body string, headers ...string) {
		var a answer
		if body == "" {
			a = c.send(method, path, nil, headers...)
		} else {
			a = c.send(method, path, strings.NewReader(body), headers...)
		}
		switch a.status {
		case http.StatusOK:
			if method == http.MethodPost && path != "/api/auth/session" {
				made++
			}
		case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		default:
			t.Errorf("%s %q with %q answered %d: %s", method, path, body, a.status, a.body)
		}
	}
	nobody, maker := p.nobody(t), p.bearer(t, created.Token)
	generator := rapid.Custom(func(r *rapid.T) [3]string {
		switch rapid.IntRange(0, 6).Draw(r, "operation") {
		case 0:
			return [3]string{"nobody", "POST /api/auth/session", mutated(login).Draw(r, "body")}
		case 1:
			return [3]string{"nobody", "POST /api/auth/tokens/credentials", mutated(both).Draw(r, "body")}
		case 2, 3:
			return [3]string{"maker", "POST /api/auth/tokens", mutated(order).Draw(r, "body")}
		case 4:
			return [3]string{"maker", "GET /api/auth/tokens?" + rapid.SampledFrom([]string{"limit", "status", "cursor", "x"}).Draw(r, "parameter") + "=" +
				escape(text.Draw(r, "value")), ""}
		case 5:
			return [3]string{"maker", "GET /api/auth/tokens/x" + escape(text.Draw(r, "ID")), ""}
		default:
			return [3]string{"nobody", "GET /api/auth/tokens", strings.Map(printable, text.Draw(r, "header"))}
		}
	})
	for round := range rounds {
		one := generator.Example(round)
		method, path, _ := strings.Cut(one[1], " ")
		switch {
		case one[0] == "maker":
			attempt(maker, method, path, one[2])
		case method == http.MethodPost:
			attempt(nobody, method, path, one[2])
		default:
			attempt(nobody, method, path, "", "Authorization: Bearer "+one[2])
		}
	}
	t.Logf("%d requests made %d tokens", rounds, made)
	if made < rounds/30 || made > rounds/2 {
		t.Errorf("of %d requests %d made a token: too few or too many of them are good", rounds, made)
	}
	// Each token is there in whole, with its user, and nothing else is.
	if all := p.row(t, `MATCH (t:Token {kind: 'pat'}) RETURN count(t)`); all[0] != strconv.Itoa(made) {
		t.Errorf("%d tokens were made, the store has %s", made, all[0])
	}
	eventually(t, 10*time.Second, "each token to be there with its user", func() bool {
		row := p.row(t, `MATCH (t:Token)-[:BELONGS_TO]->(u:User) WHERE t.kind = 'pat' AND t.user_id = u.user_id AND t.token_hash <> '' RETURN count(t)`)
		return row[0] == strconv.Itoa(made)
	})
}

// escape makes any text a part of a URL.
func escape(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// printable drops what cannot be in a header.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return -1
	}
	return r
}
