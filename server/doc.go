// Package server is falkorpat's HTTP side: it mounts the operations of
// openapi.yaml, and takes each request through the same stations.
//
//	metrics -> request ID -> client address -> access log -> recover -> security headers -> local host -> same origin ->
//	authentication -> body limit and validation against the document -> handler -> conversion -> answer
//
// The limit on failed logins stands where a login happens (package credentials).
//
// Handlers are thin: they read the principal, ask policy.go, call one method of
// a service and convert what it returns. All that goes wrong ends in errors.go,
// the one table from errors to what the outside is told.
package server
