package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/falkorpat/falkorpat/server/resp"
)

// A query that reads one row, as the API gets it and as FalkorDB does.
const (
	readCypher = "UNWIND [1] AS x RETURN x, 'one row'"
	readGraph  = "bench"
)

// query compares a query through the API with the same one sent straight to
// FalkorDB, over one connection that stays open.
func (s *stage) query() work {
	body := fmt.Sprintf(`{"query":%q}`, readCypher)
	request := fmt.Sprintf("POST /api/graph/%s/query HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", readGraph, s.token, len(body), body)
	return work{
		name: "a query, against FalkorDB itself", connections: 32,
		service: target{addr: s.service, request: []byte(request)},
		bare: target{
			addr: s.instance, request: resp.AppendCommand(nil, "GRAPH.QUERY", readGraph, readCypher, "--compact"), read: readReply,
		},
		bareConnections: 1,
	}
}

// readReply reads FalkorDB's reply to its end.
func readReply(in *bufio.Reader) error {
	line, err := in.ReadString('\n')
	if err != nil {
		return fmt.Errorf("read reply: %w", err)
	}
	var n int
	switch line[0] {
	case '*':
		if _, err := fmt.Sscanf(line, "*%d", &n); err != nil {
			return fmt.Errorf("read reply: %w", err)
		}
		for range n {
			if err := readReply(in); err != nil {
				return err
			}
		}
	case '$':
		if _, err := fmt.Sscanf(line, "$%d", &n); err != nil {
			return fmt.Errorf("read reply: %w", err)
		}
		if n < 0 {
			return nil
		}
		if _, err := in.Discard(n + 2); err != nil {
			return fmt.Errorf("read reply: %w", err)
		}
	case '-':
		return fmt.Errorf("answered %s", strings.TrimSpace(line))
	}
	return nil
}
