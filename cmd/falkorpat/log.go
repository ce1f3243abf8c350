package main

import (
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
)

const (
	// logDelay is how long the line of a request may wait for others, so that they
	// are written together.
	logDelay = 100 * time.Millisecond
	// logWaiting is how many bytes of such lines wait at the most.
	logWaiting = 32 << 10
)

// logs are what the program writes about itself: both go to the same place, whole
// lines in the order in which they came.
type logs struct {
	// now writes at once, requests soon.
	now, requests *slog.Logger
}

// newLogs writes JSON, or text when a person is looking.
func newLogs(w io.Writer, format string, level slog.Level) logs {
	options := &slog.HandlerOptions{Level: level}
	lines := &lineWriter{out: w}
	logger := func(w io.Writer) *slog.Logger {
		if format == "text" || format == "auto" && isTerminal(lines.out) {
			return slog.New(slog.NewTextHandler(w, options))
		}
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return logs{now: logger(lines), requests: logger(patientWriter{lines})}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// lineWriter writes what waits, and then what it is given.
type lineWriter struct {
	out io.Writer

	mu      sync.Mutex
	waiting []byte
}

// Write implements io.Writer.
func (w *lineWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(w.waiting, line...)
	return len(line), w.flush()
}

// flush writes what waits. Its lock must be held.
func (w *lineWriter) flush() error {
	_, err := w.out.Write(w.waiting)
	w.waiting = w.waiting[:0]
	return err
}

// patientWriter lets lines wait. The last one of a program must not be written
// to it: nobody waits for them at the end.
type patientWriter struct{ *lineWriter }

// Write implements io.Writer.
func (w patientWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 {
		time.AfterFunc(logDelay, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			if len(w.waiting) > 0 {
				_ = w.flush() // a log that can't be written has nowhere to say so
			}
		})
	}
	w.waiting = append(w.waiting, line...)
	if len(w.waiting) < logWaiting {
		return len(line), nil
	}
	return len(line), w.flush()
}
