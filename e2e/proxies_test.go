package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// received is what reached the service behind a proxy.
type received struct {
	Method, Path, Body string
	Header             http.Header
}

// newBackend is a service that tells what has reached it.
func newBackend(t *testing.T) (addr string, count *atomic.Int64) {
	t.Helper()
	count = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count.Add(1)
		body, _ := io.ReadAll(r.Body)
		_ = json.NewEncoder(w).Encode(received{r.Method, r.URL.RequestURI(), string(body), r.Header})
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), count
}

// fromReadme gives the configuration that the README shows for a proxy, with
// other addresses.
func fromReadme(t *testing.T, language, own, service, backend string) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindStringSubmatch(string(text))
	if found == nil {
		t.Fatalf("the README has no configuration for %s", language)
	}
	config := found[1]
	for _, change := range [][2]string{{"listen 8000", "listen " + own}, {":8000 {", "http://:" + own[strings.LastIndex(own, ":")+1:] + " {\n\tbind 127.0.0.1"}, {"127.0.0.1:3000", service}, {"127.0.0.1:8080", backend}} {
		config = strings.ReplaceAll(config, change[0], change[1])
	}
	return config
}

// proxy is a proxy under test, and what stands behind it.
type proxy struct {
	p       *program
	addr    string
	reached *atomic.Int64
}

// start runs a proxy, as its configuration says, until the test ends.
func (x *proxy) start(t *testing.T, name string, args ...string) {
	t.Helper()
	file, err := exec.LookPath(name)
	if err != nil {
		// Where e2e/proxies.sh puts what the system does not have.
		for _, dir := range []string{"usr/sbin", "usr/bin"} {
			if found, err := filepath.Abs(filepath.Join("..", ".proxies", dir, name)); err == nil {
				if _, err := os.Stat(found); err == nil {
					file = found
				}
			}
		}
	}
	if file == "" {
		t.Fatalf("run make proxies: this test needs %s", name)
	}
	output := newLogBuffer(false)
	dir := t.TempDir()
	cmd := exec.Command(file, args...)
	cmd.Env = []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	cmd.Stdout, cmd.Stderr = output, output
	cmd.WaitDelay = 2 * time.Second
	dieWithTests(cmd)
	started, done := make(chan error, 1), make(chan struct{})
	go func() {
		// The kernel ends it with the thread that has started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(done)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(endPatience):
			_ = cmd.Process.Kill()
			<-done
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", name, output.String())
		}
	})
	eventually(t, startPatience, name+" to listen", func() bool {
		conn, err := net.DialTimeout("tcp", x.addr, time.Second)
		if err != nil {
			return false
		}
		_ = conn.Close()
		return true
	})
}

// freeAddr is an address that nobody listens on now.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// write puts a configuration into a file.
func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestNginxPassesOnWhatMayPass(t *testing.T) {
	t.Parallel()
	x := behind(t)
	dir := t.TempDir()
	backend, reached := newBackend(t)
	x.reached = reached
	config := fmt.Sprintf(`daemon off; master_process off; worker_processes 1; error_log stderr; pid %[1]s/pid;
events { worker_connections 256; }
http {
access_log off; client_max_body_size 1m;
client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
%[2]s}
`, dir, fromReadme(t, "nginx", x.addr, x.p.addr, backend))
	x.start(t, "nginx", "-p", dir, "-e", "stderr", "-c", write(t, "nginx.conf", config))
	x.holds(t)
}

func TestCaddyPassesOnWhatMayPass(t *testing.T) {
	t.Parallel()
	x := behind(t)
	backend, reached := newBackend(t)
	x.reached = reached
	config := "{\n\tadmin off\n\tauto_https off\n}\n" + fromReadme(t, "caddyfile", x.addr, x.p.addr, backend)
	x.start(t, "caddy", "run", "--adapter", "caddyfile", "--config", write(t, "Caddyfile", config))
	x.holds(t)
}

// behind starts a program for a proxy that is to come.
func behind(t *testing.T) *proxy {
	t.Helper()
	p := startProgram(t, options{args: []string{"--trusted-proxies", "127.0.0.1", "--verify-header", "X-Api-Key"}})
	return &proxy{p: p, addr: freeAddr(t)}
}

// send sends a request to the proxy from an address of this machine.
func (x *proxy) send(t *testing.T, from, method, body string, headers ...string) (int, http.Header, received) {
	t.Helper()
	dialer := &net.Dialer{Timeout: requestPatience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	transport := &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}
	client := &http.Client{Transport: transport, Timeout: requestPatience}
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+x.addr+"/reports?page=2&permission=graph:admin", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatalf("%s through the proxy: %v", method, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var got received
	if response.StatusCode == http.StatusOK && method != http.MethodHead {
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%v in %.300s", err, text)
		}
	}
	return response.StatusCode, response.Header, got
}

