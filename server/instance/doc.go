// Package instance is the only place where a user is logged in to a FalkorDB
// instance.
//
// Its job is to answer one question: do these credentials open that instance
// now, and if so, who is it and what may they do there? Everything that is
// risky about asking it for a stranger is settled here, so that the callers
// need not think of it:
//
//   - Only instances that the operator named are ever dialled. What a caller
//     types is brought into a canonical form and compared; the address that is
//     dialled, and that a certificate must match, is the operator's own
//     spelling.
//   - A user is always logged in with an explicit AUTH that names them, because
//     a client that leaves AUTH out (for instance for an empty password) would
//     silently become the user "default".
//   - The whole login (waiting for a slot, name resolution, dial, TLS, AUTH,
//     role probe) ends at one deadline, whatever the peer does, and the memory
//     that a peer's answer may take is bounded before it is read.
//   - A failure says which of three kinds it is to the program only. To the
//     outside the kinds are one: the same root error, and none comes back
//     faster than a floor.
//   - No error and no log line holds what a caller typed, or what a peer
//     answered once it had seen that: both may contain the password.
//
// The role is found by asking the instance, never by reading names: a user who
// may run ACL GETUSER is an Admin, one whose bare GRAPH.QUERY is refused with
// NOPERM is Read-Only, everyone else is Read-Write.
//
// Start with ParseAllowed and New; then Directory.Login.
package instance
