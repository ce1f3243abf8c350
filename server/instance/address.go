package instance

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// loopback is the one name that every spelling of this machine's loopback
// address has.
const loopback = "localhost"

// Instance names one FalkorDB server. Values that this package hands out are
// canonical (see Canonical), so two of them are the same instance exactly when
// they are equal.
type Instance struct {
	// Host is a lower-case name or an IP address without brackets.
	Host string
	// Port is the TCP port, 1 to 65535.
	Port int
}

// String returns host:port, with an IPv6 address in brackets.
func (i Instance) String() string {
	return net.JoinHostPort(i.Host, strconv.Itoa(i.Port))
}

// Canonical returns the one spelling under which a host is compared and kept:
// lower case, without brackets and trailing dot, an IP address in its shortest
// form (RFC 5952) with IPv4-mapped IPv6 (RFC 4291, 2.5.5.2) as IPv4. Every
// spelling of the loopback interface (localhost, 127.0.0.0/8, ::1, also mapped
// or with a zone) becomes "localhost".
//
// It never fails: a host that is neither name nor address comes back as it is,
// in lower case, and matches nothing. It resolves no names, and it reads no
// abbreviated or numeric IPv4 forms such as 127.1 or 2130706433, which
// resolvers disagree about.
func Canonical(host string) string {
	host = bare(lowerASCII(host))
	text := host
	if v6, ok := strings.CutSuffix(host, "%"); ok && strings.Contains(v6, ":") {
		text = v6 // An empty zone is no zone; netip refuses to read it.
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return host
	}
	addr = addr.Unmap()
	if addr.WithZone("").IsLoopback() {
		return loopback
	}
	return addr.String()
}

// Aliases returns the spellings under which rows of a host may be stored that
// were not written in canonical form. The canonical one comes first.
func Aliases(host string) []string {
	host = Canonical(host)
	if host == loopback {
		return []string{loopback, "127.0.0.1", "::1"}
	}
	return []string{host}
}

// bare takes brackets and trailing dots off until none are left, so that
// Canonical of a canonical host changes nothing.
func bare(host string) string {
	for {
		inner := strings.TrimRight(host, ".")
		if strings.HasPrefix(inner, "[") && strings.HasSuffix(inner, "]") {
			inner = inner[1 : len(inner)-1]
		}
		if inner == host {
			return host
		}
		host = inner
	}
}

// lowerASCII lowers the letters A to Z only. Unicode case folding would make
// other names equal to a plain one: the Kelvin sign folds to k.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
