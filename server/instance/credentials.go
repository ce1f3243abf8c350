package instance

import (
	"fmt"
	"log/slog"

	"github.com/falkorpat/falkorpat/store"
)

// Credentials are what somebody offers to log in with. Every byte that a
// string can hold may occur in Username and Password; they reach the instance
// as they are. Printed or logged, Credentials show nothing of themselves.
type Credentials struct {
	// Username is the ACL user. There is no default here: an empty name is
	// sent, and refused by the instance.
	Username string
	// Password may be empty, which a user flagged nopass is let in with.
	Password string
	// Host is compared with the allow-list in its canonical form. It is never
	// dialled.
	Host string
	// Port is compared likewise; there is no default here.
	Port int
	// TLS asks for a connection over TLS, 1.2 or newer.
	TLS bool
	// CA is what ValidateCA accepts: the only roots that the instance's
	// certificate may lead to; empty for the system's. It has no effect
	// without TLS.
	CA string
}

// Format implements fmt.Formatter, so that no verb prints a password.
func (c Credentials) Format(w fmt.State, _ rune) {
	_, _ = fmt.Fprint(w, "credentials (not shown)")
}

// LogValue implements slog.LogValuer for the same reason.
func (c Credentials) LogValue() slog.Value {
	return slog.StringValue(fmt.Sprint(c))
}

// Identity is who a successful login was.
type Identity struct {
	// Instance is where, in canonical form.
	Instance Instance
	// Username is the ACL user of that instance.
	Username string
	// Role is what the user may do there now.
	Role store.Role
}

// User is the user that the login has shown to be there.
func (i Identity) User() store.User {
	return store.User{
		ID:       store.UserID(i.Username, i.Instance.Host, i.Instance.Port),
		Username: i.Username, Host: i.Instance.Host, Port: i.Instance.Port,
	}
}
