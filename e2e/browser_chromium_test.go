package e2e

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

const (
	// pagePatience bounds every single step in a page, on a busy machine.
	pagePatience = 30 * time.Second
	// testsAtOnce is how many tests have pages open at once; a page is a process that
	// wants a core.
	testsAtOnce = 3
	// screenshotDir is where pictures of the main states and of failures go; it
	// is not part of the repository.
	screenshotDir = "../screenshots"
)

// chromium is a browser that the tests share while any of them needs it. Each
// page has a profile of its own in it: cookies, storage and history.
type chromium struct {
	mu    sync.Mutex
	users int
	ctx   context.Context
	stop  func()
	// seats holds one entry per test that has pages open, which are pages of:
	// waiting for a second seat, with one taken, tests would wait for each other.
	seats chan struct{}
	pages map[string]int
	// clipboard is the machine's only one.
	clipboard sync.Mutex
}

var browser = &chromium{seats: make(chan struct{}, testsAtOnce), pages: map[string]int{}}

// acquire starts the browser unless it runs, and stops it after its last user.
func (b *chromium) acquire(t *testing.T) context.Context {
	t.Helper()
	b.seat(t)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.users == 0 {
		b.start(t)
	}
	b.users++
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.users--; b.users == 0 {
			b.stop()
		}
	})
	return b.ctx
}

// seat waits until the test may open a page, and keeps its seat until the last
// of its pages is closed.
func (b *chromium) seat(t *testing.T) {
	t.Helper()
	name, _, _ := strings.Cut(t.Name(), "/")
	b.mu.Lock()
	seated := b.pages[name] > 0
	b.pages[name]++
	b.mu.Unlock()
	if !seated {
		b.seats <- struct{}{}
	}
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.pages[name]--; b.pages[name] == 0 {
			<-b.seats
		}
	})
}

func (b *chromium) start(t *testing.T) {
	t.Helper()
	flags := append(chromedp.DefaultExecAllocatorOptions[:],
		// What these tests visit is their own; containers seldom allow a sandbox.
		chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("lang", "en-US"),
	)
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), flags...)
	ctx, cancel := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		cancelAllocator()
		t.Fatalf("start Chromium (make browser installs one): %v", err)
	}
	b.ctx = ctx
	b.stop = func() {
		ending, done := context.WithTimeout(ctx, pagePatience)
		defer done()
		_ = chromedp.Cancel(ending) // a browser that does not end well is killed
		cancelAllocator()
	}
}

// page is a tab, in a profile of its own. Whatever it does, it may write no
// error to its console and ask no other origin for anything.
type page struct {
	t   *testing.T
	p   *program
	ctx context.Context

	mu sync.Mutex
	// faults are what the page may not do and did.
	faults []string
	// requests are what it has asked the program for.
	requests []*network.EventRequestWillBeSent
	// expected are console errors that the test provokes.
	expected *regexp.Regexp
	// questions are those that the browser asked by itself, such as whether to
	// leave the page; leave is the answer.
	questions []string
	leave     bool
	answering sync.WaitGroup
}

// newPage opens an empty tab for a program.
func newPage(t *testing.T, p *program) *page {
	t.Helper()
	parent := browser.acquire(t)
	g := &page{t: t, p: p}
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext(), chromedp.WithListener(g.listen))
	g.ctx = ctx
	t.Cleanup(func() {
		if t.Failed() {
			g.capture("failed-" + strings.ReplaceAll(t.Name(), "/", "-"))
		}
		cancel()
		g.answering.Wait()
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, fault := range g.faults {
			t.Error(fault)
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	g.look("light", 1280, 800)
	// Several pages are open, and each shall believe that it is in front.
	g.command(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		return err
	})
	return g
}

// listen hears everything that happens in the page. It must not wait.
func (g *page) listen(event any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch event := event.(type) {
	case *network.EventRequestWillBeSent:
		g.requests = append(g.requests, event)
		if !g.isOwn(event.Request.URL) {
			g.faults = append(g.faults, "the page asks another origin: "+event.Request.URL)
		}
	case *runtime.EventExceptionThrown:
		g.complain("an exception", event.ExceptionDetails.Text+" "+described(event.ExceptionDetails.Exception))
	case *runtime.EventConsoleAPICalled:
		if event.Type == runtime.ConsoleAPICalledTypeError || event.Type == runtime.ConsoleAPICalledTypeAssert {
			texts := make([]string, len(event.Args))
			for i, argument := range event.Args {
				texts[i] = described(argument)
			}
			g.complain("a console error", strings.Join(texts, " "))
		}
	case *cdplog.EventEntryAdded:
		if entry := event.Entry; entry.Level == cdplog.EntryLevelError && !isUnauthorized(entry) {
			g.complain("a console error", entry.Text+" "+entry.URL)
		}
	case *cdppage.EventJavascriptDialogOpening:
		g.questions = append(g.questions, event.Type.String())
		accept := g.leave
		g.answering.Go(func() { g.answer(accept) })
	}
}

func (g *page) isOwn(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme+"://"+u.Host == g.p.url || u.Scheme == "data" || u.Scheme == "blob")
}

