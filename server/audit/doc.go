// Package audit keeps the history of what was done: every change to a token and
// every attempt that was refused is an event that says who, from where, when,
// to which token and with what outcome.
//
// An event that tells of a change is written by the query that makes the
// change (store.Event), so that neither is there without the other. This
// package makes those events: who asks and from where is on the request's
// context, where authn puts it. What accompanies no change waits in a bounded
// queue, sampled, and is written within a second (Note).
//
// The events of an instance form a chain, in which each holds the hash of the
// one before it (Hash). Verify checks an export of it without any connection.
package audit
