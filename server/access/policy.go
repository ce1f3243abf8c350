package access

import "github.com/falkorpat/falkorpat/store"

// rolePermissions is what each role allows. A role that is not here allows
// nothing.
var rolePermissions = map[store.Role]Permissions{
	store.RoleAdmin:     of(GraphRead, GraphWrite, GraphAdmin, TokensRead, TokensWrite, TokensAdmin, TokensRotate),
	store.RoleReadWrite: of(GraphRead, GraphWrite, TokensRead, TokensWrite, TokensRotate),
	store.RoleReadOnly:  of(GraphRead, TokensRead, TokensWrite, TokensRotate),
}

// OfRole is everything that a role allows.
func OfRole(role store.Role) Permissions { return rolePermissions[role] }

// OfToken is what a token may do while its user has a role: what both allow. A
// token without a list of its own may do everything that the role allows. A
// name in the list that this program does not know allows nothing.
func OfToken(role store.Role, names []string) Permissions {
	if names == nil {
		return OfRole(role)
	}
	var listed Permissions
	for _, name := range names {
		if p, ok := parse(name); ok {
			listed |= of(p)
		}
	}
	return OfRole(role) & listed
}
