package e2e

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// graph is where the program keeps tokens.
const graph = "token_management"

// query runs a query in the program's store and gives the rows, each value as
// text.
func query(t *testing.T, store *redis.Client, cypher string) [][]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	reply, err := store.Do(ctx, "GRAPH.QUERY", graph, cypher).Slice()
	if err != nil {
		t.Fatalf("%v in %.200s", err, cypher)
	}
	if len(reply) < 3 {
		return nil
	}
	var rows [][]string
	for _, record := range reply[1].([]any) {
		var row []string
		for _, value := range record.([]any) {
			row = append(row, fmt.Sprint(value))
		}
		rows = append(rows, row)
	}
	return rows
}

// row runs a query in the program's store that has one row to give.
func (p *program) row(t *testing.T, cypher string) []string {
	t.Helper()
	rows := query(t, p.store(t), cypher)
	if len(rows) != 1 {
		t.Fatalf("%d rows for %.200s", len(rows), cypher)
	}
	return rows[0]
}

// rows counts what the program's store holds of tokens and sessions.
func (p *program) rows(t *testing.T) string {
	t.Helper()
	return p.row(t, `MATCH (t) WHERE labels(t)[0] <> 'Event' AND labels(t)[0] <> 'Chain' RETURN count(t)`)[0]
}

// listener is a server that is no FalkorDB.
type listener struct {
	net.Listener
	port  int
	count atomic.Int64
}

// newListener listens until the test ends. Connections are handed to serve;
// with nil they are accepted and nothing is ever said.
func newListener(t *testing.T, serve func(net.Conn)) *listener {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{Listener: inner, port: inner.Addr().(*net.TCPAddr).Port}
	done := make(chan struct{})
	var open []net.Conn
	go func() {
		defer close(done)
		for {
			conn, err := inner.Accept()
			if err != nil {
				return
			}
			l.count.Add(1)
			open = append(open, conn)
			if serve != nil {
				serve(conn)
			}
		}
	}()
	t.Cleanup(func() {
		_ = inner.Close()
		<-done
		for _, conn := range open {
			_ = conn.Close()
		}
	})
	return l
}

// accepted counts the connections made until now.
func (l *listener) accepted() int64 { return l.count.Load() }
