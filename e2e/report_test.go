package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/falkorpat/falkorpat/gen/client"
)

// report reports a text, which must be answered as every report is. The answer's
// headers are given without those that are new in every answer.
func (c *caller) report(text string) (string, http.Header) {
	c.t.Helper()
	secrets.addToken(text)
	r := must[*client.ReportTokenResponse](c.t)(c.ReportTokenWithResponse(c.t.Context(), client.ReportTokenRequest{Token: text}))
	if r.JSON200 == nil {
		c.t.Fatalf("report: %s: %s", r.HTTPResponse.Status, r.Body)
	}
	header := r.HTTPResponse.Header.Clone()
	header.Del("Date")
	header.Del("X-Request-Id")
	return string(r.Body), header
}

func TestReportedTokenIsRevokedWithAllThatCameFromIt(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	leaked, other := shared.newToken(t, u, "leaked"), shared.newToken(t, u, "other")
	holder := shared.bearer(t, leaked.Token)
	child := holder.child(`{"name":"child"}`)
	next := holder.rotate("self", `{"graceSeconds":600}`)
	heir := shared.bearer(t, next.Token).child(`{"name":"heir"}`)
	shared.nobody(t).report(leaked.Token)
	for name, text := range map[string]string{"reported": leaked.Token, "child": child.Token, "successor": next.Token, "successor's child": heir.Token} {
		shared.bearer(t, text).get("/api/auth/tokens").isProblem(t, http.StatusUnauthorized, "invalid_token")
		if t.Failed() {
			t.Fatalf("the %s is not refused as revoked", name)
		}
	}
	owner := shared.bearer(t, other.Token)
	if got := owner.token(leaked.TokenID); got.Status != client.TokenStatusRevoked || got.RevokedAt == nil {
		t.Errorf("reported token reads %+v", got)
	}
	if got := owner.works(); got != http.StatusOK {
		t.Errorf("a token that nobody has reported answers %d", got)
	}
}

func TestReportIsAnsweredAlikeWhateverItHolds(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	elsewhere := startProgram(t, options{})
	known, revoked, rotated := shared.newToken(t, u, "known"), shared.newToken(t, u, "revoked"), shared.newToken(t, u, "rotated")
	expired := shared.shortToken(t, u, "expired", 1)
	watcher := shared.bearer(t, shared.newToken(t, u, "watcher").Token)
	watcher.revoke(revoked.TokenID)
	shared.bearer(t, rotated.Token).rotate("self", `{}`)
	eventually(t, requestPatience, "the token to expire", func() bool {
		return watcher.token(expired.TokenID).Status == client.TokenStatusExpired
	})
	altered := known.Token[:len(known.Token)-2] + "AA"
	c := shared.nobody(t)
	wantBody, wantHeader := c.report("garbage")
	for _, text := range []string{
		known.Token, known.Token, revoked.Token, rotated.Token, expired.Token, altered, elsewhere.newToken(t, u, "of another key").Token,
		"connection:044d1cc5-e128-4e10-8230-50a36cf6bdc7", " ", "\x00", "'; MATCH (n) DETACH DELETE n //", strings.Repeat("x", 8192), "пароль",
	} {
		body, header := c.report(text)
		if body != wantBody || fmt.Sprint(header) != fmt.Sprint(wantHeader) {
			t.Errorf("%.40q answered %s %v, want %s %v", text, body, header, wantBody, wantHeader)
		}
	}
	if got := ids(watcher.list("")); len(got) != 1 {
		t.Errorf("left are %q, want the watcher alone", got)
	}
	for id, want := range map[string]client.TokenStatus{
		known.TokenID: client.TokenStatusRevoked, expired.TokenID: client.TokenStatusRevoked, rotated.TokenID: client.TokenStatusRevoked,
	} {
		if got := watcher.token(id).Status; got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
	}
}

// A session is no token, and not to be ended by who knows its row.
func TestReportEndsNoSession(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{})
	_, cookie := p.signIn(t, instanceA.newUser(t, writer))
	row := p.row(t, `MATCH (t:Token {kind: 'session'}) RETURN t.token_id, t.name, t.token_hash`)
	for _, text := range append(slices.Clone(row), cookie.Value) {
		p.nobody(t).report(text)
	}
	if got := p.cookie(t, cookie).works(); got != http.StatusOK {
		t.Errorf("the session answers %d", got)
	}
}

func TestReportsAreLimitedPerAddress(t *testing.T) {
	t.Parallel()
	const limit = 3
	p := startProgram(t, options{leakReports: limit})
	u := instanceA.newUser(t, writer)
	scanner := p.nobody(t)
	for range limit {
		scanner.report("garbage")
	}
	body, _ := json.Marshal(map[string]string{"token": p.newToken(t, u, "known").Token})
	for _, text := range []string{string(body), `{"token":"garbage"}`} {
		// Nobody chooses an address by a header.
		scanner.post("/api/auth/tokens/report", text, "X-Forwarded-For: 203.0.113.9").isProblem(t, http.StatusTooManyRequests, "too_many_reports")
	}
	p.from(t, "127.0.0.7", nil).report("garbage")
	p.newToken(t, u, "logins have a limit of their own")
}

func TestBadReportsAreRefusedByName(t *testing.T) {
	t.Parallel()
	c := shared.nobody(t)
	for body, field := range map[string]string{
		`{}`: "token", `{"token":""}`: "token", `{"token":null}`: "token", `{"token":1}`: "token", `{"token":["x"]}`: "token",
		`{"token":"` + strings.Repeat("x", 8193) + `"}`: "token", `{"token":"x","tokens":[]}`: "tokens", `[]`: "body",
	} {
		a := c.post("/api/auth/tokens/report", body)
		a.isProblem(t, http.StatusBadRequest, "invalid_request")
		if !strings.Contains(a.body, `"field":"`+field+`"`) {
			t.Errorf("%.60s: %s is not named: %s", body, field, a.body)
		}
	}
	c.post("/api/auth/tokens/report", `{"token":"`+strings.Repeat("x", 70_000)+`"}`).isProblem(t, http.StatusRequestEntityTooLarge, "body_too_large")
	c.post("/api/auth/tokens/report", `token=x`, "Content-Type: application/x-www-form-urlencoded").isProblem(t, http.StatusUnsupportedMediaType, "unsupported_media_type")
}
