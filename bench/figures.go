package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/store"
)

// figure is one number that is no rate of requests, with what it is measured
// against, if anything.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Against is the same of what it is compared with, Ratio the value's part of it.
	Against float64 `json:"against,omitempty"`
	Ratio   float64 `json:"ratio,omitempty"`
}

const (
	// revocations is how many are measured one after another.
	revocations = 300
	// figureTime is how long each rate of the store is measured, figureConnections
	// by how many callers.
	figureTime        = time.Second
	figureConnections = 32
)

// figures measures what is not a rate of requests beside the bare handler's.
func (s *stage) figures(ctx context.Context, o options, progress io.Writer) ([]figure, error) {
	var all []figure
	for _, step := range []struct {
		name    string
		measure func(context.Context) ([]figure, error)
	}{
		{"the store's own rates", s.storeRates},
		{"revocations, one replica", func(ctx context.Context) ([]figure, error) { return s.revokeAll(ctx, 1) }},
		{"revocations, three replicas", func(ctx context.Context) ([]figure, error) { return s.revokeAll(ctx, 3) }},
		{"memory and start", func(ctx context.Context) ([]figure, error) { return s.footprint(ctx, o) }},
	} {
		if !strings.Contains(step.name, o.only) {
			continue
		}
		fmt.Fprintln(progress, step.name)
		some, err := step.measure(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", step.name, err)
		}
		all = append(all, some...)
	}
	return all, nil
}

// rate is how often a second callers at once get something done.
func rate(ctx context.Context, do func(ctx context.Context) error) (float64, error) {
	until, cancel := context.WithTimeout(ctx, figureTime)
	defer cancel()
	counts := make([]int, figureConnections)
	errs := make([]error, figureConnections)
	begun := time.Now()
	var group sync.WaitGroup
	for i := range counts {
		group.Go(func() {
			for until.Err() == nil && errs[i] == nil {
				errs[i] = do(ctx)
				counts[i]++
			}
		})
	}
	group.Wait()
	done := 0
	for i := range counts {
		done += counts[i]
		if errs[i] != nil {
			return 0, errs[i]
		}
	}
	return float64(done) / time.Since(begun).Seconds(), nil
}

// against measures two things by turns and gives the medians.
func against(ctx context.Context, name string, do, bare func(ctx context.Context) error) (figure, error) {
	var ours, theirs, ratios []float64
	for range 3 {
		b, err := rate(ctx, bare)
		if err != nil {
			return figure{}, err
		}
		o, err := rate(ctx, do)
		if err != nil {
			return figure{}, err
		}
		ours, theirs, ratios = append(ours, o), append(theirs, b), append(ratios, o/b)
	}
	for _, of := range [][]float64{ours, theirs, ratios} {
		slices.Sort(of)
	}
	return figure{Name: name, Value: ours[1], Unit: "a second", Against: theirs[1], Ratio: ratios[1]}, nil
}

// storeRates measures the look-up of a token against the bare indexed query, and
// creating one over HTTP against the same write of the store package alone.
func (s *stage) storeRates(ctx context.Context) ([]figure, error) {
	hash := crypto.HashToken(s.token)
	query := `CYPHER token_hash="` + hash + `" MATCH (t:Token {token_hash: $token_hash}) RETURN t.token_id`
	lookUp, err := against(ctx, "look-up without memory, against the bare indexed query for an ID", func(ctx context.Context) error {
		_, err := s.store.TokenByHash(ctx, hash)
		return err
	}, func(ctx context.Context) error {
		return s.store.Client().Do(ctx, "GRAPH.RO_QUERY", store.DefaultGraph, query).Err()
	})
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: figureConnections}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	create, err := against(ctx, "create over HTTP, against the same write alone", func(ctx context.Context) error {
		return s.send(ctx, client, s.service, http.MethodPost, pathList, `{"name":"bench"}`, s.token)
	}, func(ctx context.Context) error {
		t, err := s.row(nil)
		if err != nil {
			return err
		}
		t.IssuerID = s.id
		return s.store.CreateToken(ctx, t, nil)
	})
	return []figure{lookUp, create}, err
}

// row makes a token of the user's; with a ring its text is real.
func (s *stage) row(signing *crypto.SigningRing) (*store.Token, error) {
	user, err := s.user()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	id, err := store.NewTokenID(now, rand.Reader)
	if err != nil {
		return nil, err
	}
	t := &store.Token{ID: id, User: user, Name: "bench", Role: store.RoleAdmin, CreatedAt: now, Hash: crypto.HashToken(id)}
	if signing == nil {
		return t, nil
	}
	text, err := signing.Sign(crypto.Claims{ID: id, Subject: user.ID, IssuedAt: now})
	t.Hash, t.Description = crypto.HashToken(text), text
	return t, err
}

