package resp

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
)

func TestFramesAreReadHoweverTheyArrive(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 50_000)
	stream := string(AppendCommand(nil, "GRAPH.QUERY", "", long)) + "+OK\r\n-ERR " + long + "\r\n:-9223372036854775808\r\n:9223372036854775807\r\n$-1\r\n*-1\r\n*0\r\n"
	for _, source := range []io.Reader{strings.NewReader(stream), iotest.OneByteReader(strings.NewReader(stream)), iotest.HalfReader(strings.NewReader(stream))} {
		r := NewReader(source)
		for i, want := range []Frame{
			{Kind: Array, N: 3},
			{Kind: Bulk, Text: []byte("GRAPH.QUERY")},
			{Kind: Bulk, Text: []byte{}},
			{Kind: Bulk, Text: []byte(long)},
			{Kind: Status, Text: []byte("OK")},
			{Kind: Error, Text: []byte("ERR " + long)[:bufferSize-1]}, // cut off
			{Kind: Integer, N: math.MinInt64},
			{Kind: Integer, N: math.MaxInt64},
			{},
			{},
			{Kind: Array},
		} {
			got, err := r.Next()
			if err != nil || got.Kind != want.Kind || got.N != want.N || !bytes.Equal(got.Text, want.Text) {
				t.Fatalf("frame %d is %c %d %.40q, %v", i, got.Kind, got.N, got.Text, err)
			}
		}
		if !r.Clean() {
			t.Error("something is left")
		}
		if _, err := r.Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("at the end: %v", err)
		}
	}
}

func TestWhatIsNoFrameIsRefused(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{
		"HTTP/1.1 400 Bad Request\r\n", "\r\n", "\n", "$1\n", ":\r\n", ":1x\r\n", ":9223372036854775808\r\n", ":-9223372036854775809\r\n",
		":99999999999999999999\r\n", "$-2\r\n", "*-2\r\n", "$67108865\r\n", "$3\r\nabcde", "%1\r\n", "_\r\n", "$" + strings.Repeat("1", 20_000) + "\r\n",
	} {
		if _, err := NewReader(strings.NewReader(stream)).Next(); !errors.Is(err, ErrProtocol) {
			t.Errorf("%.40q: %v", stream, err)
		}
	}
}

// What is announced costs nothing until it arrives.
func TestAnnouncedLengthsTakeNoMemory(t *testing.T) {
	t.Parallel()
	r := NewReader(strings.NewReader("$67108864\r\nabc"))
	if _, err := r.Next(); !errors.Is(err, io.ErrUnexpectedEOF) || cap(r.bulk) > bufferSize*2 {
		t.Errorf("%v, with %d bytes", err, cap(r.bulk))
	}
	deep := strings.Repeat("*1\r\n", 1_000_000)
	if err := NewReader(strings.NewReader(deep)).Skip(1); !errors.Is(err, ErrProtocol) {
		t.Errorf("a million levels: %v", err)
	}
}
