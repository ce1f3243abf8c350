package e2e

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// lastWords are the lines in which the program says why it ended: those that
// are not log entries.
func (o outcome) lastWords() []string {
	var words []string
	for line := range strings.Lines(o.stderr) {
		if !strings.HasPrefix(line, "{") {
			words = append(words, strings.TrimSuffix(line, "\n"))
		}
	}
	return words
}

// failsWith checks that the program ended with a status and one line that holds
// all these texts.
func (o outcome) failsWith(t *testing.T, code int, parts ...string) {
	t.Helper()
	words := o.lastWords()
	if o.code != code || len(words) != 1 || !strings.HasPrefix(words[0], "falkorpat: ") {
		t.Fatalf("ended with %d and %d lines:\n%s", o.code, len(words), o.stderr)
	}
	for _, part := range parts {
		if !strings.Contains(words[0], part) {
			t.Errorf("%q does not say %q", words[0], part)
		}
	}
	if o.stdout != "" {
		t.Errorf("writes to standard output: %s", o.stdout)
	}
}

func TestSecondServiceOnADataDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{dataDir: t.TempDir()})
	created := p.newToken(t, instanceA.newUser(t, writer), "first")
	second := p.options
	o := runProgram(t, nil, second.arguments()...)
	o.failsWith(t, 1, "in use", filepath.Join(p.options.dataDir, "store"))
	if got := p.bearer(t, created.Token).works(); got != 200 {
		t.Errorf("the first service answers %d afterwards", got)
	}
}

func TestBusyAddressIsToldAndNothingIsLeftRunning(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := runProgram(t, nil, "serve", "--addr", shared.addr, "--data-dir", dir)
	o.failsWith(t, 1, "--addr", shared.addr, "address already in use")
	// Its private store has ended too: the directory is free.
	startProgram(t, options{dataDir: dir})
}

func TestStoreOutOfReachAtTheStartIsToldWithoutItsPassword(t *testing.T) {
	t.Parallel()
	password := newPassword()
	for _, scheme := range []string{"falkor", "redis"} {
		o := runProgram(t, nil, "serve", "--addr", "127.0.0.1:0", "--data-dir", t.TempDir(), "--store-url", scheme+"://user:"+password+"@127.0.0.1:1")
		o.failsWith(t, 1, "token store", "127.0.0.1:1")
		if strings.Contains(o.stderr, password) {
			t.Error("tells the store's password")
		}
	}
}

func TestAllFaultsOfTheConfigurationAreToldAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secretFile := filepath.Join(dir, "secret")
	if err := os.WriteFile(secretFile, []byte(newKey()), 0o600); err != nil {
		t.Fatal(err)
	}
	o := runProgram(t, []string{"AUTH_SECRET=" + newKey(), "AUTH_SECRET_FILE=" + secretFile},
		"serve", "--addr", "nonsense", "--base-path", "x", "--instances", "a:b,,c:70000", "--session-lifetime", "1s",
		"--trusted-proxies", "x,10.0.0.0/99", "--store-url", "http://host", "--encryption-key-file", filepath.Join(dir, "none"),
		"--data-dir", filepath.Join(secretFile, "below"))
	if o.code != 1 || o.stdout != "" {
		t.Errorf("ended with %d, wrote %q", o.code, o.stdout)
	}
	for _, field := range []string{
		"--addr:", "--base-path:", `--instances: instance 1 ("a:b")`, `instance 2 ("")`, `instance 3 ("c:70000")`, "--session-lifetime:",
		`--trusted-proxies: "x"`, `--trusted-proxies: "10.0.0.0/99"`, "--store-url:", "--encryption-key-file:", "--auth-secret-file:", "--data-dir:",
	} {
		if !strings.Contains(o.stderr, field) {
			t.Errorf("does not name %s:\n%s", field, o.stderr)
		}
	}
}

