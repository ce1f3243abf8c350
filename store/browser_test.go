package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// browserRow is a row as FalkorDB Browser writes it.
type browserRow map[string]any

// browserVectors are rows that it has really written: a token and a session.
func browserVectors(t *testing.T) (token, session browserRow) {
	t.Helper()
	text, err := os.ReadFile("testdata/falkordb-browser.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Tokens  []struct{ Row browserRow }
		Session struct{ Row browserRow }
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&vectors); err != nil {
		t.Fatal(err)
	}
	return vectors.Tokens[0].Row, vectors.Session.Row
}

// with gives a copy with other properties; nil takes one away.
func (r browserRow) with(change browserRow) browserRow {
	row := browserRow{}
	for name, value := range r {
		row[name] = value
	}
	for name, value := range change {
		if row[name] = value; value == nil {
			delete(row, name)
		}
	}
	return row
}

// put writes the row and its user, past all methods of the store. Browser makes
// a user for every sign-in, so one person may be several nodes.
func (r browserRow) put(t *testing.T, s *Store) {
	t.Helper()
	var properties []string
	for name, value := range r {
		literal, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		properties = append(properties, fmt.Sprintf("%s: %s", name, literal))
	}
	slices.Sort(properties)
	raw(t, s, `MERGE (u:User {user_id: $user_id}) ON CREATE SET u.username = $username, u.host = $host
		CREATE (:Token {`+strings.Join(properties, ", ")+`})-[:BELONGS_TO]->(u)`,
		param{"user_id", r["user_id"].(string)}, param{"username", r["username"].(string)}, param{"host", r["host"].(string)})
}

var wantBrowserToken = &Token{
	ID:   "1795314612180-044d1cc5-e128-4e10-8230-50a36cf6bdc7",
	Hash: "151543ec15232b85cb5482d939339bab4a8d1f96fdff36cca28e0319c1969a49",
	User: User{ID: "99cebe1b-c347-4236-b8a7-9226d3f6c675", Username: "rwuser", Host: "localhost", Port: 17001},
	Name: "CI/CD Pipeline Token", Role: RoleReadWrite,
	CreatedAt: time.Unix(1795314612, 0).UTC(), ExpiresAt: time.Unix(1826937012, 0).UTC(), Active: true,
	LastUse:        Use{TokenID: "1795314612180-044d1cc5-e128-4e10-8230-50a36cf6bdc7"},
	SealedPassword: "62d8025e4f0b0295d80d9e1a:110978bddbdcf679611e8d1ba1f39c79:df056969c7e2f455ba74c067e6",
}

// browserNow is when the rows of the vectors are in force.
var browserNow = wantBrowserToken.CreatedAt.Add(time.Hour)

func TestBrowserTokenIsFound(t *testing.T) {
	t.Parallel()
	s := setup(t)
	row, _ := browserVectors(t)
	row.put(t, s)
	equal(t, "by ID", byID(t, s, wantBrowserToken.ID), wantBrowserToken)
	byHash, err := s.TokenByHash(t.Context(), wantBrowserToken.Hash)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "by hash", byHash, wantBrowserToken)
	if status := byHash.Status(browserNow); status != StatusActive {
		t.Errorf("status is %s", status)
	}
}

func TestBrowserSessionIsASessionAndNoToken(t *testing.T) {
	t.Parallel()
	s := setup(t)
	_, row := browserVectors(t)
	row.put(t, s)
	got, err := s.SessionByHash(t.Context(), row["token_hash"].(string), browserNow)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "session", got, &Session{
		ID: "a7a3d863-7514-47e6-a711-ab2c9fabbdaa", Hash: "a0445ebf46ad9d83e0c84c954124ab673f75c1b43b7da12755b6e750a071a48b",
		User: User{ID: "b43b12c0-327a-41f9-b344-c066f67b94ee", Username: "rwuser", Host: "localhost", Port: 17001}, Role: RoleReadWrite,
		CreatedAt: time.Unix(1795314612, 0).UTC(), ExpiresAt: time.Unix(1795401012, 0).UTC(),
		SealedPassword: "61576f14b77978bf6561b457:f0525c63599344b185ae213756f2216d:0ab136dd88f3b1d25905895eef",
	})
	if _, err := s.TokenByID(t.Context(), got.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("as a token: %v", err)
	}
	if listed := list(t, s, ListQuery{Hosts: localhost, Port: 17001, Now: browserNow, Limit: 10}); len(listed) != 0 {
		t.Errorf("listed as tokens: %v", ids(listed))
	}
	sweep(t, s, time.Time{}, got.ExpiresAt, 10)
	if n := count(t, s, `MATCH (t:Token) RETURN count(t)`); n != 0 {
		t.Error("it is there after its end")
	}
}

