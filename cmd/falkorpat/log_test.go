package main

import (
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// output is what was written, for any goroutine.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func TestLinesOfRequestsAreWrittenSoonAndInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out output
		l := newLogs(&out, "text", slog.LevelInfo)
		l.requests.Info("first")
		if out.String() != "" {
			t.Errorf("the line of a request did not wait: %s", out.String())
		}
		time.Sleep(2 * logDelay)
		synctest.Wait()
		if !strings.Contains(out.String(), "first") {
			t.Errorf("after %v there is no line", 2*logDelay)
		}
		l.requests.Info("second")
		l.now.Info("third")
		text := out.String()
		if second, third := strings.Index(text, "second"), strings.Index(text, "third"); second < 0 || third < second {
			t.Errorf("lines are not in order:\n%s", text)
		}
	})
}

func TestLinesOfRequestsDoNotPileUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out output
		l := newLogs(&out, "json", slog.LevelInfo)
		for i := range 2 * logWaiting / 100 {
			l.requests.Info(strings.Repeat("x", 100), "number", strconv.Itoa(i))
		}
		if n := len(out.String()); n < logWaiting {
			t.Errorf("%d bytes are written at once, not %d", n, logWaiting)
		}
		time.Sleep(2 * logDelay)
		synctest.Wait()
		if n := strings.Count(out.String(), "\n"); n != 2*logWaiting/100 {
			t.Errorf("%d lines are written", n)
		}
	})
}
