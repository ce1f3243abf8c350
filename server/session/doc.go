// Package session signs people in and out. A session is a row in the store and
// a cookie that leads to it: an encrypted JSON Web Token (JWE) in the form of
// an Auth.js session cookie, so that one sign-in serves programs that share the
// secret and the store. The cookie alone proves nothing: signing out deletes
// the row, and every use looks it up.
package session