func TestTokensOfOnePersonAreListedTogetherWhoeverWroteThem(t *testing.T) {
	t.Parallel()
	s := setup(t)
	row, _ := browserVectors(t)
	row.put(t, s)
	row.with(browserRow{
		"token_id": "1795314613180-other", "token_hash": "ab", "user_id": "another sign-in", "host": "127.0.0.1", "created_at": 1795314613,
	}).put(t, s)
	row.with(browserRow{"token_id": "1795314614180-foreign", "token_hash": "cd", "username": "other", "user_id": "another person"}).put(t, s)
	row.with(browserRow{"token_id": "1795314615180-elsewhere", "token_hash": "ef", "port": 17002}).put(t, s)
	ours := create(t, s, user("rwuser", "localhost", 17001), createdAt(browserNow))
	got := list(t, s, ListQuery{Hosts: localhost, Port: 17001, Username: "rwuser", Statuses: []Status{StatusActive}, Now: browserNow, Limit: 2})
	equal(t, "list", ids(got), []string{ours.ID, "1795314613180-other", wantBrowserToken.ID})
}

// Rows written before a property was thought of, by us or by others.
func TestMissingPropertiesReadAsTheirDefaults(t *testing.T) {
	t.Parallel()
	s := setup(t)
	row, _ := browserVectors(t)
	row.with(browserRow{"kind": nil, "tls": nil, "ca": nil, "expires_at": nil, "last_used": nil, "encrypted_password": nil, "name": nil, "role": nil}).put(t, s)
	want := *wantBrowserToken
	want.ExpiresAt, want.SealedPassword, want.Name, want.Role = time.Time{}, "", "", ""
	equal(t, "by ID", byID(t, s, want.ID), want)
	for _, status := range []Status{"", StatusActive} {
		got := list(t, s, ListQuery{Hosts: localhost, Port: 17001, Username: "rwuser", Statuses: only(status), Now: browserNow, Limit: 10})
		equal(t, "list", got, []*Token{&want})
	}
	if err := s.RecordUses(t.Context(), []Use{{TokenID: want.ID, At: browserNow, IP: "::1", Agent: "a"}}); err != nil {
		t.Fatal(err)
	}
	child := create(t, s, alice, from(&want), createdAt(browserNow))
	equal(t, "ended", revoke(t, s, want.ID), sorted([]string{want.ID, child.ID}))
	if got := byID(t, s, want.ID); got.Status(browserNow) != StatusRevoked || !got.LastUse.At.Equal(browserNow) {
		t.Errorf("used and revoked, it reads %+v", got)
	}
}

// A row that does not say that it is active is not.
func TestTokenWithoutAStateIsNotActive(t *testing.T) {
	t.Parallel()
	s := setup(t)
	row, _ := browserVectors(t)
	row.with(browserRow{"is_active": nil}).put(t, s)
	if status := byID(t, s, wantBrowserToken.ID).Status(browserNow); status != StatusRevoked {
		t.Errorf("status is %s", status)
	}
	token := newToken(t, alice, browserNow)
	token.IssuerID = wantBrowserToken.ID
	if err := s.CreateToken(t.Context(), token, nil); !errors.Is(err, ErrIssuerInactive) {
		t.Errorf("made from it: %v", err)
	}
	if got := list(t, s, ListQuery{Hosts: localhost, Port: 17001, Statuses: []Status{StatusActive}, Now: browserNow, Limit: 10}); len(got) != 0 {
		t.Errorf("listed as active: %v", ids(got))
	}
}

