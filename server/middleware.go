package server

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/falkorpat/falkorpat/server/authn"
)

// requestIDFrom gives the ID of a request, which its answer and all its log
// lines carry.
func requestIDFrom(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }

// withRequestID gives every request an ID: the caller's own when it is a plain
// word, so that a chain of services can share one, else a random one.
func withRequestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(echo.HeaderXRequestID)
		if !isPlainWord(id) {
			var random [16]byte
			_, _ = rand.Read(random[:]) // never fails (crypto/rand)
			id = hex.EncodeToString(random[:])
		}
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		return next(c)
	}
}

func isPlainWord(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// recovered turns a panic into an error like any other; the log has the stack.
func (s *Server) recovered(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler { //nolint:errorlint,err113 // net/http panics with this very value
				panic(cause)
			}
			s.log.ErrorContext(c.Request().Context(), "panic", "request_id", requestIDFrom(c), "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
			err = errPanic
		}()
		return next(c)
	}
}

// logged writes one line for each request, once its answer is known. The path
// is the route's, so that IDs and whatever else clients put there stay out.
func (s *Server) logged(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := s.now()
		if err := next(c); err != nil {
			c.Error(err)
		}
		ctx := c.Request().Context()
		if !s.requests.Enabled(ctx, slog.LevelInfo) {
			return nil
		}
		end := s.now()
		line := slog.NewRecord(end, slog.LevelInfo, "request", 0)
		line.AddAttrs(
			slog.String("request_id", requestIDFrom(c)),
			slog.String("method", c.Request().Method),
			slog.String("route", c.Path()),
			slog.Int("status", c.Response().Status),
			slog.Duration("duration", end.Sub(start)),
			slog.String("client_ip", authn.ClientFrom(ctx).IP.String()),
		)
		if p := authn.PrincipalFrom(ctx); p != nil {
			line.AddAttrs(slog.String("user_id", p.User.ID))
			if p.Token != nil {
				line.AddAttrs(slog.String("token_id", p.Token.ID))
			}
		}
		_ = s.requests.Handler().Handle(ctx, line) // a log that can't be written has nowhere to say so
		return nil
	}
}

// securityHeaders keep browsers from doing more with an answer than it is for.
// All answers share the lists of values: whoever wants another one for an answer
// sets another list.
var securityHeaders = [...]struct {
	name   string
	values []string
}{
	{echo.HeaderXContentTypeOptions, []string{"nosniff"}},
	{echo.HeaderXFrameOptions, []string{"DENY"}},
	{echo.HeaderReferrerPolicy, []string{"no-referrer"}},
	{echo.HeaderContentSecurityPolicy, []string{"default-src 'none'; frame-ancestors 'none'"}},
	{echo.HeaderCacheControl, []string{"no-store"}},
}

// secured sets the security headers. Pages replace the Content-Security-Policy
// by their own.
func secured(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		for i := range securityHeaders {
			h[securityHeaders[i].name] = securityHeaders[i].values
		}
		return next(c)
	}
}

// located puts the client on the request's context.
func (s *Server) located(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		c.SetRequest(r.WithContext(authn.WithClient(r.Context(), s.clients.of(r))))
		return next(c)
	}
}

// localHost refuses, on a server for this machine alone, requests for any name
// that is not this machine's: a page whose own name has been pointed at
// 127.0.0.1 (DNS rebinding) is of the same origin to its browser.
func (s *Server) localHost(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.localOnly && !IsLocalName(c.Request().Host) {
			return errMisdirected
		}
		return next(c)
	}
}

// IsLocalName tells whether a Host header names this machine. An address is as
// good as a name here: nobody can point an address somewhere else.
func IsLocalName(hostport string) bool {
	host := hostport
	if strings.Contains(hostport, ":") {
		if name, _, err := net.SplitHostPort(hostport); err == nil {
			host = name
		}
	}
	if host == "localhost" {
		return true
	}
	host = strings.ToLower(host)
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// headAsGet answers HEAD as GET, less the body, which net/http leaves out
// (RFC 9110 section 9.3.2).
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			get := *r // net/http still has to see HEAD in its own
			get.Method = http.MethodGet
			r = &get
		}
		next.ServeHTTP(w, r)
	})
}

// warnWithin is how long before its end the users of a token are warned.
const warnWithin = 7 * 24 * time.Hour

// warnOfEnd tells those who use a token when it ends, where that is soon. Set as
// soon as they are known, it is on their errors too. Sessions end within a day,
// and whoever is signed in knows it.
func warnOfEnd(h http.Header, p *authn.Principal, now time.Time) {
	if p.Token != nil && !p.ExpiresAt.IsZero() && p.ExpiresAt.Sub(now) <= warnWithin {
		h.Set("Token-Expires-At", p.ExpiresAt.UTC().Format(time.RFC3339))
	}
}

// sameOrigin refuses requests that change something when a page of another
// origin made the browser send them. A request with a token in its header was
// made by a program that has the token, so it passes.
func (s *Server) sameOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.Header.Get(echo.HeaderAuthorization) != "" {
			return next(c)
		}
		if err := s.origins.Check(r); err != nil {
			return fmt.Errorf("%w: %w", errCrossOrigin, err)
		}
		return next(c)
	}
}

// These bound what a slow or silent client can hold.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 256 << 10
)
