// Package cypher writes values as Cypher literals. A literal must come back
// from FalkorDB exactly as the value went in, and nothing in a value may become
// part of the query; so everything that a query is told goes through here.
//
// It does no I/O.
package cypher
