// Package graph works on the graphs of an instance for somebody who has shown a
// token or a session: queries, and all else that FalkorDB's graph commands do.
//
// A query's reply is decoded while it arrives, from FalkorDB's compact form
// into JSON, row by row: a result of any size takes the memory of its largest
// row. That form holds numbers in the place of labels, relationship types and
// property names. What they stand for is remembered per graph, together with
// the version that FalkorDB gives to that knowledge, and every query names the
// version: FalkorDB refuses, before it does anything, a query whose sender
// knows another one. So a graph that was deleted and made anew, with other
// names under the same numbers, is never told by the old names.
//
// FalkorDB's ACL has the last word: every connection is logged in as the user
// whom the token stands for.
package graph