// Browser's way to revoke leaves no time, and its own relationship.
func TestTokenThatBrowserRevokedStaysAsItIs(t *testing.T) {
	t.Parallel()
	s := setup(t)
	row, _ := browserVectors(t)
	row.put(t, s)
	child := create(t, s, alice, createdAt(browserNow), func(t *Token) { t.IssuerID = wantBrowserToken.ID })
	raw(t, s, `MATCH (t:Token {token_id: $id})-[:BELONGS_TO]->(u) SET t.is_active = false CREATE (t)-[:REVOKED_BY {at: 1795314700}]->(u)`,
		param{"id", wantBrowserToken.ID})
	got := list(t, s, ListQuery{Hosts: localhost, Port: 17001, Statuses: []Status{StatusRevoked}, Now: browserNow, Limit: 10})
	equal(t, "revoked", ids(got), []string{wantBrowserToken.ID})
	if status := got[0].Status(browserNow); status != StatusRevoked {
		t.Errorf("status is %s", status)
	}
	token := newToken(t, alice, browserNow)
	token.IssuerID = wantBrowserToken.ID
	if err := s.CreateToken(t.Context(), token, nil); !errors.Is(err, ErrIssuerInactive) {
		t.Errorf("made from it: %v", err)
	}
	// What was made from it before falls when it is revoked here too.
	equal(t, "ended", revoke(t, s, wantBrowserToken.ID), []string{child.ID})
	if n := count(t, s, `MATCH (t:Token {token_id: $id})-[r:REVOKED_BY]->() RETURN count(r)`, param{"id", wantBrowserToken.ID}); n != 1 {
		t.Errorf("it was revoked %d times", n)
	}
}

func TestBrowserTokenIsSweptWhenItHasExpired(t *testing.T) {
	t.Parallel()
	s := setup(t)
	row, _ := browserVectors(t)
	row.put(t, s)
	if tokens, _ := sweep(t, s, time.Time{}, wantBrowserToken.ExpiresAt.Add(-time.Second), 10); tokens != 0 {
		t.Error("swept before its end")
	}
	if tokens, _ := sweep(t, s, time.Time{}, wantBrowserToken.ExpiresAt, 10); tokens != 1 {
		t.Error("not swept at its end")
	}
	if got := byID(t, s, wantBrowserToken.ID); got.Active || got.SealedPassword != "" || got.Status(wantBrowserToken.ExpiresAt) != StatusExpired {
		t.Errorf("swept: %+v", got)
	}
}

func TestStoreThatBrowserBeganIsTakenOver(t *testing.T) {
	t.Parallel()
	s := setup(t)
	if err := s.client().Do(t.Context(), "GRAPH.DELETE", s.graph).Err(); err != nil {
		t.Fatal(err)
	}
	token, session := browserVectors(t)
	token.put(t, s) // into a graph that has no schema now
	session.put(t, s)
	again := open(t, Options{URL: db.URL(), Graph: s.graph})
	if err := again.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, "token", byID(t, again, wantBrowserToken.ID), wantBrowserToken)
	got := list(t, again, ListQuery{Hosts: localhost, Port: 17001, Username: "rwuser", Now: browserNow, Limit: 10})
	equal(t, "list", ids(got), []string{wantBrowserToken.ID})
}

// Such a row is no token and no "not found": whoever wrote it must be told.
func TestRowOfUnexpectedTypesIsAnError(t *testing.T) {
	t.Parallel()
	s := setup(t)
	token, session := browserVectors(t)
	token.with(browserRow{"last_used": "yesterday"}).put(t, s)
	session.with(browserRow{"tls": []int{1}, "ca": 7}).put(t, s)
	for name, err := range map[string]error{
		"by ID":   second(s.TokenByID(t.Context(), wantBrowserToken.ID)),
		"by hash": second(s.TokenByHash(t.Context(), wantBrowserToken.Hash)),
		"session": second(s.SessionByHash(t.Context(), session["token_hash"].(string), browserNow)),
		"list":    second(s.ListTokens(t.Context(), ListQuery{Hosts: localhost, Port: 17001, Now: browserNow, Limit: 1})),
	} {
		if err == nil || errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "column") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
