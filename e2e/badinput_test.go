package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// badBody is a body that must be refused, and why.
type badBody struct {
	name, body string
	status     int
	// field is the first one that the answer names; for a 400 only.
	field string
}

// badJSON is wrong for whatever operation takes a body.
func badJSON() []badBody {
	bad := []badBody{
		{"nothing", "", 400, "body"},
		{"white space", " \n\t ", 400, "body"},
		{"cut object", `{`, 400, "body"},
		{"cut string", `{"name":"a`, 400, "body"},
		{"cut escape", `{"name":"\u00`, 400, "body"},
		{"two values", `{"name":"a"} {"name":"b"}`, 400, "body"},
		{"a bracket more", `{"name":"a"}}`, 400, "body"},
		{"trailing comma", `{"name":"a",}`, 400, "body"},
		{"single quotes", `{'name':'a'}`, 400, "body"},
		{"no quotes", `{name:"a"}`, 400, "body"},
		{"comment", `{"name":"a"/**/}`, 400, "body"},
		{"byte order mark", "\ufeff" + `{"name":"a"}`, 400, "body"},
		{"not a number", `{"name":NaN}`, 400, "body"},
		{"infinite", `{"name":Infinity}`, 400, "body"},
		{"form", `name=a&ttlSeconds=1`, 400, "body"},
		{"XML", `<?xml version="1.0"?><name>a</name>`, 400, "body"},
		{"null", `null`, 400, "body"},
		{"array", `[]`, 400, "body"},
		{"array of objects", `[{"name":"a"}]`, 400, "body"},
		{"string", `"name"`, 400, "body"},
		{"number", `1`, 400, "body"},
		{"boolean", `true`, 400, "body"},
		{"control character", "{\"name\":\"a\x01b\"}", 400, "body"},
		{"raw NUL", "{\"name\":\"a\x00b\"}", 400, "body"},
		{"raw line break", "{\"name\":\"a\nb\"}", 400, "body"},
		{"invalid UTF-8", "{\"name\":\"a\xff\"}", 400, "body"},
		{"overlong UTF-8", "{\"name\":\"\xc0\xaf\"}", 400, "body"},
		{"UTF-8 surrogate", "{\"name\":\"\xed\xa0\x80\"}", 400, "body"},
		{"lone high surrogate", `{"name":"\ud83d"}`, 400, "body"},
		{"lone low surrogate", `{"name":"\udc00"}`, 400, "body"},
		{"surrogates in the wrong order", `{"name":"\udc00\ud83d"}`, 400, "body"},
		{"same name twice", `{"name":"a","name":"b"}`, 400, "name"},
		{"same name twice, once escaped", `{"name":"a","n\u0061me":"b"}`, 400, "name"},
		{"unknown field", `{"name":"a","colour":"b"}`, 400, "colour"},
		{"field in other letters", `{"Name":"a","name":"b"}`, 400, "Name"},
		{"another field's row", `{"name":"a","token_id":"1"}`, 400, "token_id"},
		{"role of one's own choice", `{"name":"a","role":"Admin"}`, 400, "role"},
		{"prototype", `{"name":"a","__proto__":{"admin":true}}`, 400, "__proto__"},
		{"nameless field", `{"name":"a","":1}`, 400, ""},
		{"deep arrays", strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000), 400, "body"},
		{"deep objects", strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000), 400, ""},
		{"deep unknown field", `{"name":"a","x":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + "}", 400, "x"},
		{"a byte too many", `{"name":"a"}` + strings.Repeat(" ", 64<<10-11), 413, ""},
		{"10 MB", `{"name":"` + strings.Repeat("a", 10<<20) + `"}`, 413, ""},
	}
	for _, value := range []string{`1`, `1.5`, `true`, `null`, `[]`, `["a"]`, `{}`, `{"$ne":""}`} {
		bad = append(bad, badBody{"name is " + value, `{"name":` + value + `}`, 400, "name"})
	}
	return append(append(bad, badLifetimes()...), badLimits()...)
}

// badLimits is wrong whoever asks: an Admin with no limits would be refused too.
func badLimits() []badBody {
	values := map[string]map[string]string{
		"description": {`1`: "", `null`: "", `[]`: "", `"a\u0000b"`: "", `"a\u0007b"`: "", `"` + strings.Repeat("é", 501) + `"`: ""},
		"permissions": {
			`"graph:read"`: "", `null`: "", `{}`: "", `[]`: "", `[1]`: ".0", `[null]`: ".0", `[""]`: ".0", `["graph:read","all"]`: ".1", `["GRAPH:READ"]`: ".0",
			`["graph:read","graph:read"]`: "",
		},
		"graphs": {
			`"social"`: "", `null`: "", `[]`: "", `[""]`: ".0", `["a",7]`: ".1", `["a","a"]`: ".1", `["a*","b","ab"]`: ".2", `["ab","a*"]`: ".0", `["*","a"]`: ".1",
			`["a\nb"]`: ".0", `["` + strings.Repeat("x", 257) + `"]`: ".0", `[` + strings.Repeat(`"a",`, 50) + `"b"]`: "",
		},
		"allowedIps": {
			`"10.0.0.0/8"`: "", `null`: "", `[]`: "", `[""]`: ".0", `["localhost"]`: ".0", `["10.0.0.1/8"]`: ".0", `["10.0.0.0/33"]`: ".0", `["2001:db8::1/32"]`: ".0",
			`["10.0.0.0/8","10.1.0.0/16"]`: ".1", `["10.1.0.0/16","10.0.0.0/8"]`: ".0", `["::1","::1"]`: ".1", `["fe80::1%eth0"]`: ".0", `["010.0.0.0/8"]`: ".0", `["::ffff:10.0.0.0/104"]`: ".0",
		},
		"notBefore": {`1`: "", `null`: "", `""`: "", `"soon"`: "", `"2027-02-29T00:00:00Z"`: "", `"9999-12-31T23:59:59Z"`: ""},
	}
	var bad []badBody
	for field, all := range values {
		for value, item := range all {
			bad = append(bad, badBody{fmt.Sprintf("%s is %.40s", field, value), `{"name":"a","` + field + `":` + value + `}`, 400, field + item})
		}
	}
	late := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	return append(bad,
		badBody{"beginning after the end", `{"name":"a","ttlSeconds":60,"notBefore":"` + late + `"}`, 400, "notBefore"},
		badBody{"beginning at the end", `{"name":"a","expiresAt":"` + late + `","notBefore":"` + late + `"}`, 400, "notBefore"})
}

func badLifetimes() []badBody {
	var bad []badBody
	for _, value := range []string{
		`0`, `-1`, `-0`, `31622401`, `9223372036854775807`, `9223372036854775808`, `99999999999999999999999`, `1e30`, `1e400`, `1.5`, `0.9`, `1e-9`,
		`"60"`, `true`, `null`, `[]`, `[60]`, `{}`,
	} {
		bad = append(bad, badBody{"ttlSeconds is " + value, `{"name":"a","ttlSeconds":` + value + `}`, 400, "ttlSeconds"})
	}
	for _, value := range []string{
		`0`, `1893456000`, `true`, `[]`, `{}`, `""`, `" "`, `"never"`, `"2020-01-01T00:00:00Z"`, `"1601-01-01T00:00:00Z"`, `"0000-01-01T00:00:00Z"`,
		`"9999-12-31T23:59:59Z"`, `"10000-01-01T00:00:00Z"`, `"2027-02-29T00:00:00Z"`, `"2027-01-01T24:00:01Z"`, `"2027-01-01T00:00:00"`,
		`"2027-01-01 00:00:00Z"`, `"2027-01-01T00:00:00+99:99"`, `"20270101T000000Z"`, `"2027-01-01T00:00:00Z2027-01-01T00:00:00Z"`,
		`"2027-01-01T00:00:00Z\u0000"`, `"` + strings.Repeat("2", 5000) + `"`,
	} {
		bad = append(bad, badBody{fmt.Sprintf("expiresAt is %.40s", value), `{"name":"a","expiresAt":` + value + `}`, 400, "expiresAt"})
	}
	return bad
}

// badCredentials is wrong for the operations that log in.
func badCredentials() []badBody {
	values := map[string][]string{
		"username": {`""`, `1`, `true`, `null`, `[]`, `{}`, `"` + strings.Repeat("x", 129) + `"`},
		"password": {`1`, `true`, `null`, `[]`, `{}`, `"` + strings.Repeat("x", 4097) + `"`},
		"host":     {`""`, `1`, `true`, `null`, `[]`, `["localhost"]`, `{}`, `"` + strings.Repeat("x", 256) + `"`},
		"port": {
			`0`, `-1`, `65536`, `6379.5`, `1e99`, `99999999999999999999`, `"0"`, `"65536"`, `"99999"`, `""`, `"abc"`, `"6379 "`, `"-1"`, `"+1"`,
			`"0x50"`, `"1e3"`, `"６３７９"`, `"000006379"`, `true`, `null`, `[]`, `[6379]`, `{}`,
		},
		"tls": {`""`, `"yes"`, `"TRUE"`, `"1"`, `0`, `1`, `null`, `[]`, `{}`},
		"ca":  {`1`, `true`, `null`, `[]`, `{}`, `"AAAA"`, `"%%%"`, `"LS0tLS1CRUdJTi=="`, `"` + strings.Repeat("A", 60_001) + `"`},
	}
	var bad []badBody
	for field, all := range values {
		for _, value := range all {
			bad = append(bad, badBody{fmt.Sprintf("%s is %.30s", field, value), `{"tls":true,"` + field + `":` + value + `}`, 400, field})
			if field == "tls" {
				bad[len(bad)-1].body = `{"tls":` + value + `}`
			}
		}
	}
	return append(bad, badBody{"authority without TLS", `{"ca":"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="}`, 400, "ca"})
}

func TestBadBodiesAreRefusedByNameAndWriteNothing(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{})
	nobody, maker := p.nobody(t), p.bearer(t, p.newToken(t, instanceA.newUser(t, writer), "maker").Token)
	before := p.rows(t)
	check := func(c *caller, path string, bad badBody, chunked bool) {
		t.Helper()
		var body io.Reader = strings.NewReader(bad.body)
		if chunked {
			body = io.MultiReader(body) // of unknown length, so sent in chunks
		}
		a := c.send(http.MethodPost, path, body, "Content-Type: application/json")
		if a.status != bad.status {
			t.Errorf("%s, %s (chunked %t): answered %d, want %d: %s", path, bad.name, chunked, a.status, bad.status, a.body)
			return
		}
		if problem := a.problem(t); bad.status == http.StatusBadRequest && bad.field != "" && problem.Errors[0].Field != bad.field {
			t.Errorf("%s, %s: names %+v, want %s", path, bad.name, problem.Errors, bad.field)
		}
	}
	const session, credentials, tokens = "/api/auth/session", "/api/auth/tokens/credentials", "/api/auth/tokens"
	for _, bad := range badJSON() {
		for _, chunked := range []bool{false, true} {
			check(maker, tokens, bad, chunked)
			check(nobody, credentials, bad, chunked)
		}
	}
	for _, bad := range badCredentials() {
		check(nobody, credentials, bad, false)
		check(nobody, session, bad, false)
	}
	for _, bad := range []badBody{
		{"a token's name", `{"name":"a"}`, 400, "name"}, {"a token's lifetime", `{"ttlSeconds":1}`, 400, "ttlSeconds"}, {"cut", `{"host`, 400, "body"},
	} {
		check(nobody, session, bad, false)
	}
	check(maker, tokens, badBody{"no name", `{}`, 400, "name"}, false)
	check(maker, tokens, badBody{"a login", `{"name":"a","password":"x"}`, 400, "password"}, false)
	if after := p.rows(t); after != before {
		t.Errorf("the store had %s nodes and has %s", before, after)
	}
}

