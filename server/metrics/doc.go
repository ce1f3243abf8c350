// Package metrics counts and times what the service does, for Prometheus, and
// serves that and Go's profiles on the operator's own port.
//
// It keeps a registry of its own, so that two services in one process share
// nothing. Labels have values from small fixed sets only (operations of
// openapi.yaml, statuses, codes of errors, commands, configured instances):
// what users choose (names, tokens, graphs, addresses) is never one, because
// whoever reads metrics is to learn nothing of users, and because every value
// costs memory for as long as the process lives.
//
// Packages that have something to tell take plain functions (see tokens.Metrics)
// and know nothing of Prometheus; the program makes those with Counter, Timer,
// Flag, Watch and WatchTotal.
package metrics
