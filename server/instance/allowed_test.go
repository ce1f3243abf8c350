package instance

import (
	"strings"
	"testing"
)

func TestAllowedEntriesKeepTheOperatorsSpelling(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ entry, instance, address string }{
		{"localhost", "localhost:6379", "localhost:6379"},
		{"LOCALHOST:7000", "localhost:7000", "LOCALHOST:7000"},
		{"127.0.0.1:6379", "localhost:6379", "127.0.0.1:6379"},
		{"[::1]", "localhost:6379", "[::1]:6379"},
		{"[::1]:7000", "localhost:7000", "[::1]:7000"},
		{"[::ffff:10.0.0.1]:1", "10.0.0.1:1", "[::ffff:10.0.0.1]:1"},
		{"[2001:DB8::1]:65535", "[2001:db8::1]:65535", "[2001:DB8::1]:65535"},
		{"[fe80::1%eth0]:6379", "[fe80::1%eth0]:6379", "[fe80::1%eth0]:6379"},
		{" db.Example.com.:6380 ", "db.example.com:6380", "db.Example.com.:6380"},
		{"falkor_db-1", "falkor_db-1:6379", "falkor_db-1:6379"},
		{"7.example.1a", "7.example.1a:6379", "7.example.1a:6379"},
		{"10.0.0.1:06379", "10.0.0.1:6379", "10.0.0.1:6379"},
	} {
		allowed, err := ParseAllowed(test.entry)
		if err != nil || len(allowed) != 1 {
			t.Errorf("ParseAllowed(%q) = %v, %v", test.entry, allowed, err)
			continue
		}
		if got := allowed[0].Instance().String(); got != test.instance {
			t.Errorf("%q allows the instance %s, want %s", test.entry, got, test.instance)
		}
		if got := allowed[0].Address(); got != test.address {
			t.Errorf("%q is dialled as %s, want %s", test.entry, got, test.address)
		}
	}
}

func TestAllowListKeepsItsOrder(t *testing.T) {
	t.Parallel()
	d := setup(t, "c.example, localhost:6380,[2001:db8::1] ,a.example:1,localhost")
	var got []string
	for _, i := range d.Instances() {
		got = append(got, i.String())
	}
	want := "c.example:6379 localhost:6380 [2001:db8::1]:6379 a.example:1 localhost:6379"
	if strings.Join(got, " ") != want {
		t.Errorf("instances are %s, want %s", got, want)
	}
	d.Instances()[0].Host = "evil"
	if d.Instances()[0].Host != "c.example" {
		t.Error("a caller can change the list")
	}
}

func TestFaultyAllowedEntriesAreRefused(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{
		"", " ", "localhost,", ",localhost", ":6379", "localhost:", "localhost:0", "localhost:65536", "localhost:-1",
		"localhost:+1", "localhost:0x1", "localhost: 1", "localhost:6379:6379", "localhost:redis",
		"::1", "::1:6379", "[::1", "[::1]:", "[::1]6379", "[::1]x:6379", "[]", "[localhost]:6379", "[127.0.0.1]:6379", "[::1%]:6379",
		"127.1", "127.0.0", "2130706433", "0x7f000001", "0x7f.0.0.0x1", "127.0.0.08", "127.0.0.1.", "db.0X",
		"99999999999999999999999", "256.0.0.1", "0.0.0.0", "[::]", "[::ffff:0.0.0.0]",
		"redis://localhost:6379", "user@localhost", "localhost/0", "local host", "-a", "a-", "a..b", ".",
		"straße", "a\x00b", "a%b", "*.example", strings.Repeat("a", 64), strings.Repeat("a.", 127) + "a.b",
	} {
		allowed, err := ParseAllowed(entry)
		if err == nil {
			t.Errorf("ParseAllowed(%q) = %v, want an error", entry, allowed)
		}
	}
}

func TestAllFaultsOfAnAllowListAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	allowed, err := ParseAllowed("localhost, bad host,127.0.0.1:6379,ok.example,[::1]:99999,OK.example.")
	if err == nil {
		t.Fatalf("got %v, want an error", allowed)
	}
	lines := strings.Split(err.Error(), "\n")
	want := []string{
		`instance 2 ("bad host")`, `instance 3 ("127.0.0.1:6379"): the same instance as "localhost"`,
		`instance 5 ("[::1]:99999")`, `instance 6 ("OK.example."): the same instance as "ok.example"`,
	}
	if len(lines) != len(want) {
		t.Fatalf("%d faults, want %d: %v", len(lines), len(want), err)
	}
	for i := range want {
		if !strings.HasPrefix(lines[i], want[i]) {
			t.Errorf("fault %d is %q, want %q", i, lines[i], want[i])
		}
	}
}
