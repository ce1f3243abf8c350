// Package e2e holds the built program to its contract.
//
// The tests start the program as its users do, with real FalkorDB servers for
// its store and for the instances that users log in to, and speak to it over
// HTTP alone. Every answer, of whatever test, is compared with openapi.yaml and
// searched for secrets (client_test.go); every line that any of the programs
// has logged, at debug level, is searched for every secret that was in use
// (secrets_test.go) when all tests are over.
//
// Most tests share one program and two instances, and stay apart by making
// users of their own. A test that stops, starves or reconfigures the program
// starts its own (startProgram).
package e2e

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/store/embedded"
)

// What TestMain prepares for all tests.
var (
	// programFile is the program, built for these tests, and engineDir where
	// the engine of its private store is.
	programFile, engineDir string
	// instanceA has the user default without a password, as a FalkorDB has out
	// of the box; at instanceB nobody gets in without one.
	instanceA, instanceB *database
	// shared is the program that serves both, for tests that leave it as it is.
	shared *program
)

// parallelTests is how many tests run at once unless -parallel says so. They
// wait more than they compute.
const parallelTests = 10

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", fmt.Sprint(parallelTests))
	}
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// runTests prepares, runs the tests and judges the logs.
func runTests(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "falkorpat-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if err := buildProgram(dir); err != nil {
		return 0, err
	}
	engine, err := findEngine()
	if err != nil {
		return 0, err
	}
	engineDir = filepath.Dir(engine.Module)
	for name, at := range map[string]**database{"a": &instanceA, "b": &instanceB} {
		server := &embedded.Server{Engine: engine, Dir: filepath.Join(dir, name), Listen: "127.0.0.1:0", Ephemeral: true}
		if err := server.Start(context.Background()); err != nil {
			return 0, err
		}
		defer server.Close()
		if *at, err = newDatabase(server); err != nil {
			return 0, err
		}
		defer (*at).close()
	}
	if err := errors.Join(instanceA.populate(), instanceB.populate(), instanceB.lock()); err != nil {
		return 0, err
	}
	if shared, err = launch("shared", options{dataDir: filepath.Join(dir, "data")}); err != nil {
		return 0, err
	}
	code = m.Run()
	errStop := shared.stop()
	if errStop != nil {
		errStop = errors.Join(errStop, errors.New(shared.tail()))
	}
	return code, errors.Join(errStop, shared.faults(), judgeLogs())
}

// buildProgram builds the program as these tests were built.
func buildProgram(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	programFile = filepath.Join(dir, "falkorpat")
	args := []string{"build", "-o", programFile}
	if raceDetector {
		args = append(args, "-race")
	}
	output, err := exec.CommandContext(ctx, "go", append(args, "../cmd/falkorpat")...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, output)
	}
	return nil
}

// findEngine looks where package embeddedtest does, which only tests can ask.
func findEngine() (embedded.Engine, error) {
	dir := cmp.Or(os.Getenv("FALKORPAT_ENGINE_DIR"), "../.falkordb")
	engine, err := embedded.Find(dir)
	if err != nil {
		return engine, fmt.Errorf("run make engine: these tests need a real FalkorDB: %w", err)
	}
	return engine, nil
}

// judgeLogs looks for secrets in all that the programs have logged.
func judgeLogs() error {
	var errs []error
	for _, log := range archived() {
		for _, leak := range secrets.in(log.text) {
			errs = append(errs, fmt.Errorf("the log of %s holds %s", log.name, leak))
		}
	}
	const shown = 20
	if len(errs) > shown {
		errs = append(errs[:shown], fmt.Errorf("and %d more", len(errs)-shown))
	}
	return errors.Join(errs...)
}

// eventually waits until a condition holds. It asks the more often the shorter
// it may take.
func eventually(t *testing.T, within time.Duration, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	tick := time.NewTicker(min(max(within/200, 10*time.Millisecond), 200*time.Millisecond))
	defer tick.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited %s in vain for %s", within, what)
		case <-tick.C:
		}
	}
}

// unique gives a name that no other test uses.
func unique(prefix string) string {
	return prefix + "-" + strings.ToLower(randomText()[:10])
}
