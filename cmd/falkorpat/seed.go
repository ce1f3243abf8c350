package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/store"
)

// benchCommand holds what is for measuring only.
type benchCommand struct {
	Seed seedCommand `cmd:"" help:"Fill the token store with tokens, to measure how it works when there are many. The tokens are real: each stands for the given password on the first of --instances."`
}

// seedBatch is how many tokens one query writes.
const seedBatch = 500

type seedCommand struct {
	config
	Tokens   int    `default:"100000" help:"How many tokens to make."`
	Users    int    `default:"1000" help:"How many users they belong to; their names are seed-1, seed-2, …"`
	Username string `default:"default" help:"User who gets the first --own tokens."`
	Password string `env:"FALKORPAT_SEED_PASSWORD" help:"That user's password."`
	Own      int    `default:"10000" help:"How many tokens that user gets."`
	Output   string `default:"text" enum:"text,json" help:"What to print at the end: ${enum}. Either holds the newest token of --username, which works."`
}

// seeded is what the command prints at the end.
type seeded struct {
	Tokens  int     `json:"tokens"`
	Seconds float64 `json:"seconds"`
	Token   string  `json:"token"`
	TokenID string  `json:"tokenId"`
}

// Run makes the tokens.
func (c *seedCommand) Run(env *environment) error {
	if c.Tokens < 1 || c.Users < 1 || c.Own < 1 {
		return errors.New("--tokens, --users and --own must be at least 1")
	}
	settings, err := c.read()
	if err != nil {
		return err
	}
	a := &app{settings: settings, log: newLogs(env.stderr, settings.LogFormat, settings.LogLevel).now, fatal: make(chan error, 1)}
	err = c.seed(env, a)
	return errors.Join(err, a.stop(context.WithoutCancel(env.ctx)))
}

func (c *seedCommand) seed(env *environment, a *app) error {
	kept, err := a.openStore(env.ctx)
	if err != nil {
		return err
	}
	s := &seeder{
		seedCommand: c, at: a.instances[0].Instance(), signing: a.signing,
		sealer: crypto.NewSealer(a.sealing, rand.Reader, a.BrowserCompat), start: time.Now(),
	}
	bar := newProgress(env.stderr, "tokens", c.Tokens)
	for done := 0; done < c.Tokens; {
		batch, err := s.batch(done, min(seedBatch, c.Tokens-done))
		if err != nil {
			return err
		}
		if err := kept.ImportTokens(env.ctx, batch); err != nil {
			return err
		}
		done += len(batch)
		bar.show(done)
	}
	s.result.Tokens, s.result.Seconds = c.Tokens, time.Since(s.start).Seconds()
	return s.result.write(env.stdout, c.Output)
}

func (r *seeded) write(w io.Writer, output string) error {
	if output == "json" {
		return json.NewEncoder(w).Encode(r)
	}
	_, err := fmt.Fprintf(w, "%d tokens in %.1f s. One that works (%s):\n%s\n", r.Tokens, r.Seconds, r.TokenID, r.Token)
	return err
}

// seeder makes tokens one after another.
type seeder struct {
	*seedCommand
	at      instance.Instance
	signing crypto.SigningRing
	sealer  *crypto.Sealer
	start   time.Time
	result  seeded
}

func (s *seeder) batch(from, n int) ([]*store.Token, error) {
	tokens := make([]*store.Token, n)
	for i := range tokens {
		var err error
		if tokens[i], err = s.token(from + i); err != nil {
			return nil, err
		}
	}
	return tokens, nil
}

// token makes the i-th token: ten seconds older than the one before, so that the
// first is the newest, and every second one expires within a year.
func (s *seeder) token(i int) (*store.Token, error) {
	created := s.start.Add(-time.Duration(i) * 10 * time.Second)
	id, err := store.NewTokenID(created, rand.Reader)
	if err != nil {
		return nil, err
	}
	user := store.User{Username: s.Username, Host: s.at.Host, Port: s.at.Port}
	password := s.Password
	if i >= s.Own {
		user.Username, password = fmt.Sprintf("seed-%d", 1+i%s.Users), "seed"
	}
	user.ID = store.UserID(user.Username, user.Host, user.Port)
	t := &store.Token{ID: id, User: user, Name: fmt.Sprintf("Seeded token %d", i), Role: store.RoleReadWrite, CreatedAt: created}
	if i%2 == 1 {
		t.ExpiresAt = s.start.Add(24*time.Hour + time.Duration(i%31_000_000)*time.Second).Round(time.Second)
	}
	text, err := s.signing.Sign(crypto.Claims{ID: id, Subject: user.ID, IssuedAt: created, ExpiresAt: t.ExpiresAt})
	if err != nil {
		return nil, err
	}
	t.Hash = crypto.HashToken(text)
	t.SealedPassword, err = s.sealer.Seal(password, crypto.Binding{TokenID: id, Username: user.Username, Host: user.Host, Port: user.Port})
	if i == 0 {
		s.result.Token, s.result.TokenID = text, id
	}
	return t, err
}

// progress tells how far long work has come: on a terminal a line that moves,
// elsewhere a line for every tenth.
type progress struct {
	w     io.Writer
	what  string
	total int
	live  bool
	told  int
}

func newProgress(w io.Writer, what string, total int) *progress {
	return &progress{w: w, what: what, total: total, live: isTerminal(w)}
}

func (p *progress) show(done int) {
	tenth := done * 10 / p.total
	switch {
	case p.live:
		fmt.Fprintf(p.w, "\r[%-20s] %d of %d %s", strings.Repeat("=", done*20/p.total), done, p.total, p.what)
		if done == p.total {
			fmt.Fprintln(p.w)
		}
	case tenth > p.told:
		p.told = tenth
		fmt.Fprintf(p.w, "%d of %d %s\n", done, p.total, p.what)
	}
}
