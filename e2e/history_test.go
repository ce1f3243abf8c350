package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/gen/client"
)

// events lists events, newest first.
func (c *caller) events(query string) client.EventList {
	c.t.Helper()
	a := c.get("/api/auth/events" + query)
	var list client.EventList
	if err := json.Unmarshal([]byte(a.body), &list); err != nil || a.status != http.StatusOK {
		c.t.Fatalf("events%s answered %d: %s", query, a.status, a.body)
	}
	return list
}

// told is an event in short.
func told(list client.EventList) []string {
	short := make([]string, len(list.Events))
	for i, e := range list.Events {
		short[i] = fmt.Sprintf("%s %s %s", e.Action, e.Outcome, orNone(e.Reason))
	}
	slices.Reverse(short)
	return short
}

func orNone(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

func TestHistoryTellsWhoFromWhereWhenAndWhat(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	begun := time.Now().Add(-time.Second)
	created := shared.newToken(t, u, "watched")
	c := shared.bearer(t, created.Token)
	list := c.events("?token_id=" + created.TokenID)
	if len(list.Events) != 1 {
		t.Fatalf("history of a new token: %v", told(list))
	}
	e := list.Events[0]
	if e.Action != "token.created" || e.Outcome != "success" || orNone(e.Username) != u.name || orNone(e.UserID) != c.token(created.TokenID).UserID || e.ActorTokenID != nil ||
		orNone(e.IP) != "127.0.0.1" || orNone(e.TokenID) != created.TokenID || orNone(e.TokenName) != "watched" || orNone(e.Owner) != u.name ||
		e.Instance != fmt.Sprintf("localhost:%d", instanceA.port) || e.At.Before(begun) || e.At.After(time.Now()) || e.Hash == "" {
		t.Errorf("told as %+v", e)
	}
	rotated := c.rotate("self", `{}`)
	c.get("/api/auth/tokens").isProblem(t, http.StatusUnauthorized, "token_rotated")
	next := shared.bearer(t, rotated.Token)
	child := isCreatedAnyhow(t, next.post("/api/auth/tokens", `{"name":"child"}`))
	next.post("/api/auth/tokens", `{"name":"too much","permissions":["tokens:admin"]}`).isProblem(t, http.StatusForbidden, "missing_permission")
	next.revoke(rotated.TokenID)
	next.get("/api/auth/tokens").isProblem(t, http.StatusUnauthorized, "invalid_token")
	me := shared.bearer(t, shared.newToken(t, u, "later").Token)
	for id, want := range map[string][]string{
		created.TokenID: {
			"token.created success -", "token.rotated success -", "token.reused denied token_rotated", "token.revoked success rotation",
		},
		rotated.TokenID: {"token.created success -", "token.revoked success direct", "token.use_denied denied token_revoked"},
		child.TokenID:   {"token.created success -", "token.revoked success issuer"},
	} {
		list := me.events("?token_id=" + id)
		// In no order: refusals are written up to a second later than changes.
		got := told(list)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("history of %s:\n got %q\nwant %q", id, got, want)
		}
		if by := orNone(list.Events[0].ActorTokenID); id == child.TokenID && by != rotated.TokenID {
			t.Errorf("the child was ended with token %s, want %s", by, rotated.TokenID)
		}
	}
	failed := me.events("?action=token.create_failed")
	if got := told(failed); !slices.Equal(got, []string{"token.create_failed denied missing_permission"}) || orNone(failed.Events[0].ActorTokenID) != rotated.TokenID {
		t.Errorf("failed creations: %q", got)
	}
}

func TestFailedLoginsAreInTheHistoryOfTheUserTheyNamed(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	wrong := u
	wrong.password = "wrong"
	body, err := json.Marshal(wrong.order(t, "never"))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // told once a minute
		shared.nobody(t).post("/api/auth/tokens/credentials", string(body)).isProblem(t, http.StatusUnauthorized, "invalid_credentials")
	}
	list := shared.bearer(t, shared.newToken(t, u, "me").Token).events("?outcome=failed")
	if got := told(list); !slices.Equal(got, []string{"token.create_failed failed invalid_credentials"}) {
		t.Fatalf("told %q", got)
	}
	if e := list.Events[0]; e.Username != nil || orNone(e.Owner) != u.name || orNone(e.TokenName) != "never" || orNone(e.IP) != "127.0.0.1" {
		t.Errorf("told as %+v", e)
	}
}

func TestReportOfALeakIsInTheHistory(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	leaked := shared.newToken(t, u, "leaked")
	shared.nobody(t).post("/api/auth/tokens/report", fmt.Sprintf(`{"token":%q}`, leaked.Token))
	list := shared.bearer(t, shared.newToken(t, u, "me").Token).events("?token_id=" + leaked.TokenID)
	got := told(list)
	slices.Sort(got)
	if !slices.Equal(got, []string{"token.created success -", "token.reported success -", "token.revoked success report"}) {
		t.Errorf("told %q", got)
	}
	for _, e := range list.Events {
		if e.Action != "token.created" && (e.Username != nil || orNone(e.IP) != "127.0.0.1") {
			t.Errorf("who reported is unknown, and told as %+v", e)
		}
	}
}

