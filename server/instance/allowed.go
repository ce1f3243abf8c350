package instance

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// defaultPort is the port of an allowed entry that names none.
const defaultPort = 6379

// Allowed is one instance that the operator allows. It is made by ParseAllowed
// only, so that what it holds has been checked; New refuses the zero value.
type Allowed struct {
	instance Instance
	host     string
}

// Instance returns the canonical instance, as callers are compared with it.
func (a Allowed) Instance() Instance { return a.instance }

// Address returns host:port in the operator's own spelling, which is what is
// dialled. A TLS certificate must be valid for the same host.
func (a Allowed) Address() string {
	return net.JoinHostPort(a.host, strconv.Itoa(a.instance.Port))
}

// ParseAllowed reads the operator's allow-list: entries separated by commas,
// each host, host:port, [IPv6] or [IPv6]:port, the port 6379 where none is
// given. Spaces around entries are ignored. All faults are reported in one
// error, each naming its entry: an empty list or entry, a host that is neither
// a name (RFC 1123) nor an IP address, an unspecified address, a port outside
// 1 to 65535, and entries that are the same instance after Canonical.
func ParseAllowed(list string) ([]Allowed, error) {
	var (
		allowed []Allowed
		faults  []error
		first   = map[Instance]string{}
	)
	for i, text := range strings.Split(list, ",") {
		text = strings.TrimSpace(text)
		entry, err := parseEntry(text)
		if err != nil {
			faults = append(faults, fmt.Errorf("instance %d (%q): %w", i+1, text, err))
			continue
		}
		if earlier, ok := first[entry.instance]; ok {
			faults = append(faults, fmt.Errorf("instance %d (%q): the same instance as %q", i+1, text, earlier))
			continue
		}
		first[entry.instance] = text
		allowed = append(allowed, entry)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return allowed, nil
}

// parseEntry reads one entry.
func parseEntry(text string) (Allowed, error) {
	host, portText, err := splitEntry(text)
	if err != nil {
		return Allowed{}, err
	}
	port, err := parsePort(portText)
	if err != nil {
		return Allowed{}, err
	}
	if err := checkHost(host); err != nil {
		return Allowed{}, err
	}
	return Allowed{instance: Instance{Host: Canonical(host), Port: port}, host: host}, nil
}

// splitEntry takes an entry apart; port is empty where none is given. IPv6
// needs its brackets even without a port: in fe80::1:6379 nobody can tell.
func splitEntry(text string) (host, port string, err error) {
	if inner, ok := strings.CutPrefix(text, "["); ok {
		host, rest, closed := strings.Cut(inner, "]")
		port, hasPort := strings.CutPrefix(rest, ":")
		addr, parseErr := netip.ParseAddr(host)
		if !closed || parseErr != nil || !addr.Is6() || hasPort == (port == "") {
			return "", "", errors.New("want [IPv6 address] or [IPv6 address]:port")
		}
		return host, port, nil
	}
	host, port, hasPort := strings.Cut(text, ":")
	switch {
	case text == "":
		return "", "", errors.New("is empty")
	case strings.Contains(port, ":"):
		return "", "", errors.New("an IPv6 address needs brackets")
	case hasPort && port == "":
		return "", "", errors.New("no port after the colon")
	}
	return host, port, nil
}

// parsePort reads a decimal port, the default for none.
func parsePort(text string) (int, error) {
	if text == "" {
		return defaultPort, nil
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return 0, errors.New("the port is not a number from 1 to 65535")
	}
	return int(port), nil
}

// checkHost accepts what resolvers agree about. A name that ends in a number
// is refused: some resolvers read 127.1 or 0x7f000001 as an address and others
// as a name, so the same entry would mean different machines.
func checkHost(host string) error {
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.Unmap().WithZone("").IsUnspecified() {
			return errors.New("an unspecified address is no destination")
		}
		return nil
	}
	name := strings.TrimSuffix(host, ".")
	labels := strings.Split(name, ".")
	if len(name) > 253 {
		return errors.New("the host name is longer than 253 characters")
	}
	for _, label := range labels {
		if !isLabel(label) {
			return errors.New("the host is neither a name nor an IP address")
		}
	}
	if isNumber(labels[len(labels)-1]) {
		return errors.New("the host ends in a number: write an IP address in full")
	}
	return nil
}

// isLabel reports whether s can stand between the dots of a host name (RFC
// 1123, 2.1), or holds underscores, which container networks give names with.
func isLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// isNumber reports whether a resolver could take a name's last label for a
// part of an IPv4 address: decimal, octal or hexadecimal.
func isNumber(label string) bool {
	digits := "0123456789"
	if hex, ok := strings.CutPrefix(strings.ToLower(label), "0x"); ok {
		label, digits = hex, digits+"abcdefABCDEF"
	}
	return strings.Trim(label, digits) == ""
}
