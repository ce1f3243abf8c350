package instance

import (
	"bytes"
	"net"
	"strconv"
)

// What a peer may answer to one login. The largest honest answer is ACL
// GETUSER of a user with many rules, some kilobytes.
const (
	maxReplyBytes    = 1 << 20
	maxReplyElements = 16 << 10
	maxReplyHeader   = 32 // of a line that announces a length, CR included
)

// guard is a connection whose peer is not trusted to be a FalkorDB server. It
// follows the frames of RESP2 as they are read and fails before a frame reaches
// the Redis client that the client could not survive: the client allocates
// what a length announces before a byte of it has come, so one line with a
// large number would take the memory of the whole service.
//
// RESP3 types are refused, since the connection never asks for RESP3.
type guard struct {
	net.Conn          // what is read and written: TLS or the plain connection
	raw      net.Conn // what is closed
	bytes    int      // how much more may come, in all
	elements int      // how many more array elements may be announced, in all
	skip     int      // what is left of the bulk string being read, CRLF included
	head     []byte   // the start of the line being read
	err      error    // the first violation; it stays
}

// newGuard wraps conn, which speaks over raw or is raw itself.
func newGuard(conn, raw net.Conn) *guard {
	return &guard{Conn: conn, raw: raw, bytes: maxReplyBytes, elements: maxReplyElements}
}

// Read reads what the peer sent, as long as it stays within the bounds.
func (g *guard) Read(p []byte) (int, error) {
	if g.err != nil {
		return 0, g.err
	}
	n, err := g.Conn.Read(p)
	if g.err = g.follow(p[:n]); g.err != nil {
		return 0, g.err
	}
	return n, err //nolint:wrapcheck // a net.Conn passes on io.EOF and timeouts as they are
}

// Close closes the network connection without the farewell of TLS, which
// would wait up to five seconds for a peer that has stopped reading.
func (g *guard) Close() error {
	return g.raw.Close() //nolint:wrapcheck // likewise
}

// follow moves the state on over b.
func (g *guard) follow(b []byte) error {
	if g.bytes -= len(b); g.bytes < 0 {
		return errTooMuch
	}
	for len(b) > 0 {
		if g.skip > 0 {
			n := min(g.skip, len(b))
			g.skip -= n
			b = b[n:]
			continue
		}
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		// Only a header's few bytes matter; a long status line is free text.
		g.head = append(g.head, line[:min(len(line), maxReplyHeader-len(g.head))]...)
		if !whole {
			return nil
		}
		if err := g.frame(bytes.TrimSuffix(g.head, []byte("\r"))); err != nil {
			return err
		}
		g.head, b = g.head[:0], rest
	}
	return nil
}

// frame judges the line that begins a frame.
func (g *guard) frame(head []byte) error {
	if len(head) == 0 {
		return errProtocol
	}
	switch head[0] {
	case '+', '-', ':':
		return nil
	case '$', '*':
	default:
		return errProtocol
	}
	if len(head) >= maxReplyHeader-1 {
		return errProtocol // Cut off, so the client would read another number.
	}
	n, err := strconv.Atoi(string(head[1:]))
	switch {
	case err != nil, n < -1:
		return errProtocol
	case n == -1:
		return nil
	case head[0] == '$':
		g.skip = n + len("\r\n")
		if n > maxReplyBytes {
			return errTooMuch
		}
	default:
		if n > g.elements {
			return errTooMuch
		}
		g.elements -= n
	}
	return nil
}
