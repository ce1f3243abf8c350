package session

import (
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/store"
)

// cookieName is the name of the session cookie. Browsers keep a name that
// begins with __Secure- to HTTPS.
func cookieName(secure bool) string {
	if secure {
		return crypto.SecureSessionCookie
	}
	return crypto.SessionCookie
}

// FindCookie takes the session cookie out of a request; nil when it has none.
func FindCookie(r *http.Request, secure bool) *http.Cookie {
	cookie, err := r.Cookie(cookieName(secure))
	if err != nil {
		return nil
	}
	return cookie
}

// Clearing is the cookie that makes a browser forget the session.
func (s *Service) Clearing(secure bool) *http.Cookie {
	return &http.Cookie{
		Name: cookieName(secure), Path: s.options.CookiePath, MaxAge: -1,
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	}
}

// cookie makes the cookie that leads to a session.
func (s *Service) cookie(row *store.Session, secure bool) (*http.Cookie, error) {
	id, err := uuid.NewRandomFromReader(s.options.Random)
	if err != nil {
		return nil, fmt.Errorf("draw cookie ID: %w", err)
	}
	name := cookieName(secure)
	value, err := s.options.Signing.SealSession(name, crypto.SessionClaims{
		ID: id.String(), Subject: row.User.ID, ConnectionID: row.ID,
		Host: row.User.Host, Port: row.User.Port, Username: row.User.Username, Role: string(row.Role), TLS: row.TLS,
		IssuedAt: row.CreatedAt, ExpiresAt: row.ExpiresAt,
	})
	if err != nil {
		return nil, fmt.Errorf("seal cookie of session %s: %w", row.ID, err)
	}
	return &http.Cookie{
		Name: name, Value: value, Path: s.options.CookiePath, Expires: row.ExpiresAt,
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	}, nil
}

// open gives the ID of the session that a cookie was made for.
func (s *Service) open(cookie *http.Cookie) (string, error) {
	if cookie == nil {
		return "", ErrNoSession
	}
	verified, err := s.options.Signing.OpenSession(cookie.Name, cookie.Value, s.options.Now())
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoSession, err)
	}
	return verified.Claims().ConnectionID, nil
}
