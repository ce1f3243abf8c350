package store

import (
	"errors"
	"testing"
	"time"
)

func TestImportedTokensAreLikeCreatedOnes(t *testing.T) {
	t.Parallel()
	s := setup(t)
	want := make([]*Token, 0, 300)
	for i := range cap(want) {
		token := newToken(t, []User{alice, bob}[i%2], noon)
		token.Name, token.Description, token.CA = `C:\"temp"\`, "two\nlines 👩‍💻", "UEVN"
		token.Permissions, token.Graphs, token.AllowedIPs = []string{"graph:read"}, []string{"a", "b*"}, []string{"::1/128"}
		token.NotBefore, token.ExpiresAt, token.TLS = noon.Add(time.Minute), noon.Add(time.Hour), true
		want = append(want, token)
	}
	if err := s.ImportTokens(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	created := create(t, s, alice)
	for _, token := range want {
		equal(t, "imported", byID(t, s, token.ID), token)
	}
	equal(t, "users", raw(t, s, `MATCH (t:Token)-[:BELONGS_TO]->(u:User) RETURN u.username, count(t) ORDER BY u.username`), [][]any{{"alice", 151}, {"bob", 150}})
	properties := raw(t, s, `MATCH (t:Token) WITH t, keys(t) AS names UNWIND names AS name WITH t, name ORDER BY name WITH t, collect(name) AS names RETURN names, count(t)`)
	if len(properties) != 1 {
		t.Errorf("imported and created rows have different properties: %v", properties)
	}
	equal(t, "revoked", revoke(t, s, want[0].ID), []string{want[0].ID})
	if got := byID(t, s, created.ID); got.Status(noon) != StatusActive {
		t.Errorf("a bystander is %s", got.Status(noon))
	}
}

func TestImportIsAllOrNothing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	taken := create(t, s, alice)
	batch := []*Token{newToken(t, alice, noon), newToken(t, alice, noon)}
	batch[1].ID = taken.ID
	if err := s.ImportTokens(t.Context(), batch); !errors.Is(err, ErrConflict) {
		t.Errorf("a taken ID: %v", err)
	}
	batch[1] = newToken(t, alice, noon)
	batch[1].Name = "\x00"
	if err := s.ImportTokens(t.Context(), batch); !errors.Is(err, ErrInvalidText) {
		t.Errorf("a name that cannot be kept: %v", err)
	}
	if _, err := s.TokenByID(t.Context(), batch[0].ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("half of the batch is there: %v", err)
	}
}
