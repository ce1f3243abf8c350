package instance

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestEverySpellingOfTheLoopbackIsOneHost(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"localhost", "LOCALHOST", "LocalHost.", "localhost..", "[localhost]",
		"127.0.0.1", "127.0.0.1.", "127.0.0.2", "127.255.255.254",
		"::1", "[::1]", "0:0:0:0:0:0:0:1", "0000:0000:0000:0000:0000:0000:0000:0001", "::0001",
		"::1%", "[::1%]", "::1%lo", "[::1%lo0]",
		"::ffff:127.0.0.1", "[::FFFF:127.0.0.1]", "::ffff:7f00:1", "::ffff:127.9.9.9", "::ffff:127.0.0.1%lo",
	} {
		if got := Canonical(host); got != "localhost" {
			t.Errorf("Canonical(%q) = %q, want localhost", host, got)
		}
	}
}

func TestEveryOtherHostHasOneSpelling(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"DB.Example.COM.":         "db.example.com",
		"db.example.com":          "db.example.com",
		"10.0.0.1":                "10.0.0.1",
		"::ffff:10.0.0.1":         "10.0.0.1",
		"::ffff:a00:1":            "10.0.0.1",
		"[2001:DB8:0:0::1]":       "2001:db8::1",
		"2001:db8::1":             "2001:db8::1",
		"fe80::1%eth0":            "fe80::1%eth0",
		"FE80:0::1%":              "fe80::1",
		"":                        "",
		"\u212Aafka.example":      "\u212Aafka.example", // the Kelvin sign is not a k
		"\xff.example":            "\xff.example",       // nor is invalid UTF-8 changed
		"host.example\x00.evil":   "host.example\x00.evil",
		"straße.example":          "straße.example",
		"xn--strae-oqa.EXAMPLE..": "xn--strae-oqa.example",
	} {
		if got := Canonical(host); got != want {
			t.Errorf("Canonical(%q) = %q, want %q", host, got, want)
		}
	}
}

func TestWhatResolversDisagreeAboutIsNotTheLoopback(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"127.1", "127.0.1", "0x7f000001", "0x7f.0.0.1", "2130706433", "017700000001", "0177.0.0.1",
		"127.0.0.1:6379", "localhost:6379", "localhost%00", "localhost\x00", "localhost@evil", "user@localhost",
		"127.0.0.1%", "127.0.0.1%lo", "[[::1]", "[::1", "::1]", " localhost", "localhost ", "localhost/", "0.0.0.0", "::",
		"lоcalhost", // a Cyrillic o
		"xlocalhost", "localhost.evil", "128.0.0.1", "::2", "::ffff:128.0.0.1",
	} {
		if got := Canonical(host); got == "localhost" {
			t.Errorf("Canonical(%q) = localhost", host)
		}
	}
}

func TestCanonicalOfACanonicalHostChangesNothing(t *testing.T) {
	t.Parallel()
	piece := rapid.SampledFrom([]string{"[", "]", ".", "%", ":", "::1", "127.0.0.1", "localhost", "::ffff:", "A", "é", "\xff", "0"})
	rapid.Check(t, func(t *rapid.T) {
		var host string
		for _, p := range rapid.SliceOfN(piece, 0, 6).Draw(t, "pieces") {
			host += p
		}
		once := Canonical(host)
		if twice := Canonical(once); twice != once {
			t.Fatalf("Canonical(%q) = %q, of which Canonical is %q", host, once, twice)
		}
	})
}

func TestAliasesAreTheStoredSpellingsOfAHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string][]string{
		"localhost":   {"localhost", "127.0.0.1", "::1"},
		"127.0.0.1":   {"localhost", "127.0.0.1", "::1"},
		"[::1]":       {"localhost", "127.0.0.1", "::1"},
		"db.example":  {"db.example"},
		"DB.example.": {"db.example"},
		"2001:db8::1": {"2001:db8::1"},
	} {
		if got := Aliases(host); !slices.Equal(got, want) {
			t.Errorf("Aliases(%q) = %q, want %q", host, got, want)
		}
		for _, alias := range Aliases(host) {
			if Canonical(alias) != want[0] {
				t.Errorf("the alias %q of %q is another host", alias, host)
			}
		}
	}
}

func TestInstanceIsWrittenAsAnAddress(t *testing.T) {
	t.Parallel()
	for want, i := range map[string]Instance{
		"localhost:6379":      {"localhost", 6379},
		"10.0.0.1:1":          {"10.0.0.1", 1},
		"[2001:db8::1]:65535": {"2001:db8::1", 65535},
	} {
		if got := i.String(); got != want {
			t.Errorf("%#v is written %q, want %q", i, got, want)
		}
	}
}
