package access

import (
	"fmt"
	"slices"
	"strings"
)

// Permission is one thing that a principal may do. Its text is what the API
// calls it.
type Permission string

// The permissions, in the order in which they are told.
const (
	// GraphRead is for reading queries, GraphWrite for writing ones, GraphAdmin
	// for a graph's existence and settings.
	GraphRead  Permission = "graph:read"
	GraphWrite Permission = "graph:write"
	GraphAdmin Permission = "graph:admin"
	// TokensRead shows one's own tokens, TokensWrite creates, rotates and revokes
	// them, TokensAdmin shows and revokes those of every user of the instance.
	TokensRead  Permission = "tokens:read"
	TokensWrite Permission = "tokens:write"
	TokensAdmin Permission = "tokens:admin"
	// TokensRotate lets a token rotate itself.
	TokensRotate Permission = "tokens:rotate"
)

var all = [...]Permission{GraphRead, GraphWrite, GraphAdmin, TokensRead, TokensWrite, TokensAdmin, TokensRotate}

// Permissions is a set of permissions; the zero value is the empty one.
type Permissions uint16

func of(permissions ...Permission) Permissions {
	var set Permissions
	for _, p := range permissions {
		set |= 1 << slices.Index(all[:], p)
	}
	return set
}

func parse(name string) (Permission, bool) {
	p := Permission(name)
	return p, slices.Contains(all[:], p)
}

// Has tells whether a permission is in the set.
func (s Permissions) Has(p Permission) bool { return s&of(p) != 0 }

// Require returns a *MissingError unless the permission is in the set.
func (s Permissions) Require(p Permission) error {
	if s.Has(p) {
		return nil
	}
	return &MissingError{p}
}

// Grant checks a list of permissions that is asked for against the set of
// those that may be given. It returns the list in its usual order, a
// *MissingError for the first one that may not be given, and a *ListError for
// a list that makes no sense.
func (s Permissions) Grant(names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, &ListError{-1, "must hold at least one permission; leave it out for all that the role allows"}
	}
	var asked Permissions
	for i, name := range names {
		p, ok := parse(name)
		switch {
		case !ok:
			return nil, &ListError{i, "must be one of " + strings.Join(of(all[:]...).Names(), " ")}
		case asked.Has(p):
			return nil, &ListError{i, "is given twice"}
		}
		asked |= of(p)
	}
	for _, p := range all {
		if asked.Has(p) && !s.Has(p) {
			return nil, &MissingError{p}
		}
	}
	return asked.Names(), nil
}

// Names are the permissions in the set, in their usual order.
func (s Permissions) Names() []string {
	names := make([]string, 0, len(all))
	for _, p := range all {
		if s.Has(p) {
			names = append(names, string(p))
		}
	}
	return names
}

// MissingError says which permission somebody does not have.
type MissingError struct{ Permission Permission }

func (e *MissingError) Error() string { return fmt.Sprintf("permission %s is missing", e.Permission) }

// ListError is a fault of a list that a client sent.
type ListError struct {
	// Index is the item's place in the list, -1 for the list as a whole.
	Index int
	// Message says what would be accepted, as a phrase.
	Message string
}

func (e *ListError) Error() string { return e.Message }
