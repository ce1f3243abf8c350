package resp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// ErrProtocol is returned for bytes that are not RESP2, or no sensible reply.
var ErrProtocol = errors.New("the peer does not speak the Redis protocol")

// Kind says what a frame is.
type Kind byte

// The kinds of frames.
const (
	Status  Kind = '+'
	Error   Kind = '-'
	Integer Kind = ':'
	Bulk    Kind = '$'
	Array   Kind = '*'
	// Null is a bulk string or an array that is not there.
	Null Kind = 0
)

const (
	bufferSize = 16 << 10
	// maxBulk bounds one string, in bytes.
	maxBulk = 64 << 20
	// keepBulk is how large a string's memory is kept for the next one.
	keepBulk = 1 << 20
)

// Frame is a scalar, or the beginning of an array.
type Frame struct {
	Kind Kind
	// N is an Integer's value, or how many frames an Array consists of.
	N int64
	// Text is what a Status, Error or Bulk says. It is valid until the next frame
	// is read.
	Text []byte
}

// Reader reads frames. It is not safe for concurrent use.
type Reader struct {
	in   *bufio.Reader
	bulk []byte
}

// NewReader returns a Reader of in.
func NewReader(in io.Reader) *Reader { return &Reader{in: bufio.NewReaderSize(in, bufferSize)} }

// Clean tells whether nothing has come that was not read yet.
func (r *Reader) Clean() bool { return r.in.Buffered() == 0 }

// Next reads a frame. It returns ErrProtocol for what is none, and otherwise
// the errors of the underlying reader, io.ErrUnexpectedEOF at its end.
func (r *Reader) Next() (Frame, error) {
	line, err := r.line()
	if err != nil {
		return Frame{}, err
	}
	kind := Kind(line[0])
	switch kind {
	case Status, Error:
		return Frame{Kind: kind, Text: line[1:]}, nil
	case Integer, Bulk, Array:
	case Null:
		fallthrough
	default:
		return Frame{}, ErrProtocol
	}
	n, ok := parseInt(line[1:])
	switch {
	case !ok, kind != Integer && n < -1, kind == Bulk && n > maxBulk:
		return Frame{}, ErrProtocol
	case kind != Integer && n == -1:
		return Frame{}, nil
	case kind == Bulk:
		text, err := r.text(int(n))
		return Frame{Kind: Bulk, Text: text}, err
	}
	return Frame{Kind: kind, N: n}, nil
}

// line reads a line of at least one character, without its end. Only what
// people read is longer than the buffer, and that is cut off.
func (r *Reader) line() ([]byte, error) {
	line, err := r.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		if line[0] != '-' && line[0] != '+' {
			return nil, ErrProtocol
		}
		r.bulk = append(r.bulk[:0], line...)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = r.in.ReadSlice('\n')
		}
		line = append(r.bulk, "\r\n"...)
	}
	if err != nil {
		return nil, broken(err)
	}
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return nil, ErrProtocol
	}
	return line[:len(line)-2], nil
}

// text reads a string of n bytes and its end.
func (r *Reader) text(n int) ([]byte, error) {
	if whole, err := r.in.Peek(min(n+2, bufferSize)); err != nil {
		return nil, broken(err)
	} else if len(whole) == n+2 {
		_, _ = r.in.Discard(n + 2) // it is in the buffer
		return ended(whole)
	}
	if cap(r.bulk) > keepBulk {
		r.bulk = nil
	}
	r.bulk = r.bulk[:0]
	for have := 0; have < n+2; have = len(r.bulk) {
		part, err := r.in.Peek(min(n+2-have, bufferSize))
		if err != nil {
			return nil, broken(err)
		}
		r.bulk = append(r.bulk, part...)
		_, _ = r.in.Discard(len(part)) // likewise
	}
	return ended(r.bulk)
}

func ended(text []byte) ([]byte, error) {
	n := len(text) - 2
	if text[n] != '\r' || text[n+1] != '\n' {
		return nil, ErrProtocol
	}
	return text[:n], nil
}

// broken says that the end has come too early.
func broken(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read reply: %w", err)
}

// parseInt reads a decimal number of 64 bits.
func parseInt(text []byte) (int64, bool) {
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		text = text[1:]
	}
	if len(text) == 0 || len(text) > 19 {
		return 0, false
	}
	var n uint64
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	switch {
	case negative && n <= 1<<63:
		return -int64(n), true // 1<<63 becomes the smallest number, as it should
	case !negative && n < 1<<63:
		return int64(n), true
	default:
		return 0, false
	}
}

// maxSkip bounds how deep arrays are nested that nobody looks into.
const maxSkip = 1024

// Skip reads n frames, with all that is in them, and forgets them.
func (r *Reader) Skip(n int64) error { return r.skip(n, 0) }

func (r *Reader) skip(n int64, depth int) error {
	if depth > maxSkip {
		return ErrProtocol
	}
	for range n {
		frame, err := r.Next()
		if err != nil {
			return err
		}
		if frame.Kind == Array {
			if err := r.skip(frame.N, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
