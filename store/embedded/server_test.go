package embedded_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

// hasIPv6 says whether this machine has ::1; containers often do not.
func hasIPv6() bool {
	listener, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		return false
	}
	return listener.Close() == nil
}

func TestServerAnswersWhereItsURLSays(t *testing.T) {
	t.Parallel()
	loopback := map[string]bool{"127.0.0.1": true, "::1": hasIPv6()}
	for _, test := range []struct {
		listen string
		prefix string
		on     []string // addresses that must answer at the URL's port
	}{
		{"", "unix:///", nil},
		{"127.0.0.1:0", "redis://127.0.0.1:", []string{"127.0.0.1"}},
		{"localhost:0", "redis://localhost:", []string{"127.0.0.1", "::1"}},
	} {
		t.Run("listen on "+test.listen, func(t *testing.T) {
			t.Parallel()
			server, client := setup(t, embedded.Server{Listen: test.listen})
			if !strings.HasPrefix(server.URL(), test.prefix) || !strings.HasSuffix(server.URL(), server.Addr()) {
				t.Errorf("URL is %s and address %s, want a URL of the form %s", server.URL(), server.Addr(), test.prefix)
			}
			if got := do(t, client, "GRAPH.QUERY", "g", "RETURN 1"); !strings.Contains(got, "[1]") {
				t.Errorf("RETURN 1 answers %s", got)
			}
			for _, host := range test.on {
				if loopback[host] {
					_, port, _ := net.SplitHostPort(server.Addr())
					do(t, dial(t, &redis.Options{Addr: net.JoinHostPort(host, port)}), "PING")
				}
			}
		})
	}
}

func TestTLSListenerSpeaksOnlyTLS(t *testing.T) {
	t.Parallel()
	files, ca := embeddedtest.WriteCerts(t, t.TempDir(), "localhost", "127.0.0.1")
	server := embeddedtest.Start(t, embedded.Server{Listen: "127.0.0.1:0", TLS: &files})
	if !strings.HasPrefix(server.URL(), "rediss://127.0.0.1:") {
		t.Errorf("URL is %s", server.URL())
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(ca)
	do(t, dial(t, &redis.Options{Addr: server.Addr(), TLSConfig: &tls.Config{RootCAs: trusted}}), "PING")
	for name, config := range map[string]*tls.Config{
		"without TLS":            nil,
		"trusting other issuers": {RootCAs: x509.NewCertPool()},
		"expecting another name": {RootCAs: trusted, ServerName: "elsewhere.example"},
	} {
		client := dial(t, &redis.Options{Addr: server.Addr(), TLSConfig: config})
		if err := client.Ping(t.Context()).Err(); err == nil {
			t.Errorf("a client %s got an answer", name)
		}
	}
}

func TestCloseEndsTheEngineAndFreesTheDirectory(t *testing.T) {
	t.Parallel()
	server, client := setup(t, embedded.Server{})
	pid := enginePID(t, client)
	begin := time.Now()
	for range 2 { // a second call is harmless and says the same
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("closing an idle engine took %s", took)
	}
	await(t, server.Done(), "Done after Close")
	if err := server.Err(); err != nil {
		t.Errorf("Close counts as a fault: %v", err)
	}
	if alive(pid) {
		t.Error("the engine lives on")
	}
	wantTidy(t, server.Dir)
	embeddedtest.Start(t, embedded.Server{Dir: server.Dir})
}

// wantTidy checks that nothing of an engine that has ended is in its way.
func wantTidy(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"engine.sock", "engine.pid"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s was left behind", name)
		}
	}
}

