// Package authn turns a request into a Principal: who is asking, what they may
// do now, and what they showed for it, a bearer token (RFC 6750) or a session
// cookie. A request that carries an Authorization header is judged by it alone.
package authn