func TestUnknownFlagsAndCommandsAreUsageFaults(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{},
		{"serv"},
		{"serve", "--nonsense"},
		{"serve", "extra"},
		{"serve", "--login-failures", "many"},
		{"serve", "--log-level", "loud"},
		{"serve", "--session-lifetime", "long"},
		{"version", "--dev"},
	} {
		if o := runProgram(t, nil, args...); o.code != 2 || !strings.HasPrefix(o.stderr, "falkorpat: ") || !strings.Contains(o.stderr, "--help") {
			t.Errorf("%q ended with %d: %s", args, o.code, o.stderr)
		}
	}
}

func TestWeakAndPublishedSecretsAreRefused(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{
		"changeme", "short", "your-secret-key-here", strings.Repeat("a", 40), strings.Repeat("0123", 10), "change-me-change-me-change-me-change-me",
	} {
		o := runProgram(t, []string{"AUTH_SECRET=" + secret}, "serve", "--addr", "127.0.0.1:0", "--data-dir", t.TempDir())
		o.failsWith(t, 1, "AUTH_SECRET")
	}
	for _, key := range []string{"zz", strings.Repeat("0", 64), strings.Repeat("ab", 31), strings.Repeat("ab", 32)} {
		o := runProgram(t, []string{"ENCRYPTION_KEY=" + key}, "serve", "--addr", "127.0.0.1:0", "--data-dir", t.TempDir())
		o.failsWith(t, 1, "ENCRYPTION_KEY")
		if len(key) > 10 && strings.Contains(o.stderr, key) {
			t.Errorf("repeats the key: %s", o.stderr)
		}
	}
}

func TestGeneratedSecretsAreKeptForTheirOwnerAlone(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{dataDir: t.TempDir()})
	created := p.newToken(t, instanceA.newUser(t, writer), "kept")
	var texts []string
	for _, name := range []string{"auth_secret", "encryption_key"} {
		path := filepath.Join(p.options.dataDir, name)
		info, err := os.Stat(path)
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		secrets.add(kindKey, strings.TrimSpace(string(text)))
		texts = append(texts, string(text))
	}
	p.mustStop(t)
	p = p.restart(t)
	for i, name := range []string{"auth_secret", "encryption_key"} {
		if text, err := os.ReadFile(filepath.Join(p.options.dataDir, name)); err != nil || string(text) != texts[i] {
			t.Errorf("%s was made anew: %v", name, err)
		}
	}
	if got := p.bearer(t, created.Token).works(); got != 200 {
		t.Errorf("a token answers %d after a restart", got)
	}
}

func TestKeysRotateWithoutRefusingAnything(t *testing.T) {
	t.Parallel()
	store := startStore(t)
	old, next := sharedKeys(t), sharedKeys(t)
	both := make([]string, len(old))
	for i := range old {
		_, value, _ := strings.Cut(old[i], "=")
		both[i] = next[i] + "," + value
	}
	u := instanceA.newUser(t, writer)
	p := startProgram(t, options{storeURL: store.URL(), env: old})
	first := p.newToken(t, u, "first")
	_, cookie := p.signIn(t, u)
	p.mustStop(t)

	p = startProgram(t, options{storeURL: store.URL(), env: both})
	second := p.newToken(t, u, "second")
	for _, c := range []*caller{p.bearer(t, first.Token), p.bearer(t, second.Token), p.cookie(t, cookie)} {
		if got := c.get("/api/status").status; got != 200 {
			t.Errorf("with both keys answered %d", got)
		}
	}
	p.mustStop(t)

	p = startProgram(t, options{storeURL: store.URL(), env: next})
	for token, want := range map[string]int{first.Token: 401, second.Token: 200} {
		if got := p.bearer(t, token).get("/api/status").status; got != want {
			t.Errorf("with the new keys answered %d, want %d", got, want)
		}
	}
	if got := p.cookie(t, cookie).works(); got != 401 {
		t.Errorf("a session of the old key answered %d", got)
	}
}

