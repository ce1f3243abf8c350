package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/server/instance"
)

func TestSeededTokensAreRealAndBelongToTheirUsers(t *testing.T) {
	t.Parallel()
	c := sound(t)
	settings, err := c.read()
	if err != nil {
		t.Fatal(err)
	}
	s := &seeder{
		seedCommand: &seedCommand{Users: 3, Username: "default", Password: "secret", Own: 2}, at: instance.Instance{Host: "localhost", Port: 6379},
		signing: settings.signing, sealer: crypto.NewSealer(settings.sealing, strings.NewReader(strings.Repeat("n", 1000)), false), start: time.Now(),
	}
	tokens, err := s.batch(0, 6)
	if err != nil {
		t.Fatal(err)
	}
	var owners []string
	for i, token := range tokens {
		owners = append(owners, token.User.Username)
		if (i%2 == 1) == token.ExpiresAt.IsZero() {
			t.Errorf("token %d expires at %v", i, token.ExpiresAt)
		}
	}
	if got := strings.Join(owners, " "); got != "default default seed-3 seed-1 seed-2 seed-3" {
		t.Errorf("owners are %s", got)
	}
	if _, err := settings.signing.Verify(s.result.Token, time.Now()); err != nil || crypto.HashToken(s.result.Token) != tokens[0].Hash || s.result.TokenID != tokens[0].ID {
		t.Errorf("the token that is shown is not the newest: %v", err)
	}
	password, err := s.sealer.Open(tokens[0].SealedPassword, crypto.Binding{TokenID: tokens[0].ID, Username: "default", Host: "localhost", Port: 6379})
	if err != nil || password != "secret" {
		t.Errorf("password is %q, %v", password, err)
	}
}

func TestProgressIsALineForEveryTenth(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newProgress(&out, "tokens", 1000)
	for done := 50; done <= 1000; done += 50 {
		p.show(done)
	}
	if lines := strings.Count(out.String(), "\n"); lines != 10 || !strings.HasSuffix(out.String(), "1000 of 1000 tokens\n") || strings.Contains(out.String(), "\r") {
		t.Errorf("%q", out.String())
	}
}

func TestSeedPrintsWhatMachinesRead(t *testing.T) {
	t.Parallel()
	r := seeded{Tokens: 2, Seconds: 1.5, Token: "text", TokenID: "1-a"}
	var out bytes.Buffer
	if err := r.write(&out, "json"); err != nil {
		t.Fatal(err)
	}
	var back seeded
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back != r {
		t.Errorf("%s: %v", out.String(), err)
	}
}
