package server

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestForwardingHeadersAreBelievedFromTrustedProxiesOnly(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, test := range []struct {
		name      string
		trusted   []netip.Prefix
		peer      string
		forwarded []string
		want      string
	}{
		{"direct", nil, "192.0.2.1:1", nil, "192.0.2.1"},
		{"claimed without proxies", nil, "192.0.2.1:1", []string{"198.51.100.9"}, "192.0.2.1"},
		{"claimed by loopback", nil, "127.0.0.1:1", []string{"198.51.100.9"}, "127.0.0.1"},
		{"claimed by a stranger", proxies, "192.0.2.1:1", []string{"198.51.100.9"}, "192.0.2.1"},
		{"claimed by loopback, not trusted", proxies, "127.0.0.1:1", []string{"198.51.100.9"}, "127.0.0.1"},
		{"from a proxy", proxies, "10.0.0.1:1", []string{"198.51.100.9"}, "198.51.100.9"},
		{"from a v6 proxy", proxies, "[fd00::1]:1", []string{"2001:db8::9"}, "2001:db8::9"},
		{"through two proxies", proxies, "10.0.0.1:1", []string{"198.51.100.9, 10.0.0.2"}, "198.51.100.9"},
		{"forged in front", proxies, "10.0.0.1:1", []string{"203.0.113.7, 198.51.100.9"}, "198.51.100.9"},
		{"forged as a line of its own", proxies, "10.0.0.1:1", []string{"203.0.113.7", "198.51.100.9"}, "198.51.100.9"},
		{"garbage", proxies, "10.0.0.1:1", []string{"nonsense"}, "10.0.0.1"},
		{"v4 in v6", nil, "[::ffff:192.0.2.1]:1", nil, "192.0.2.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := newClients(test.trusted)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
			r.RemoteAddr = test.peer
			for _, line := range test.forwarded {
				r.Header.Add("X-Forwarded-For", line)
			}
			r.Header.Set("X-Real-Ip", "203.0.113.200")
			if got := c.of(r).IP.String(); got != test.want {
				t.Errorf("client is %s, want %s", got, test.want)
			}
		})
	}
}

func TestSecureIsWhatTheClientSpeaks(t *testing.T) {
	t.Parallel()
	c, err := newClients([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, peer, proto string
		tls, want         bool
	}{
		{"plain", "192.0.2.1:1", "", false, false},
		{"TLS", "192.0.2.1:1", "", true, true},
		{"claimed", "192.0.2.1:1", "https", false, false},
		{"from a proxy", "10.0.0.1:1", "https", false, true},
		{"plain to the proxy", "10.0.0.1:1", "http", false, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.RemoteAddr = test.peer
		r.Header.Set("X-Forwarded-Proto", test.proto)
		if test.tls {
			r.TLS = &tls.ConnectionState{}
		}
		if got := c.of(r).Secure; got != test.want {
			t.Errorf("%s: secure is %v", test.name, got)
		}
	}
}

func TestAgentIsFitToBeKept(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"curl/8.5.0":              "curl/8.5.0",
		"a\x00b\tc\x7f":           "abc",
		"\xff\xfeok":              "ok",
		strings.Repeat("x", 1000): strings.Repeat("x", maxAgentBytes),
		strings.Repeat("é", 1000): strings.Repeat("é", maxAgentBytes/2),
		strings.Repeat("あ", 1000): strings.Repeat("あ", maxAgentBytes/3),
	} {
		got := cleanAgent(in)
		if got != want || !utf8.ValidString(got) {
			t.Errorf("cleanAgent(%.20q) = %.20q (%d bytes), want %.20q", in, got, len(got), want)
		}
	}
}