func TestStopIsPromptWhateverClientsDo(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{})
	var open []net.Conn
	for _, text := range []string{
		"", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"POST /api/auth/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"user",
	} {
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, conn)
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
	}
	defer func() {
		for _, conn := range open {
			_ = conn.Close()
		}
	}()
	// The requests have arrived when a later one has been answered.
	if got := p.nobody(t).get("/healthz").status; got != 200 {
		t.Errorf("answered %d", got)
	}
	p.mustStop(t)
	for _, message := range []string{"stopping", "stopped"} {
		if got := len(p.logged(message)); got != 1 {
			t.Errorf("%d entries say %s", got, message)
		}
	}
}

func TestRequestsUnderWayFinishAtAStop(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{})
	u := instanceA.newUser(t, writer)
	body := fmt.Sprintf(`{"username":%q,"password":%q,"port":%d}`, u.name, u.password, u.at.port)
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(requestPatience))
	half := len(body) / 2
	if _, err := fmt.Fprintf(conn, "POST /api/auth/tokens/credentials HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(body)); err != nil {
		t.Fatal(err)
	}
	// The server asks for the body when it is at work on the request.
	expected := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
	if _, err := io.ReadFull(conn, expected); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- p.stop() }()
	eventually(t, stopPromise, "the stop to begin", func() bool { return len(p.logged("stopping")) > 0 })
	for _, part := range []string{body[:half], body[half:]} {
		if _, err := io.WriteString(conn, part); err != nil {
			t.Fatal(err)
		}
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 OK") {
		t.Errorf("answered %.60q, %v", answer, err)
	}
	if _, token, ok := strings.Cut(string(answer), `"token":"`); ok {
		token, _, _ = strings.Cut(token, `"`)
		secrets.addToken(token)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestVersionAndHelpPrint(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^falkorpat \d+\.\d+\.\d+( \([0-9a-f]{12}\))? go1\.\d+\S* \w+/\w+\n$`)
	if o := runProgram(t, nil, "version"); o.code != 0 || !form.MatchString(o.stdout) || o.stderr != "" {
		t.Errorf("ended with %d, printed %q and %q", o.code, o.stdout, o.stderr)
	}
	o := runProgram(t, nil, "serve", "--help")
	if o.code != 0 {
		t.Errorf("ended with %d: %s", o.code, o.stderr)
	}
	for _, name := range []string{
		"--addr", "--instances", "--data-dir", "--store-url", "--trusted-proxies", "--browser-compat", "AUTH_SECRET", "ENCRYPTION_KEY", "FALKORPAT_ADDR",
	} {
		if !strings.Contains(o.stdout, name) {
			t.Errorf("help does not name %s", name)
		}
	}
}

func TestEveryFlagHasItsEnvironmentVariable(t *testing.T) {
	t.Parallel()
	store := startStore(t)
	u := instanceB.newUser(t, reader)
	// All that the flags of other tests say, said by the environment.
	o := options{dataDir: t.TempDir(), env: []string{
		"FALKORPAT_ADDR=127.0.0.1:1", "FALKORPAT_INSTANCES=nowhere:1", "FALKORPAT_BASE_PATH=/env", "FALKORPAT_SESSION_LIFETIME=2h",
		"API_TOKEN_FALKORDB_URL=" + store.URL(), "FALKORPAT_LOG_FORMAT=text", "FALKORPAT_LOGIN_FAILURES=7",
		"AUTH_SECRET=", "FALKORPAT_TRUSTED_PROXIES=", "API_TOKEN_FALKORDB_URL_FILE=", // empty is not given
	}}
	p := startProgram(t, o) // its flags win over the first two and the last two
	p.url += "/env"
	p.options.basePath = "/env"
	session, _ := p.signIn(t, u)
	if left := time.Until(session.ExpiresAt); left > 2*time.Hour || left < time.Hour {
		t.Errorf("a session lasts %s", left)
	}
	if entries := p.logged("token store open"); len(entries) != 1 || entries[0]["private"] != false {
		t.Errorf("store: %v", entries)
	}
	if slices.Contains(listDir(t, p.options.dataDir), "store") {
		t.Error("a private store was made too")
	}
}

func listDir(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names
}