// isUnauthorized recognises what a browser logs about every 401, which is how
// the API says that nobody is signed in.
func isUnauthorized(entry *cdplog.Entry) bool {
	return entry.Source == cdplog.EntrySourceNetwork && strings.Contains(entry.Text, "status of 401") && strings.Contains(entry.URL, "/api/")
}

// complain notes a fault unless the test expects it. The caller holds mu.
func (g *page) complain(what, text string) {
	if g.expected == nil || !g.expected.MatchString(text) {
		g.faults = append(g.faults, "the page has "+what+": "+text)
	}
}

// described is a JavaScript value as a console shows it.
func described(object *runtime.RemoteObject) string {
	if object == nil {
		return ""
	}
	if object.Description != "" {
		return object.Description
	}
	return object.Value.String()
}

// answer answers a question of the browser's own.
func (g *page) answer(accept bool) {
	ctx, cancel := context.WithTimeout(g.ctx, pagePatience)
	defer cancel()
	_, err := chromedp.Call(ctx, cdppage.HandleJavaScriptDialog, cdppage.HandleJavaScriptDialogParams{Accept: accept})
	if err != nil && g.ctx.Err() == nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.faults = append(g.faults, "answer the browser's question: "+err.Error())
	}
}

// asked tells how many questions the browser has asked by itself.
func (g *page) asked() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.questions)
}

// leaving sets the answer to whether the page shall be left.
func (g *page) leaving(yes bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leave = yes
}

// expect says which console errors the test is about to provoke.
func (g *page) expect(pattern string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expected = regexp.MustCompile(pattern)
}

// command runs something in the page, in bounded time.
func (g *page) command(f func(ctx context.Context) error) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.ctx, pagePatience)
	defer cancel()
	if err := f(ctx); err != nil {
		g.t.Fatal(err)
	}
}

// do takes steps in the page.
func (g *page) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.ctx, pagePatience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		g.t.Fatalf("%s: %v", what, err)
	}
}

// look sets how the page is looked at; below 500 pixels it is a phone's.
func (g *page) look(scheme string, width, height int64) {
	g.t.Helper()
	g.command(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 500,
		})
		if err != nil {
			return err
		}
		_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme},
			// Pictures and clicks shall not depend on how far a movement is.
			{Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		return err
	})
	// The change is drawn in the next frame, and certainly in the one after it.
	eval[bool](g, "new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(() => drawn(true))))")
}

// capture takes a picture of what is visible, for people. That it cannot be
// taken is no fault of the page.
func (g *page) capture(name string) {
	ctx, cancel := context.WithTimeout(g.ctx, pagePatience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.MkdirAll(screenshotDir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(screenshotDir, name+".png"), picture, 0o644)
	}
	if err != nil {
		g.t.Logf("no screenshot %s: %v", name, err)
	}
}

// eval gives the value of a JavaScript expression, waiting for a promise.
func eval[T any](g *page, expression string) T {
	g.t.Helper()
	value, err := tryEval[T](g, expression)
	if err != nil {
		g.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

func tryEval[T any](g *page, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(g.ctx, pagePatience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// quoted is a text as JavaScript writes it.
func quoted(text string) string {
	literal, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string can always be written
	}
	return string(literal)
}
