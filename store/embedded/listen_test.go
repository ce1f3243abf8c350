package embedded

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestOnlyLoopbackAddressesAreListenedOn(t *testing.T) {
	t.Parallel()
	for listen, binds := range map[string][]string{
		"127.0.0.1:6379": {"127.0.0.1"},
		"127.8.9.10:1":   {"127.8.9.10"},
		"[::1]:6379":     {"::1"},
		"localhost:6379": {"127.0.0.1", "-::1"},

		":6379":                nil, // every address of the machine
		"0.0.0.0:6379":         nil,
		"[::]:6379":            nil,
		"192.168.0.1:6379":     nil,
		"[fe80::1%lo]:6379":    nil,
		"[::1%lo]:6379":        nil,
		"falkordb.example:1":   nil,
		"LOCALHOST.example:1":  nil,
		"localhost":            nil,
		"localhost:":           nil,
		"localhost:-1":         nil,
		"localhost:65536":      nil,
		"localhost:redis":      nil,
		"127.0.0.1 0.0.0.0:1":  nil,
		"[127.0.0.1]:6379:637": nil,
	} {
		e, err := parseListen(listen)
		if binds == nil {
			if err == nil || !strings.Contains(err.Error(), listen) {
				t.Errorf("%q gives %+v, %v, want an error that names it", listen, e, err)
			}
			continue
		}
		if err != nil || !slices.Equal(e.binds, binds) {
			t.Errorf("%q binds %q, %v, want %q", listen, e.binds, err, binds)
		}
	}
}

func TestAddressesNameWhatTheCallerNamed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		listen, socket string
		encrypted      bool
		addr, url      string
	}{
		{"", "/data/engine.sock", false, "/data/engine.sock", "unix:///data/engine.sock"},
		{"", "/my data/100%/s?k", false, "/my data/100%/s?k", "unix:///my%20data/100%25/s%3Fk"},
		{"localhost:6379", "/s", false, "localhost:6379", "redis://localhost:6379"},
		{"127.0.0.1:7000", "/s", true, "127.0.0.1:7000", "rediss://127.0.0.1:7000"},
		{"[::1]:7000", "/s", false, "[::1]:7000", "redis://[::1]:7000"},
	} {
		e, err := parseListen(test.listen)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.address(test.socket); got != test.addr {
			t.Errorf("%q: address %s, want %s", test.listen, got, test.addr)
		}
		if got := e.location(test.socket, test.encrypted); got != test.url {
			t.Errorf("%q: URL %s, want %s", test.listen, got, test.url)
		}
	}
}

func TestPortIsPickedOnlyWhereItIsOurs(t *testing.T) {
	t.Parallel()
	for listen, fixed := range map[string]bool{"127.0.0.1:0": false, "localhost:0": false, "localhost:6379": true, "": true} {
		e, err := parseListen(listen)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.pick(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if fixed && got.port != e.port || !fixed && got.port == 0 {
			t.Errorf("%q: picked %d", listen, got.port)
		}
		if fixed {
			continue
		}
		listener, err := net.Listen("tcp", got.address("")) // it must be free
		if err != nil {
			t.Errorf("%q: %v", listen, err)
			continue
		}
		_ = listener.Close()
	}
}

func TestSocketPathsStayShort(t *testing.T) {
	short, long := t.TempDir(), "/"+strings.Repeat("d", maxSocketPath)
	t.Setenv("TMPDIR", short) // not to be needed yet
	socket, temp, err := socketPath(short)
	if err != nil || socket != filepath.Join(short, socketName) || temp != "" {
		t.Errorf("short: %s, %s, %v", socket, temp, err)
	}
	for name, parent := range map[string]string{"usual": t.TempDir(), "long itself": longDir(t), "absent": "/nowhere"} {
		t.Setenv("TMPDIR", parent)
		socket, temp, err := socketPath(long)
		if err != nil || len(socket) > maxSocketPath || filepath.Dir(socket) != temp {
			t.Errorf("temporary directory %s: %s, %s, %v", name, socket, temp, err)
		}
		if entries, _ := os.ReadDir(parent); name != "usual" && len(entries) > 0 {
			t.Errorf("temporary directory %s: %v was left behind", name, entries)
		}
		if err := os.Remove(temp); err != nil {
			t.Error(err)
		}
	}
}

func longDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), strings.Repeat("t", maxSocketPath))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}
