package graph

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/falkorpat/falkorpat/server/resp"
)

// compact is a reply of one column, with a row for each cell.
func compact(cells ...string) string {
	rows := ""
	for _, cell := range cells {
		rows += "*1\r\n" + cell
	}
	return "*3\r\n*1\r\n*2\r\n:1\r\n$1\r\nx\r\n*" + string(rune('0'+len(cells))) + "\r\n" + rows + "*1\r\n$19\r\nCached execution: 0\r\n"
}

// decodeReply decodes a reply as Query does.
func decodeReply(reply []byte) error {
	in := resp.NewReader(bytes.NewReader(reply))
	parts, err := begin(in)
	if err != nil {
		return err
	}
	r := &Result{limits: Limits{Rows: 1000}}
	if parts == 3 {
		if r.Columns, err = columns(in); err != nil {
			return err
		}
		rows, err := in.Next()
		if err != nil || rows.Kind != resp.Array {
			return orShape(err)
		}
		names := &Names{}
		for kind := range names.texts {
			names.texts[kind] = [][]byte{[]byte(`"name"`)}
		}
		d := &decoder{in: in, names: names, refresh: func() (*Names, error) { return names, nil }}
		for range rows.N {
			if err := d.array(int64(len(r.Columns))); err != nil {
				return err
			}
			for range r.Columns {
				if _, err := d.value(nil, 0); err != nil {
					return err
				}
			}
		}
	}
	_, err = statistics(in)
	return err
}

var seeds = []string{
	compact("*2\r\n:3\r\n:1\r\n"),
	compact("*2\r\n:1\r\n$-1\r\n", "*2\r\n:2\r\n$1\r\na\r\n", "*2\r\n:4\r\n$4\r\ntrue\r\n", "*2\r\n:5\r\n$4\r\n-nan\r\n"),
	compact("*2\r\n:6\r\n*2\r\n*2\r\n:3\r\n:1\r\n*2\r\n:16\r\n:86400\r\n"),
	compact("*2\r\n:8\r\n*3\r\n:0\r\n*1\r\n:0\r\n*1\r\n*3\r\n:0\r\n:3\r\n:1\r\n"),
	compact("*2\r\n:7\r\n*5\r\n:0\r\n:0\r\n:0\r\n:1\r\n*0\r\n"),
	compact("*2\r\n:10\r\n*2\r\n$1\r\na\r\n*2\r\n:12\r\n*1\r\n$3\r\n1.5\r\n"),
	compact("*2\r\n:11\r\n*2\r\n$3\r\n1.5\r\n$3\r\n2.5\r\n"),
	"*1\r\n*1\r\n$16\r\nNodes created: 1\r\n",
	"*2\r\n-version mismatch\r\n:7\r\n",
	"-ERR no\r\n",
}

func FuzzDecoderSurvivesAnyReply(f *testing.F) {
	for _, reply := range seeds {
		f.Add([]byte(reply))
	}
	f.Fuzz(func(_ *testing.T, reply []byte) {
		_ = decodeReply(reply) // whatever it says, it says so without a panic
	})
}

func TestSoundRepliesAreDecoded(t *testing.T) {
	t.Parallel()
	for _, reply := range seeds[:8] {
		if err := decodeReply([]byte(reply)); err != nil {
			t.Errorf("%q: %v", reply, err)
		}
		for cut := range len(reply) - 1 {
			if err := decodeReply([]byte(reply[:cut])); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("%q cut at %d: %v", reply, cut, err)
			}
		}
	}
}

func TestRepliesOfAnotherShapeAreRefused(t *testing.T) {
	t.Parallel()
	for _, cell := range []string{
		"*2\r\n:99\r\n:1\r\n", "*2\r\n:0\r\n:1\r\n", "*2\r\n:3\r\n$1\r\n1\r\n", "*2\r\n:4\r\n$5\r\nmaybe\r\n", "*2\r\n:5\r\n$1\r\nx\r\n",
		"*3\r\n:3\r\n:1\r\n:1\r\n", ":1\r\n", "*2\r\n:8\r\n*2\r\n:0\r\n*0\r\n", "*2\r\n:10\r\n*1\r\n$1\r\na\r\n", "*2\r\n:8\r\n*3\r\n:0\r\n*1\r\n:7\r\n*0\r\n",
		"*2\r\n:11\r\n*3\r\n$1\r\n1\r\n$1\r\n1\r\n$1\r\n1\r\n", strings.Repeat("*2\r\n:6\r\n*1\r\n", 600) + "*2\r\n:3\r\n:1\r\n",
	} {
		if err := decodeReply([]byte(compact(cell))); !errors.Is(err, resp.ErrProtocol) {
			t.Errorf("%.60q: %v", cell, err)
		}
	}
}

// BenchmarkDecode shows how much of a reply is decoded in a second.
func BenchmarkDecode(b *testing.B) {
	const node = "*2\r\n:8\r\n*3\r\n:1234\r\n*1\r\n:0\r\n*3\r\n*3\r\n:0\r\n:2\r\n$12\r\nAda Lovelace\r\n*3\r\n:0\r\n:3\r\n:1815\r\n*3\r\n:0\r\n:5\r\n$4\r\n1.75\r\n"
	rows := strings.Repeat(node, 1000)
	names := &Names{}
	for kind := range names.texts {
		names.texts[kind] = [][]byte{[]byte(`"name"`)}
	}
	source := strings.NewReader(rows)
	var row []byte
	b.SetBytes(int64(len(rows)))
	b.ReportAllocs()
	for b.Loop() {
		source.Reset(rows)
		d := &decoder{in: resp.NewReader(source), names: names}
		for range 1000 {
			var err error
			if row, err = d.value(row[:0], 0); err != nil {
				b.Fatal(err)
			}
		}
	}
}
