package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/store"
	"github.com/falkorpat/falkorpat/store/embedded"
)

// What an operation costs must not depend on how many tokens there are. To tell
// that apart from what else the machine does, stores of all sizes are there at
// once and asked by turns.

const (
	// own is how many of the tokens one user has.
	own = 10_000
	// scaleRounds is how many turns there are, scaleBatch how often a store is
	// asked in each. The median of all counts.
	scaleRounds = 15
	scaleBatch  = 20
	// treeSize is how many tokens fall with the one that they were made from.
	treeSize = 10
	// linkTime bounds the wait for what a store does behind its answers.
	linkTime = 20 * time.Minute
)

// sized is a store with a number of tokens.
type sized struct {
	tokens int
	store  *store.Store
	engine *embedded.Server
	// seeded is the token that seeding named, hash that of its text.
	seeded struct {
		Token   string `json:"token"`
		TokenID string `json:"tokenId"`
	}
	hash string
	user store.User
	// memory is what the tokens take in the store, in bytes.
	memory int64
	// fresh are tokens made to be ended, roots those that have others made from them.
	fresh, roots []*store.Token
}

// operation is something that a store does. prepare comes before each batch and
// is not measured.
type operation struct {
	name    string
	prepare func(*sized, context.Context) error
	// once says that it is done once in each turn, and not as often as scaleBatch.
	once bool
	run  func(ctx context.Context, s *sized, i int) error
}

// scaled is how long an operation takes on the stores, smallest first.
type scaled struct {
	Operation    string    `json:"operation"`
	Microseconds []float64 `json:"microseconds"`
	// Ratio is the largest store's over the smallest one's.
	Ratio float64 `json:"ratio_largest_to_smallest"`
}

// scaleReport is the whole table.
type scaleReport struct {
	Sizes         []int    `json:"sizes"`
	Operations    []scaled `json:"operations"`
	BytesPerToken int64    `json:"store_bytes_per_token"`
}

// measureScale measures all operations on stores of all sizes.
func measureScale(ctx context.Context, o options, progress io.Writer) (*scaleReport, error) {
	dir, err := os.MkdirTemp("", "falkorpat-scale-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var all []*sized
	defer func() {
		for _, s := range all {
			s.close()
		}
	}()
	report := &scaleReport{Sizes: o.sizes}
	for _, n := range o.sizes {
		fmt.Fprintf(progress, "store of %d tokens\n", n)
		s := &sized{tokens: n}
		all = append(all, s)
		if err := s.start(ctx, o.program, filepath.Join(dir, strconv.Itoa(n)), progress); err != nil {
			return nil, err
		}
		report.BytesPerToken = s.memory / int64(n)
	}
	for _, op := range operations() {
		fmt.Fprintln(progress, op.name)
		one, err := op.measure(ctx, all)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op.name, err)
		}
		report.Operations = append(report.Operations, one)
	}
	return report, nil
}

// start runs a store of its own and lets the program fill it.
func (s *sized) start(ctx context.Context, program, dir string, progress io.Writer) error {
	engine, err := embedded.Find(os.Getenv("FALKORPAT_ENGINE_DIR"))
	if err != nil {
		return err
	}
	s.engine = &embedded.Server{Engine: engine, Dir: filepath.Join(dir, "store")}
	if err := s.engine.Start(ctx); err != nil {
		return err
	}
	if s.store, err = store.Open(ctx, store.Options{URL: s.engine.URL(), Timeout: 20 * time.Second}); err != nil {
		return err
	}
	before, err := s.usedMemory(ctx)
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, program, "bench", "seed", "--tokens", strconv.Itoa(s.tokens), "--own", strconv.Itoa(min(own, s.tokens/2)),
		"--store-url", s.engine.URL(), "--data-dir", dir, "--instances", "localhost:6379", "--output", "json", "--log-level", "error")
	command.Stderr = progress
	output, err := command.Output()
	if err != nil {
		return fmt.Errorf("%s bench seed: %w", program, err)
	}
	if err := json.Unmarshal(output, &s.seeded); err != nil {
		return err
	}
	if err := s.awaitLinks(ctx); err != nil {
		return err
	}
	s.hash = crypto.HashToken(s.seeded.Token)
	token, err := s.store.TokenByID(ctx, s.seeded.TokenID)
	if err != nil {
		return err
	}
	s.user = token.User
	after, err := s.usedMemory(ctx)
	s.memory = after - before
	return err
}

// awaitLinks waits until the store has done what it does behind the answers.
func (s *sized) awaitLinks(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, linkTime)
	defer cancel()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		left, err := s.store.Unlinked(ctx)
		if err != nil || !left {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("tokens are still not linked to their users: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

func (s *sized) close() {
	if s.store != nil {
		_ = s.store.Close()
	}
	if s.engine != nil {
		_ = s.engine.Close()
	}
}

// usedMemory is what the store's process holds, in bytes: FalkorDB's matrices
// are not all in the count that the server keeps.
func (s *sized) usedMemory(ctx context.Context) (int64, error) {
	info, err := s.store.Client().Info(ctx, "memory").Result()
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(info, "used_memory_rss:")
	bytes, _, _ := strings.Cut(rest, "\r")
	return strconv.ParseInt(bytes, 10, 64)
}

// token makes a token that is like a new one of the user's.
func (s *sized) token() (*store.Token, error) {
	now := time.Now()
	id, err := store.NewTokenID(now, rand.Reader)
	return &store.Token{
		ID: id, Hash: crypto.HashToken(id), User: s.user, Name: "bench", Role: store.RoleReadWrite, CreatedAt: now,
		SealedPassword: "v1.bench.bm9uY2Vub25jZW5v.c2VhbGVkc2VhbGVkc2VhbGVkc2VhbGVk",
	}, err
}

// create stores such a token, made from another one or not.
func (s *sized) create(ctx context.Context, issuerID string) (*store.Token, error) {
	t, err := s.token()
	if err != nil {
		return nil, err
	}
	t.IssuerID = issuerID
	return t, s.store.CreateToken(ctx, t, nil)
}

// measure gives an operation's median time on each store.
func (op operation) measure(ctx context.Context, all []*sized) (scaled, error) {
	times := make([][]time.Duration, len(all))
	for range scaleRounds {
		for i, s := range all {
			if op.prepare != nil {
				if err := op.prepare(s, ctx); err != nil {
					return scaled{}, err
				}
			}
			for j := range scaleBatch {
				if op.once && j > 0 {
					break
				}
				begun := time.Now()
				if err := op.run(ctx, s, j); err != nil {
					return scaled{}, err
				}
				times[i] = append(times[i], time.Since(begun))
			}
		}
	}
	result := scaled{Operation: op.name}
	for _, of := range times {
		slices.SortFunc(of, cmp.Compare[time.Duration])
		result.Microseconds = append(result.Microseconds, float64(of[len(of)/2])/float64(time.Microsecond))
	}
	result.Ratio = result.Microseconds[len(all)-1] / result.Microseconds[0]
	return result, nil
}

func (r *scaleReport) write(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "µs, by number of tokens\t")
	for _, n := range r.Sizes {
		fmt.Fprintf(table, "%d\t", n)
	}
	fmt.Fprintln(table, "ratio\t")
	for _, one := range r.Operations {
		fmt.Fprintf(table, "%s\t", one.Operation)
		for _, µs := range one.Microseconds {
			fmt.Fprintf(table, "%.0f\t", µs)
		}
		fmt.Fprintf(table, "%.2f\t\n", one.Ratio)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "The store takes %d bytes a token.\n", r.BytesPerToken)
	return err
}

var errNoTokens = errors.New("the list is empty")