func TestOnlyJSONIsTakenAsABody(t *testing.T) {
	t.Parallel()
	c := shared.bearer(t, shared.newToken(t, instanceA.newUser(t, writer), "maker").Token)
	for media, want := range map[string]int{
		"application/json": 200, "application/json; charset=utf-8": 200, "Application/JSON": 200, `application/json;charset="UTF-8"`: 200,
		"": 415, "text/plain": 415, "application/x-www-form-urlencoded": 415, "multipart/form-data; boundary=x": 415, "application/jsonx": 415,
		"application/problem+json": 415, "text/json": 415, "*/*": 415, "application/": 415, "nonsense": 415, "application/json, text/plain": 415,
	} {
		if a := c.post("/api/auth/tokens", `{"name":"typed"}`, "Content-Type: "+media); a.status != want {
			t.Errorf("%q answered %d, want %d: %s", media, a.status, want, a.body)
		}
	}
	// What is packed is not unpacked.
	packed := bytes.NewReader([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3})
	c.send(http.MethodPost, "/api/auth/tokens", packed, "Content-Encoding: gzip").isProblem(t, http.StatusBadRequest, "invalid_request")
	// 64 KiB are taken in whole.
	if a := c.post("/api/auth/tokens", `{"name":"full"}`+strings.Repeat(" ", 64<<10-15)); a.status != http.StatusOK {
		t.Errorf("64 KiB answered %d: %s", a.status, a.body)
	}
}

func TestOddCredentialsAreJustWrong(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{})
	c := p.nobody(t)
	for i, name := range []string{
		`\u0000`, `a\u0000b`, `default\u0000`, `\r\nACL SETUSER x on >x`, `'\" OR 1=1 //`, `$6\r\nfoobar`, `\ud83d\ude00`, `%s%n`, `DEFAULT`, ` default`, `default `, `\u0001`,
	} {
		for _, form := range []string{`{"port":%d,"username":"%s","password":"x"}`, `{"port":%d,"username":"boss","password":"%s"}`} {
			body := fmt.Sprintf(form, instanceA.port, name)
			path := []string{"/api/auth/session", "/api/auth/tokens/credentials"}[i%2]
			c.post(path, body).isProblem(t, http.StatusUnauthorized, "invalid_credentials")
		}
	}
	if got := p.row(t, `MATCH (t:Token) RETURN count(t)`)[0]; got != "0" {
		t.Errorf("%s rows were written", got)
	}
}
