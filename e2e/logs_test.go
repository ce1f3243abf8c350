package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// logBuffer keeps what a program logs, and tells when it is ready.
type logBuffer struct {
	ready chan string // gets the address, once
	// busy leaves out the lines of requests, of which there are millions.
	busy bool

	mu   sync.Mutex
	text bytes.Buffer
	line int // where the line being written begins
	told bool
	// partial is a line that has not ended, of a busy program.
	partial []byte
}

func newLogBuffer(busy bool) *logBuffer { return &logBuffer{ready: make(chan string, 1), busy: busy} }

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(p)
	for !b.told {
		line, _, whole := bytes.Cut(b.text.Bytes()[b.line:], []byte("\n"))
		if !whole {
			break
		}
		b.line += len(line) + 1
		var entry struct{ Msg, Addr string }
		if json.Unmarshal(line, &entry) == nil && entry.Msg == "ready" {
			b.ready <- entry.Addr
			b.told = true
		}
	}
	return len(p), nil
}

// keep keeps what was written, or what is to be kept of it.
func (b *logBuffer) keep(p []byte) {
	if !b.busy {
		b.text.Write(p)
		return
	}
	rest := append(b.partial, p...)
	for {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if !whole {
			break
		}
		rest = after
		if !bytes.Contains(line, []byte(`"msg":"request"`)) {
			b.text.Write(line)
			b.text.WriteByte('\n')
		}
	}
	b.partial = append(b.partial[:0:0], rest...)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// namedLog is all that one program has logged.
type namedLog struct{ name, text string }

// logArchive has the logs of programs that have ended.
var logArchive struct {
	sync.Mutex
	logs []namedLog
}

func archive(name, text string) {
	logArchive.Lock()
	defer logArchive.Unlock()
	logArchive.logs = append(logArchive.logs, namedLog{name, text})
}

func archived() []namedLog {
	logArchive.Lock()
	defer logArchive.Unlock()
	return slices.Clone(logArchive.logs)
}

// faults tells what the log holds that no test may cause.
func (p *program) faults() error {
	var errs []error
	lastWords := false
	for line := range strings.Lines(p.logs()) {
		// The last words, in plain text, may say why the program ended; a program
		// that was killed may have been in the middle of a line.
		lastWords = lastWords || strings.HasPrefix(line, "falkorpat: ")
		if !json.Valid([]byte(line)) && !lastWords && strings.HasSuffix(line, "\n") {
			errs = append(errs, fmt.Errorf("%s logged a line that is no JSON: %.2000s", p.name, line))
		}
		for _, sign := range []string{"DATA RACE", `"msg":"panic"`, "panic: ", `"code":"internal"`} {
			if strings.Contains(line, sign) {
				errs = append(errs, fmt.Errorf("%s logged: %.2000s", p.name, line))
			}
		}
	}
	return errors.Join(errs...)
}

// logged finds the entries of the log with a message.
func (p *program) logged(message string) []map[string]any {
	var entries []map[string]any
	for line := range strings.Lines(p.logs()) {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) == nil && entry["msg"] == message {
			entries = append(entries, entry)
		}
	}
	return entries
}
