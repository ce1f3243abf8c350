package server

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"github.com/labstack/echo/v4"

	"github.com/falkorpat/falkorpat/server/authn"
	"github.com/falkorpat/falkorpat/server/session"
	"github.com/falkorpat/falkorpat/server/tokens"
)

// maxAgentBytes bounds what is kept of a User-Agent.
const maxAgentBytes = 256

// clients tells where requests come from.
type clients struct {
	trusted []netip.Prefix
	// extract is nil where no proxy is trusted, and the peer is the client.
	extract echo.IPExtractor
}

// newClients believes the forwarding headers of the given proxies, and nobody
// else's: whoever can choose their own address escapes every limit on it.
func newClients(trusted []netip.Prefix) (*clients, error) {
	if len(trusted) == 0 {
		return &clients{}, nil
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, prefix := range trusted {
		_, network, err := net.ParseCIDR(prefix.String())
		if err != nil {
			return nil, fmt.Errorf("trusted proxy %s: %w", prefix, err)
		}
		options = append(options, echo.TrustIPRange(network))
	}
	return &clients{trusted: trusted, extract: echo.ExtractIPFromXFFHeader(options...)}, nil
}

// of tells where a request comes from.
func (c *clients) of(r *http.Request) authn.Client {
	peer, _ := netip.ParseAddrPort(r.RemoteAddr) // the zero address where even the peer has none, as in no real connection
	ip := peer.Addr()
	if c.extract != nil {
		ip, _ = netip.ParseAddr(c.extract(r))
	}
	secure := c.secure(r, peer.Addr())
	return authn.Client{
		Client: tokens.Client{IP: ip.Unmap().WithZone(""), Agent: cleanAgent(r.UserAgent())},
		Secure: secure,
		Cookie: session.FindCookie(r, secure),
	}
}

// secure tells whether the client speaks HTTPS, to us or to a trusted proxy.
func (c *clients) secure(r *http.Request, peer netip.Addr) bool {
	if r.TLS != nil {
		return true
	}
	address := peer.Unmap()
	trusted := slices.ContainsFunc(c.trusted, func(p netip.Prefix) bool { return p.Contains(address) })
	return trusted && strings.EqualFold(r.Header.Get(echo.HeaderXForwardedProto), "https")
}

// cleanAgent makes a header that anybody can fill with anything fit to be kept
// and shown.
func cleanAgent(agent string) string {
	if isPlain(agent) && len(agent) <= maxAgentBytes {
		return agent
	}
	agent = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(agent, ""))
	if len(agent) > maxAgentBytes {
		agent = strings.ToValidUTF8(agent[:maxAgentBytes], "")
	}
	return agent
}

// isPlain tells whether a text is printable ASCII.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
