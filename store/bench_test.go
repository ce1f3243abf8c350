package store

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// The benchmarks say what the package costs beside FalkorDB itself: x-raw is
// the time of an operation over that of its bare command on the same client.
// Run them with `go test -run '^$' -bench . ./store`.

// compare times op against its bare command and reports the ratio. Both are
// given the number of the round.
func compare(b *testing.B, bare, op func(i int) error) {
	b.Helper()
	var next atomic.Int64
	each := func(f func(int) error) time.Duration {
		begun := time.Now()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := f(int(next.Add(1))); err != nil {
					b.Error(err)
					return
				}
			}
		})
		return time.Since(begun)
	}
	b.ReportAllocs()
	b.ResetTimer()
	took := each(op)
	b.StopTimer()
	b.ReportMetric(float64(took)/float64(each(bare)), "x-raw")
}

// serial is compare with one caller.
func serial(b *testing.B, bare, op func(i int) error) {
	b.Helper()
	each := func(f func(int) error) time.Duration {
		begun := time.Now()
		for i := range b.N {
			if err := f(i); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(begun)
	}
	b.ReportAllocs()
	b.ResetTimer()
	took := each(op)
	b.StopTimer()
	b.ReportMetric(float64(took)/float64(each(bare)), "x-raw")
}

// command prepares a query's bare command, whose reply nobody reads.
func command(b *testing.B, s *Store, name, query string, params ...param) func(int) error {
	b.Helper()
	text, err := cypherText(query, params)
	if err != nil {
		b.Fatal(err)
	}
	return func(int) error { return bare(b, s.client(), name, s.graph, text) }
}

func bare(b *testing.B, client *redis.Client, args ...any) error {
	b.Helper()
	return client.Do(b.Context(), args...).Err()
}

func BenchmarkTokenByHash(b *testing.B) {
	for _, stored := range []int{100, 100_000} {
		for name, run := range map[string]func(*testing.B, func(int) error, func(int) error){"serial": serial, "parallel": compare} {
			b.Run(fmt.Sprintf("stored=%d/%s", stored, name), func(b *testing.B) {
				s := setup(b)
				fill(b, s, stored, 10, noon)
				token := create(b, s, alice)
				b.SetParallelism(8)
				run(b, command(b, s, "GRAPH.RO_QUERY", queryTokenByHash, param{"token_hash", token.Hash}), func(int) error {
					_, err := s.TokenByHash(b.Context(), token.Hash)
					return err
				})
			})
		}
	}
}

func BenchmarkCreateToken(b *testing.B) {
	for _, stored := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("stored=%d", stored), func(b *testing.B) {
			s := setup(b)
			fill(b, s, stored, 10, noon)
			b.SetParallelism(16)
			compare(b, func(int) error {
				text, err := cypherText(queryCreateToken, tokenParams(newToken(b, alice, noon), "pat"))
				if err != nil {
					return err
				}
				return bare(b, s.client(), "GRAPH.QUERY", s.graph, text)
			}, func(int) error { return s.CreateToken(b.Context(), newToken(b, alice, noon), nil) })
		})
	}
}

func BenchmarkRevokeToken(b *testing.B) {
	for _, stored := range []int{0, 10_000, 100_000} { // by the one user who owns them all
		b.Run(fmt.Sprintf("stored=%d", stored), func(b *testing.B) {
			s := setup(b)
			fill(b, s, stored, 10, noon)
			b.SetParallelism(16)
			tokens := make([]*Token, b.N)
			for i := range tokens {
				tokens[i] = newToken(b, alice, noon)
			}
			for _, err := range parallel(16, func(part int) error {
				for i := part; i < len(tokens); i += 16 {
					if err := s.CreateToken(b.Context(), tokens[i], nil); err != nil {
						return err
					}
				}
				return nil
			}) {
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			var next atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					id := tokens[next.Add(1)-1].ID
					if ended, err := s.RevokeToken(b.Context(), Revocation{TokenID: id, By: alice, At: noon}); err != nil || len(ended) != 1 {
						b.Errorf("ended %v, %v", ended, err)
						return
					}
				}
			})
		})
	}
}

func BenchmarkListTokens100(b *testing.B) {
	for _, stored := range []int{100, 10_000, 100_000} { // each of the one user and instance
		for _, username := range []string{"", "alice"} {
			b.Run(fmt.Sprintf("stored=%d/username=%s", stored, username), func(b *testing.B) {
				s := setup(b)
				fill(b, s, stored, 10, noon)
				q := ListQuery{Hosts: localhost, Port: 6379, Username: username, Now: noon.Add(time.Hour), Limit: 100}
				page := command(b, s, "GRAPH.RO_QUERY", `MATCH (t:Token) WHERE t.created_at > $after RETURN`+tokenColumns+` LIMIT 100`,
					param{"after", noon.Add(-11 * time.Second)})
				serial(b, page, func(int) error {
					page, err := s.ListTokens(b.Context(), q)
					if err == nil && len(page.Tokens) != 100 {
						err = fmt.Errorf("%d tokens", len(page.Tokens))
					}
					return err
				})
			})
		}
	}
}

func BenchmarkRecordUses(b *testing.B) {
	s := setup(b)
	fill(b, s, 10_000, 10, noon)
	uses := make([]Use, 1000)
	for i, token := range list(b, s, ListQuery{Hosts: localhost, Port: 6379, Limit: 1000})[:1000] {
		uses[i] = Use{TokenID: token.ID, IP: "192.0.2.1", Agent: "curl/8.5.0"}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		for j := range uses {
			uses[j].At = noon.Add(time.Duration(i+1) * time.Second)
		}
		if err := s.RecordUses(b.Context(), uses); err != nil {
			b.Fatal(err)
		}
	}
}