func (s *stage) user() (store.User, error) {
	allowed, err := instance.ParseAllowed(s.instance)
	if err != nil {
		return store.User{}, err
	}
	at := allowed[0].Instance()
	return store.User{ID: store.UserID("default", at.Host, at.Port), Username: "default", Host: at.Host, Port: at.Port}, nil
}

func (s *stage) send(ctx context.Context, client *http.Client, addr, method, path, body, token string) error {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, path, response.Status, text)
	}
	return err
}

// revokeAll measures revocations with so many replicas.
func (s *stage) revokeAll(ctx context.Context, replicas int) ([]figure, error) {
	for len(s.replicas) < replicas {
		if _, err := s.startReplica(ctx); err != nil {
			return nil, err
		}
	}
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	took := make([]time.Duration, revocations)
	for i := range took {
		t, err := s.row(nil)
		if err != nil {
			return nil, err
		}
		if err := s.store.ImportTokens(ctx, []*store.Token{t}); err != nil {
			return nil, err
		}
		begun := time.Now()
		if err := s.send(ctx, client, s.service, http.MethodDelete, pathList+"/"+t.ID, "", s.token); err != nil {
			return nil, err
		}
		took[i] = time.Since(begun)
	}
	slices.SortFunc(took, cmp.Compare[time.Duration])
	name := fmt.Sprintf("revoke with %d replicas", replicas)
	return []figure{
		{Name: name + ", p50", Value: milliseconds(took[len(took)/2]), Unit: "ms"},
		{Name: name + ", p99", Value: milliseconds(took[len(took)*99/100]), Unit: "ms"},
	}, nil
}

// footprint measures a fresh replica: its start, and its memory before and after
// it has verified many tokens.
func (s *stage) footprint(ctx context.Context, o options) ([]figure, error) {
	fresh, err := s.startReplica(ctx)
	if err != nil {
		return nil, err
	}
	select { // idle is what is left when starting is over
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(2 * time.Second):
	}
	idle, err := fresh.residentMB()
	if err != nil {
		return nil, err
	}
	texts, err := s.importReal(ctx, o.remembered)
	if err != nil {
		return nil, err
	}
	if err := s.useAll(ctx, fresh.addr, texts); err != nil {
		return nil, err
	}
	if o.profiles != "" {
		if err := fetch(ctx, "http://"+fresh.admin+"/debug/pprof/heap?gc=1", filepath.Join(o.profiles, "memory.heap.pprof")); err != nil {
			return nil, err
		}
	}
	full, err := fresh.residentMB()
	return []figure{
		{Name: "from start to ready, with an external store", Value: milliseconds(fresh.ready), Unit: "ms"},
		{Name: "memory, idle", Value: idle, Unit: "MB"},
		{Name: fmt.Sprintf("memory after %d tokens", o.remembered), Value: full, Unit: "MB"},
	}, err
}

// importReal stores tokens that work and gives their texts.
func (s *stage) importReal(ctx context.Context, n int) ([]string, error) {
	secret, err := os.ReadFile(filepath.Join(s.dir, "auth_secret"))
	if err != nil {
		return nil, err
	}
	signing, err := crypto.ParseSigningRing(strings.TrimSpace(string(secret)))
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(filepath.Join(s.dir, "encryption_key"))
	if err != nil {
		return nil, err
	}
	sealing, err := crypto.ParseSealingRing(strings.TrimSpace(string(key)))
	if err != nil {
		return nil, err
	}
	sealer := crypto.NewSealer(sealing, rand.Reader, false)
	texts := make([]string, 0, n)
	for len(texts) < n {
		batch := make([]*store.Token, min(500, n-len(texts)))
		for i := range batch {
			t, err := s.row(&signing)
			if err != nil {
				return nil, err
			}
			texts, t.Description = append(texts, t.Description), ""
			if t.SealedPassword, err = sealer.Seal("", crypto.Binding{TokenID: t.ID, Username: t.User.Username, Host: t.User.Host, Port: t.User.Port}); err != nil {
				return nil, err
			}
			batch[i] = t
		}
		if err := s.store.ImportTokens(ctx, batch); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// useAll uses each token once.
func (s *stage) useAll(ctx context.Context, addr string, texts []string) error {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: figureConnections}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	errs := make([]error, figureConnections)
	var group sync.WaitGroup
	for part := range errs {
		group.Go(func() {
			for i := part; i < len(texts) && errs[part] == nil; i += len(errs) {
				errs[part] = s.send(ctx, client, addr, http.MethodGet, "/api/auth/verify", "", texts[i])
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func writeFigures(w io.Writer, all []figure) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, f := range all {
		if f.Against > 0 {
			fmt.Fprintf(table, "%s\t%.0f %s\tof %.0f\t%.2f\t\n", f.Name, f.Value, f.Unit, f.Against, f.Ratio)
		} else {
			fmt.Fprintf(table, "%s\t%.1f %s\t\t\t\n", f.Name, f.Value, f.Unit)
		}
	}
	return table.Flush()
}
