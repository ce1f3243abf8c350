package server

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/falkorpat/falkorpat/server/graph"
)

const (
	// answerBuffer is how much of a result is held back: an answer that is
	// shorter is whole before any of it is sent, so that whatever goes wrong has a
	// status of its own.
	answerBuffer = 32 << 10
	// answerTime bounds how long a client may take for a result.
	answerTime = time.Minute
)

// resultAnswer writes a query's result while it comes in.
type resultAnswer struct {
	ctx    context.Context //nolint:containedctx // the generated interface hands none on
	result *graph.Result
	form   resultFormat
	log    *slog.Logger
}

// resultFormat is a form of results. Each method appends to what is sent.
type resultFormat interface {
	mediaType() string
	begin(b *bytes.Buffer, columns []string) error
	row(b *bytes.Buffer, cells [][]byte) error
	end(b *bytes.Buffer, statistics []graph.Statistic) error
}

// resultForm is the first form that a client accepts; JSON for one that accepts
// none of them, as RFC 9110 section 12.5.1 lets a server do.
func resultForm(accept string) resultFormat {
	for _, part := range strings.Split(accept, ",") {
		media, parameters, err := mime.ParseMediaType(part)
		if err != nil || parameters["q"] == "0" {
			continue
		}
		switch media {
		case "application/x-ndjson":
			return &ndjsonForm{}
		case "text/csv":
			return csvForm{}
		case "application/json", "application/*", "*/*":
			return &jsonForm{}
		}
	}
	return &jsonForm{}
}

// VisitQueryGraphResponse implements api.QueryGraphResponseObject. An answer
// that cannot be completed after some of it was sent is broken off.
func (a *resultAnswer) VisitQueryGraphResponse(w http.ResponseWriter) error {
	defer a.result.Close()
	deadline := time.Now().Add(answerTime)
	_ = http.NewResponseController(w).SetWriteDeadline(deadline) // where it can't be set, the server's own counts
	var held bytes.Buffer
	sent := false
	flush := func() error {
		if !sent {
			w.Header().Set(echo.HeaderContentType, a.form.mediaType())
			w.WriteHeader(http.StatusOK)
			sent = true
		}
		_, err := held.WriteTo(w)
		return err
	}
	err := a.write(&held, flush)
	switch {
	case err == nil:
		if !sent {
			w.Header().Set(echo.HeaderContentLength, strconv.Itoa(held.Len()))
		}
		return flush()
	case !sent:
		return err
	}
	if a.ctx.Err() == nil {
		a.log.WarnContext(a.ctx, "a result broke off", "error", err)
	}
	panic(http.ErrAbortHandler)
}

// write brings the whole result into its form, and flushes what is held back
// whenever it is enough.
func (a *resultAnswer) write(held *bytes.Buffer, flush func() error) error {
	if err := a.form.begin(held, a.result.Columns); err != nil {
		return err
	}
	for {
		cells, err := a.result.Next()
		if err != nil {
			return err
		}
		if cells == nil {
			return a.form.end(held, a.result.Statistics)
		}
		if err := a.form.row(held, cells); err != nil {
			return err
		}
		if held.Len() >= answerBuffer {
			if err := flush(); err != nil {
				return err
			}
		}
	}
}

// jsonForm is one object with columns, rows and statistics.
type jsonForm struct{ rows int }

func (*jsonForm) mediaType() string { return echo.MIMEApplicationJSON }

func (*jsonForm) begin(b *bytes.Buffer, columns []string) error {
	if columns == nil {
		columns = []string{}
	}
	names, err := json.Marshal(columns)
	if err != nil {
		return fmt.Errorf("encode columns: %w", err)
	}
	b.WriteString(`{"columns":`)
	b.Write(names)
	b.WriteString(`,"rows":[`)
	return nil
}

func (f *jsonForm) row(b *bytes.Buffer, cells [][]byte) error {
	if f.rows++; f.rows > 1 {
		b.WriteByte(',')
	}
	for i, cell := range cells {
		b.WriteByte(map[bool]byte{true: '[', false: ','}[i == 0])
		b.Write(cell)
	}
	b.WriteByte(']')
	return nil
}

func (*jsonForm) end(b *bytes.Buffer, statistics []graph.Statistic) error {
	b.WriteString(`],"statistics":{`)
	for i, one := range statistics {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(one.Name)
		if err != nil {
			return fmt.Errorf("encode statistics: %w", err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(strconv.AppendFloat(b.AvailableBuffer(), one.Value, 'f', -1, 64))
	}
	b.WriteString("}}\n")
	return nil
}

// ndjsonForm is one object for each row, by column.
type ndjsonForm struct{ names [][]byte }

func (*ndjsonForm) mediaType() string { return "application/x-ndjson" }

func (f *ndjsonForm) begin(_ *bytes.Buffer, columns []string) error {
	for _, column := range columns {
		name, err := json.Marshal(column)
		if err != nil {
			return fmt.Errorf("encode columns: %w", err)
		}
		f.names = append(f.names, name)
	}
	return nil
}

func (f *ndjsonForm) row(b *bytes.Buffer, cells [][]byte) error {
	for i, cell := range cells {
		b.WriteByte(map[bool]byte{true: '{', false: ','}[i == 0])
		b.Write(f.names[i])
		b.WriteByte(':')
		b.Write(cell)
	}
	b.WriteString("}\n")
	return nil
}

func (*ndjsonForm) end(*bytes.Buffer, []graph.Statistic) error { return nil }

// csvForm is a table: texts as they are, null as nothing, lists and objects as
// JSON.
type csvForm struct{}

func (csvForm) mediaType() string { return "text/csv" }

func (csvForm) begin(b *bytes.Buffer, columns []string) error { return csvLine(b, columns) }

func (csvForm) row(b *bytes.Buffer, cells [][]byte) error {
	fields := make([]string, len(cells))
	for i, cell := range cells {
		switch {
		case string(cell) == "null":
		case cell[0] == '"':
			if err := json.Unmarshal(cell, &fields[i]); err != nil {
				return fmt.Errorf("decode text: %w", err)
			}
		default:
			fields[i] = string(cell)
		}
	}
	return csvLine(b, fields)
}

func (csvForm) end(*bytes.Buffer, []graph.Statistic) error { return nil }

func csvLine(b *bytes.Buffer, fields []string) error {
	if len(fields) == 0 {
		return nil
	}
	w := csv.NewWriter(b)
	w.UseCRLF = true
	if err := w.Write(fields); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	w.Flush()
	return errors.Join(w.Error())
}
