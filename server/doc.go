// Package server is falkorpat's HTTP side: it mounts the operations of
// openapi.yaml, and takes each request through the same stations.
//
//	request ID -> recover -> access log -> security headers -> client address -> same origin ->
//	authentication -> validation against the document -> handler -> conversion -> answer
//
// Handlers are thin: they read the principal, ask policy.go, call one method of
// a service and convert what it returns. All that goes wrong ends in errors.go,
// the one table from errors to what the outside is told.
package server
