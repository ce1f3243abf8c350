package embedded

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// minMajor.minMinor is the oldest server that the FalkorDB module accepts.
const (
	minMajor = 7
	minMinor = 2
)

// versionTimeout bounds the run of `server --version`.
const versionTimeout = 10 * time.Second

// checkServer runs the server once to learn whether it runs here at all and
// is new enough. A server built for a newer C library, for example, fails here
// and not with a riddle at the first start.
func checkServer(path string) error {
	var out bytes.Buffer
	cmd := exec.Command(path, "--version") //nolint:noctx // the timer below bounds it
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = engineEnv()
	cmd.WaitDelay = time.Second // a child that keeps the pipe open must not hold us up
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s does not run: %w", path, err)
	}
	timer := time.AfterFunc(versionTimeout, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s does not run: %w: %s", path, err, firstLine(out.Bytes()))
	}
	major, minor, ok := parseVersion(out.String())
	if !ok {
		return fmt.Errorf("%s does not tell its version: %s", path, firstLine(out.Bytes()))
	}
	if major < minMajor || major == minMajor && minor < minMinor {
		return fmt.Errorf("%s is version %d.%d, older than %d.%d", path, major, minor, minMajor, minMinor)
	}
	return nil
}

// parseVersion reads "Valkey server v=8.0.1 sha=…", the line that Redis and
// Valkey print alike.
func parseVersion(text string) (major, minor int, ok bool) {
	match := regexp.MustCompile(`\bv=(\d+)\.(\d+)`).FindStringSubmatch(text)
	if match == nil {
		return 0, 0, false
	}
	major, errMajor := strconv.Atoi(match[1])
	minor, errMinor := strconv.Atoi(match[2])
	return major, minor, errMajor == nil && errMinor == nil
}

func firstLine(text []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
	return string(line)
}