func TestCloseKillsAnEngineThatHangs(t *testing.T) {
	t.Parallel()
	server := &embedded.Server{Engine: embeddedtest.Engine(t), Dir: filepath.Join(t.TempDir(), "db")}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	client := connect(t, server.URL())
	pid := enginePID(t, client)
	do(t, client, "SET", "answered", "yes")
	signal(t, pid, syscall.SIGSTOP)
	begin := time.Now()
	if err := server.Close(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("Close says %v, want that it had to kill", err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("Close took %s, more than the service has for everything", took)
	}
	if alive(pid) {
		t.Error("the engine lives on")
	}
	wantTidy(t, server.Dir)
	next := embeddedtest.Start(t, embedded.Server{Dir: server.Dir})
	if got := do(t, connect(t, next.URL()), "GET", "answered"); got != "yes" {
		t.Errorf("the answered write reads %q", got)
	}
}

func TestServerIsStartedOnce(t *testing.T) {
	t.Parallel()
	server, client := setup(t, embedded.Server{})
	if err := server.Start(t.Context()); err == nil {
		t.Error("a second Start succeeded")
	}
	do(t, client, "PING") // and the first one's engine is still there
}

func TestServerThatIsNotStartedHasNoAddress(t *testing.T) {
	t.Parallel()
	var server embedded.Server
	if server.Addr() != "" || server.URL() != "" || server.Err() != nil || server.Close() != nil || server.Done() != nil {
		t.Error("a zero Server pretends to run")
	}
}

func TestEngineThatEndsByItselfIsReported(t *testing.T) {
	t.Parallel()
	server, client := setup(t, embedded.Server{})
	if err := server.Err(); err != nil {
		t.Fatalf("a running engine has the fault %v", err)
	}
	kill(t, server, enginePID(t, client))
	wantErr(t, server.Err(), embedded.ErrExited)
	if !strings.Contains(server.Err().Error(), "signal: killed") {
		t.Errorf("the error does not tell how it ended: %v", server.Err())
	}
	if err := server.Close(); err != nil {
		t.Errorf("closing after that: %v", err)
	}
}

func TestTakenPortIsReported(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := filepath.Join(t.TempDir(), "db")
	server := &embedded.Server{Engine: embeddedtest.Engine(t), Dir: dir, Listen: taken.Addr().String()}
	wantErr(t, server.Start(t.Context()), syscall.EADDRINUSE)
	embeddedtest.Start(t, embedded.Server{Dir: dir}) // nothing keeps the directory
}

func TestPickedPortThatIsTakenIsPickedAgain(t *testing.T) {
	t.Parallel()
	engine := embeddedtest.Engine(t)
	// The first two starts fail as the engine does when another program was quicker; the working directory is Dir.
	engine.Server = script(t,
		`echo start >> starts`,
		`if [ "$(wc -l < starts)" -le 2 ]; then echo "bind: Address already in use"; exit 1; fi`,
		`exec '`+engine.Server+`' "$@"`)
	server, client := setup(t, embedded.Server{Engine: engine, Listen: "127.0.0.1:0"})
	do(t, client, "PING")
	starts, err := os.ReadFile(filepath.Join(server.Dir, "starts"))
	if err != nil || strings.Count(string(starts), "start") != 3 {
		t.Errorf("starts: %q, %v", starts, err)
	}
}

func TestFailedStartTellsTheEnginesLastWords(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "db")
	server := &embedded.Server{
		Engine: embeddedtest.Engine(t), Dir: dir, Args: []string{"--no-such-directive", "1"},
	}
	err := server.Start(t.Context())
	wantErr(t, err, embedded.ErrExited)
	for _, part := range []string{"no-such-directive", dir} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error lacks %q: %v", part, err)
		}
	}
	if server.Addr() != "" {
		t.Errorf("a server that failed has the address %s", server.Addr())
	}
	embeddedtest.Start(t, embedded.Server{Dir: dir})
}

func TestStartEndsWhenItsTimeIsUp(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		timeout time.Duration
		cancel  time.Duration
		want    error
	}{
		"by its own limit":     {timeout: 300 * time.Millisecond, cancel: time.Hour, want: context.DeadlineExceeded},
		"by the caller's word": {timeout: time.Hour, cancel: 300 * time.Millisecond, want: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "db")
			server := &embedded.Server{
				Engine:       embedded.Engine{Server: script(t, "echo $$ > pid", "echo still thinking", "exec sleep 100"), Module: "unused"},
				Dir:          dir,
				StartTimeout: test.timeout,
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			timer := time.AfterFunc(test.cancel, cancel)
			defer timer.Stop()
			err := server.Start(ctx)
			wantErr(t, err, test.want)
			if !strings.Contains(err.Error(), "still thinking") {
				t.Errorf("error lacks the engine's last words: %v", err)
			}
			text, err := os.ReadFile(filepath.Join(dir, "pid"))
			if err != nil {
				t.Fatal(err)
			}
			if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err != nil || alive(pid) {
				t.Errorf("process %d was left behind (%v)", pid, err)
			}
		})
	}
}

func TestWrongFieldsAreNamed(t *testing.T) {
	t.Parallel()
	engine := embedded.Engine{Server: "/nowhere/server", Module: "/nowhere/falkordb.so"}
	dir := t.TempDir()
	for want, server := range map[string]*embedded.Server{
		"Dir":             {Engine: engine},
		"Engine":          {Dir: dir},
		"Module":          {Dir: dir, Engine: embedded.Engine{Server: "/nowhere/server"}},
		"StartTimeout":    {Dir: dir, Engine: engine, StartTimeout: -1},
		"Listen":          {Dir: dir, Engine: engine, TLS: &embedded.TLS{CertFile: "c", KeyFile: "k"}},
		"KeyFile":         {Dir: dir, Engine: engine, Listen: "localhost:0", TLS: &embedded.TLS{CertFile: "c"}},
		"listen address":  {Dir: dir, Engine: engine, Listen: "0.0.0.0:6379"},
		"no such file":    {Dir: filepath.Join(dir, "db"), Engine: engine},
		"not a directory": {Dir: "/dev/null/db", Engine: engine},
	} {
		err := server.Start(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error about %q, got %v", want, err)
		}
	}
}

func TestStartIsLogged(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	server, client := setup(t, embedded.Server{Log: slog.New(slog.NewTextHandler(&out, nil))})
	for _, part := range []string{server.Addr(), server.Dir, fmt.Sprint("pid=", enginePID(t, client))} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("log lacks %q: %s", part, out.String())
		}
	}
}