func TestSessionsAreInTheHistory(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, reader)
	wrong := u
	wrong.password = "wrong"
	body, err := json.Marshal(wrong.credentials(t))
	if err != nil {
		t.Fatal(err)
	}
	shared.nobody(t).post("/api/auth/session", string(body)).isProblem(t, http.StatusUnauthorized, "invalid_credentials")
	_, cookie := shared.signIn(t, u)
	me := shared.cookie(t, cookie)
	for range 2 {
		me.send(http.MethodDelete, "/api/auth/session", nil)
	}
	got := told(shared.bearer(t, shared.newToken(t, u, "me").Token).events(""))
	slices.Sort(got)
	if want := []string{
		"session.sign_in_failed failed invalid_credentials", "session.signed_in success -", "session.signed_out success -", "token.created success -",
	}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

func TestPolicyIsInTheHistoryOfAdmins(t *testing.T) {
	t.Parallel()
	list := shared.bearer(t, shared.newToken(t, instanceA.newUser(t, admin), "boss").Token).events("?action=policy.changed")
	if len(list.Events) != 1 || list.Events[0].Details["rotated_reuse"] != "record" {
		t.Errorf("told %+v", list.Events)
	}
	if list := shared.bearer(t, shared.newToken(t, instanceA.newUser(t, writer), "me").Token).events("?action=policy.changed"); len(list.Events) != 0 {
		t.Errorf("others are told %+v", list.Events)
	}
}

// Whose events are shown: everybody's of the instance to an Admin, one's own to
// everyone else, and another instance's to nobody.
func TestHistoryIsShownToThoseItConcerns(t *testing.T) {
	t.Parallel()
	mine, theirs := instanceA.newUser(t, writer), instanceA.newUser(t, reader)
	boss, foreign := instanceA.newUser(t, admin), instanceB.newUser(t, admin)
	target, other := shared.newToken(t, mine, "mine"), shared.newToken(t, theirs, "theirs")
	limited := isCreatedAnyhow(t, shared.with(t, boss, `"permissions":["tokens:read"]`))
	blind := isCreatedAnyhow(t, shared.with(t, boss, `"permissions":["graph:read"]`))
	for name, c := range map[string]struct {
		caller      *caller
		mine, other int
	}{
		"owner":                      {shared.bearer(t, target.Token), 1, 0},
		"another user":               {shared.bearer(t, other.Token), 0, 1},
		"Admin":                      {shared.bearer(t, shared.newToken(t, boss, "boss").Token), 1, 1},
		"Admin without tokens:admin": {shared.bearer(t, limited.Token), 0, 0},
		"Admin of another instance":  {shared.bearer(t, shared.newToken(t, foreign, "foreign").Token), 0, 0},
	} {
		if got := len(c.caller.events("?token_id=" + target.TokenID).Events); got != c.mine {
			t.Errorf("%s sees %d events of mine, want %d", name, got, c.mine)
		}
		if got := len(c.caller.events("?token_id=" + other.TokenID).Events); got != c.other {
			t.Errorf("%s sees %d events of the other, want %d", name, got, c.other)
		}
	}
	byName := "?username=" + url.QueryEscape(mine.name)
	if got := len(shared.bearer(t, target.Token).events(byName).Events); got != 1 {
		t.Errorf("under my own name there are %d events", got)
	}
	shared.bearer(t, other.Token).get("/api/auth/events"+byName).isProblem(t, http.StatusForbidden, "missing_permission")
	shared.bearer(t, blind.Token).get("/api/auth/events").isProblem(t, http.StatusForbidden, "missing_permission")
	shared.nobody(t).get("/api/auth/events").isProblem(t, http.StatusUnauthorized, "unauthenticated")
}

func TestHistoryIsReadOnlyAndItsFiltersAreChecked(t *testing.T) {
	t.Parallel()
	c := shared.bearer(t, shared.newToken(t, instanceA.newUser(t, admin), "a").Token)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		c.send(method, "/api/auth/events", strings.NewReader(`{}`)).isProblem(t, http.StatusMethodNotAllowed, "method_not_allowed")
	}
	for query, field := range map[string]string{
		"?action=token.eaten": "action", "?outcome=fine": "outcome", "?limit=0": "limit", "?limit=1001": "limit", "?after=yesterday": "after", "?format=xml": "format",
		"?cursor=aaaa": "cursor", "?cursor=ZXZlbnQ6MA": "cursor", "?token_id=%27": "token_id",
	} {
		p := c.get("/api/auth/events" + query)
		p.isProblem(t, http.StatusBadRequest, "invalid_request")
		if errs := p.problem(t).Errors; len(errs) != 1 || errs[0].Field != field {
			t.Errorf("%s: %v, want a fault of %s", query, errs, field)
		}
	}
}

