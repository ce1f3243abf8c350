// Package tokens is the token service: it issues personal access tokens, tells
// whether one is to be accepted, lists and revokes them, notes when and from
// where they are used, and cleans up after those that have expired.
//
// A token is accepted when its signature is ours, the store knows its hash and
// calls it active, and the credentials behind it still log its owner in. What
// the owner may do now, not what they could do at creation, is its role.
//
// The package knows nothing of HTTP and holds no access rules: who may see or
// revoke what is decided in the server's policy.go before a method is called.
package tokens