// holds checks what every proxy with the README's configuration must do.
func (x *proxy) holds(t *testing.T) {
	t.Helper()
	const home = "127.0.0.1"
	u := instanceA.newUser(t, writer)
	created := isCreatedAnyhow(t, x.p.with(t, u, `"permissions":["graph:read","graph:write"],"graphs":["soc*"]`))
	good := "Authorization: Bearer " + created.Token
	one := x.p.bearer(t, created.Token).get("/api/auth/tokens/self").object(t)["token"].(map[string]any)
	want := http.Header{
		"X-Auth-User": {u.name}, "X-Auth-User-Id": {one["user_id"].(string)}, "X-Auth-Instance": {fmt.Sprintf("localhost:%d", instanceA.port)},
		"X-Auth-Role": {"Read-Write"}, "X-Auth-Token-Id": {created.TokenID}, "X-Auth-Permissions": {"graph:read graph:write"},
	}
	tells := func(what string, got received) {
		t.Helper()
		for name, values := range want {
			if !slices.Equal(got.Header[name], values) {
				t.Errorf("%s: %s is %q, want %q", what, name, got.Header[name], values)
			}
		}
	}
	form := strings.Repeat("x=y&", 50_000) // more than this service would read
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} {
		body := map[bool]string{true: form}[method == "POST" || method == "PUT" || method == "PATCH"]
		status, _, got := x.send(t, home, method, body, good, "Content-Type: application/x-www-form-urlencoded",
			"Origin: https://elsewhere.example", "Sec-Fetch-Site: cross-site")
		if status != http.StatusOK {
			t.Errorf("%s answered %d", method, status)
			continue
		}
		if method != http.MethodHead {
			tells(method, got)
			if got.Method != method || got.Body != body || got.Path != "/reports?page=2&permission=graph:admin" {
				t.Errorf("%s arrived as %s %s with %d bytes of %d", method, got.Method, got.Path, len(got.Body), len(body))
			}
		}
	}
	status, _, got := x.send(t, home, "GET", "", "X-Api-Key: "+created.Token)
	if status != http.StatusOK {
		t.Errorf("by the named header answered %d", status)
	}
	tells("by the named header", got)
	// What a client says of itself does not get through.
	status, _, got = x.send(t, home, "GET", "", good, "X-Auth-User: root", "x-auth-user-id: user-0", "X-Auth-Role: Admin", "X-Auth-Role: Admin",
		"X-Auth-Token-Id: 1-a", "X-Auth-Permissions: graph:admin", "X-Auth-Instance: evil:1", "X_Auth_Role: Admin")
	if status != http.StatusOK {
		t.Errorf("with headers of its own answered %d", status)
	}
	tells("with headers of its own", got)

	narrow := isCreatedAnyhow(t, x.p.with(t, u, `"permissions":["tokens:read"]`))
	elsewhere := isCreatedAnyhow(t, x.p.with(t, u, `"graphs":["secret"]`))
	bound := isCreatedAnyhow(t, x.p.with(t, u, `"allowedIps":["127.0.0.2"]`))
	ended := x.p.newToken(t, u, "ended")
	x.p.bearer(t, created.Token).form("/api/auth/revoke", "token="+ended.Token)
	if status, _, _ := x.send(t, "127.0.0.2", "GET", "", "Authorization: Bearer "+bound.Token); status != http.StatusOK {
		t.Errorf("from its address answered %d", status)
	}
	seen := x.p.bearer(t, x.p.newToken(t, u, "watcher").Token).token(bound.TokenID)
	if seen.LastUsedIP == nil || *seen.LastUsedIP != "127.0.0.2" {
		t.Errorf("last used from %v", seen.LastUsedIP)
	}
	before := x.reached.Load()
	for _, test := range []struct {
		name, from string
		headers    []string
		status     int
		challenge  string
	}{
		{"nothing shown", home, nil, 401, "Bearer"},
		{"nothing but headers of its own", home, []string{"X-Auth-User: " + u.name, "X-Auth-Role: Admin"}, 401, "Bearer"},
		{"garbage", home, []string{"Authorization: Bearer garbage"}, 401, `Bearer error="invalid_token"`},
		{"revoked", home, []string{"Authorization: Bearer " + ended.Token}, 401, `Bearer error="invalid_token"`},
		{"two tokens", home, []string{good, "X-Api-Key: " + created.Token}, 401, `Bearer error="invalid_token"`},
		{"no permission", home, []string{"Authorization: Bearer " + narrow.Token}, 403, ""},
		{"another graph", home, []string{"Authorization: Bearer " + elsewhere.Token}, 403, ""},
		{"another address", "127.0.0.3", []string{"Authorization: Bearer " + bound.Token}, 403, ""},
		{"another address, with a story", "127.0.0.3", []string{
			"Authorization: Bearer " + bound.Token, "X-Forwarded-For: 127.0.0.2", "X-Real-Ip: 127.0.0.2", "Forwarded: for=127.0.0.2",
		}, 403, ""},
	} {
		for _, method := range []string{"GET", "POST"} {
			status, header, _ := x.send(t, test.from, method, map[bool]string{true: "x=y"}[method == "POST"], test.headers...)
			if status != test.status || status == 401 && header.Get("WWW-Authenticate") != test.challenge {
				t.Errorf("%s: %s answered %d, challenge %q", test.name, method, status, header.Get("WWW-Authenticate"))
			}
		}
	}
	if after := x.reached.Load(); after != before {
		t.Errorf("%d refused requests reached the service", after-before)
	}
}