func TestHistoryPagesHoldEveryEventOnce(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	c := shared.bearer(t, shared.newToken(t, u, "first").Token)
	for range 9 {
		shared.newToken(t, u, "more")
	}
	seen := map[string]bool{}
	for query := "?limit=3"; query != ""; {
		list := c.events(query)
		if list.Count != len(list.Events) || list.Count > 3 {
			t.Errorf("a page of %d, which says %d", len(list.Events), list.Count)
		}
		for _, e := range list.Events {
			seen[e.ID] = true
		}
		query = ""
		if list.NextCursor != nil {
			query = "?limit=3&cursor=" + *list.NextCursor
		}
		if len(seen) == 3 {
			shared.newToken(t, u, "meanwhile")
		}
	}
	if len(seen) != 10 {
		t.Errorf("%d events, want 10", len(seen))
	}
}

// export gives an export, as lines.
func (c *caller) export(query string) []string {
	c.t.Helper()
	a := c.get("/api/auth/events?format=ndjson" + query)
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/x-ndjson" {
		c.t.Fatalf("export answered %d: %s", a.status, a.body)
	}
	return strings.SplitAfter(strings.TrimSuffix(a.body, "\n"), "\n")
}

// auditVerify runs the program's check on an export.
func auditVerify(t *testing.T, lines []string, args ...string) outcome {
	t.Helper()
	file := filepath.Join(t.TempDir(), "export.ndjson")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return runProgram(t, nil, append([]string{"audit", "verify", file}, args...)...)
}

func TestExportIsVerifiedOfflineAndTamperingIsFound(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{})
	u := instanceA.newUser(t, admin)
	c := p.bearer(t, p.newToken(t, u, "boss").Token)
	for i := range 12 {
		c.revoke(p.newToken(t, u, fmt.Sprintf("token <%d> & \u2028 'more'", i)).TokenID)
	}
	lines := c.export("")
	if len(lines) != 1+26 { // the policy's is the first
		t.Fatalf("%d lines, want 27", len(lines))
	}
	if got := auditVerify(t, lines); got.code != 0 || !strings.HasPrefix(got.stdout, fmt.Sprintf("INTACT: 26 events of localhost:%d, from 1 to 26", instanceA.port)) {
		t.Fatalf("an untouched export: %+v", got)
	}
	var head client.EventExport
	if err := json.Unmarshal([]byte(lines[0]), &head); err != nil {
		t.Fatal(err)
	}
	noted := fmt.Sprintf("%d:%s", head.Head.Seq, head.Head.Hash)
	var verdict struct {
		Intact bool
		BadSeq int64 `json:"bad_seq"`
		Why    string
	}
	short := slices.Delete(slices.Clone(lines), 7, 8)
	got := auditVerify(t, short, "--output", "json")
	if err := json.Unmarshal([]byte(got.stdout), &verdict); err != nil || got.code != 1 || verdict.Intact || verdict.BadSeq != 7 || !strings.HasPrefix(verdict.Why, "missing") {
		t.Errorf("without event 7: %+v", got)
	}
	if got := auditVerify(t, c.export("&outcome=success")); got.code != 1 || !strings.Contains(got.stderr, "only a part") {
		t.Errorf("a filtered export: %+v", got)
	}
	// Somebody who can write to the store changes a row, and then removes one.
	store := p.store(t)
	tamper := func(query string) {
		t.Helper()
		if err := store.Do(t.Context(), "GRAPH.QUERY", "token_management", query).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if got := auditVerify(t, c.export(""), "--expect-head", noted); got.code != 0 {
		t.Errorf("before: %+v", got)
	}
	tamper(`MATCH (e:Event {seq: 9}) SET e.username = 'mallory'`)
	if got := auditVerify(t, c.export(""), "--expect-head", noted); got.code != 1 || !strings.HasPrefix(got.stdout, "BROKEN at event 9") || !strings.Contains(got.stdout, "changed") {
		t.Errorf("a changed row: %+v", got)
	}
	tamper(`MATCH (e:Event {seq: 9}) DELETE e`)
	if got := auditVerify(t, c.export("")); got.code != 1 || !strings.HasPrefix(got.stdout, "BROKEN at event 9") || !strings.Contains(got.stdout, "missing") {
		t.Errorf("a missing row: %+v", got)
	}
}

// matchExport compares the lines of an export with the document.
func matchExport(body []byte) error {
	doc, err := document()
	if err != nil {
		return err
	}
	schema := doc.Components.Schemas["EventExport"].Value
	for line := range bytes.Lines(body) {
		var value any
		if err := json.Unmarshal(line, &value); err != nil {
			return err
		}
		if err := schema.VisitJSON(value); err != nil {
			return err
		}
		schema = doc.Components.Schemas["Event"].Value
	}
	return nil
}
