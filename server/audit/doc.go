// Package audit keeps the history of what was done: every change to a token and
// every attempt that was refused is an event that says who, from where, when,
// to which token and with what outcome.
//
// An event that tells of a change is written by the query that makes the
// change (store.Event), so that neither is there without the other. This
// package makes those events: who asks and from where is on the request's
// context, where authn puts it.
package audit
