package instance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// stream is a connection of which only the incoming bytes matter.
type stream struct {
	net.Conn
	in io.Reader
}

func (s stream) Read(p []byte) (int, error) { return s.in.Read(p) }

// guarded reads text through a guard, in the pieces that cut makes of it.
func guarded(text string, cut func(io.Reader) io.Reader) (string, error) {
	got, err := io.ReadAll(newGuard(stream{in: cut(strings.NewReader(text))}, nil))
	return string(got), err
}

// cuts are ways in which a network may deliver bytes.
func cuts() map[string]func(io.Reader) io.Reader {
	return map[string]func(io.Reader) io.Reader{
		"whole":         func(r io.Reader) io.Reader { return r },
		"halves":        iotest.HalfReader,
		"bytes":         iotest.OneByteReader,
		"data with EOF": iotest.DataErrReader,
	}
}

func TestHonestAnswersPassTheGuardUnchanged(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"nothing":          "",
		"status":           "+OK\r\n",
		"error":            "-WRONGPASS invalid username-password pair\r\n",
		"long status":      "+" + strings.Repeat("$9999999999", 1000) + "\r\n",
		"integer":          ":-12\r\n",
		"nulls":            "$-1\r\n*-1\r\n",
		"empty":            "$0\r\n\r\n*0\r\n",
		"bulk of anything": "$12\r\n$999\r\n*999\r\n\r\n+OK\r\n",
		"nested":           "*3\r\n$5\r\nflags\r\n*2\r\n+on\r\n$6\r\nnopass\r\n:1\r\n",
		"largest array":    fmt.Sprintf("*%d\r\n", maxReplyElements) + strings.Repeat(":1\r\n", maxReplyElements),
		"large bulk":       fmt.Sprintf("$%d\r\n%s\r\n", maxReplyBytes-100, strings.Repeat("x", maxReplyBytes-100)),
	}
	for name, answer := range answers {
		for way, cut := range cuts() {
			got, err := guarded(answer, cut)
			if err != nil || got != answer {
				t.Errorf("%s in %s: %d of %d bytes, %v", name, way, len(got), len(answer), err)
			}
		}
	}
}

func TestAnswersOutOfBoundsNeverReachTheClient(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, answer string
		want         error
	}{
		{"huge bulk string", "$9999999999999\r\n", errTooMuch},
		{"bulk string above the bound", fmt.Sprintf("$%d\r\n", maxReplyBytes+1), errTooMuch},
		{"longest number", "$9223372036854775807\r\n", errTooMuch},
		{"huge array", "*2147483647\r\n", errTooMuch},
		{"array above the bound", fmt.Sprintf("*%d\r\n", maxReplyElements+1), errTooMuch},
		{"arrays that add up", strings.Repeat("*1000\r\n", 17), errTooMuch},
		{"behind a status", "+OK\r\n$9999999999999\r\n", errTooMuch},
		{"behind a bulk string", "$2\r\n$9\r\n$9999999999999\r\n", errTooMuch},
		{"endless line", "+" + strings.Repeat("x", maxReplyBytes), errTooMuch},
		{"number that is too long", "$99999999999999999999999\r\n", errProtocol},
		{"zeros in front", "$" + strings.Repeat("0", 29) + "1\r\n", errProtocol},
		{"more zeros in front", "*" + strings.Repeat("0", 60) + "1\r\n", errProtocol},
		{"negative", "$-2\r\n", errProtocol},
		{"no number", "*x\r\n", errProtocol},
		{"empty line", "\r\n", errProtocol},
		{"HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", errProtocol},
		{"RESP3 map", "%2000000000\r\n", errProtocol},
		{"RESP3 attribute", "|1\r\n$-1\r\n+x$99999999999\r\n", errProtocol},
		{"RESP3 big string", "=99999999999\r\n", errProtocol},
		{"RESP3 error", "!99999999999\r\n", errProtocol},
	} {
		for way, cut := range cuts() {
			got, err := guarded(test.answer, cut)
			if !errors.Is(err, test.want) {
				t.Errorf("%s in %s: %v, want %v", test.name, way, err, test.want)
			}
			if bytes.HasSuffix([]byte(got), []byte("\n")) && got == test.answer {
				t.Errorf("%s in %s: passed on whole", test.name, way)
			}
		}
	}
}

func TestGuardStaysShut(t *testing.T) {
	t.Parallel()
	g := newGuard(stream{in: iotest.OneByteReader(strings.NewReader("!1\r\n+OK\r\n"))}, nil)
	_, _ = io.ReadAll(g)
	if n, err := g.Read(make([]byte, 10)); n != 0 || !errors.Is(err, errProtocol) {
		t.Errorf("a read after a violation returns %d, %v", n, err)
	}
}

// reply draws a well-formed RESP2 reply.
func reply(t *rapid.T, depth int) string {
	kinds := []string{"+", "-", ":", "$", "null"}
	if depth > 0 {
		kinds = append(kinds, "*")
	}
	switch kind := rapid.SampledFrom(kinds).Draw(t, "kind"); kind {
	case "$":
		text := rapid.StringOfN(rapid.RuneFrom([]rune("$*%-19\r\nx")), 0, 60, -1).Draw(t, "bulk")
		return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text)
	case "*":
		n := rapid.IntRange(0, 4).Draw(t, "length")
		text := fmt.Sprintf("*%d\r\n", n)
		for range n {
			text += reply(t, depth-1)
		}
		return text
	case "null":
		return rapid.SampledFrom([]string{"$-1\r\n", "*-1\r\n"}).Draw(t, "null")
	default:
		return kind + rapid.StringOfN(rapid.RuneFrom([]rune("$*%-19x ")), 0, 40, -1).Draw(t, "line") + "\r\n"
	}
}

func TestEveryWellFormedReplyPassesTheGuard(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := reply(t, 3) + reply(t, 3)
		for way, cut := range cuts() {
			if got, err := guarded(text, cut); err != nil || got != text {
				t.Fatalf("%q in %s: %q, %v", text, way, got, err)
			}
		}
	})
}
