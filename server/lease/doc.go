// Package lease makes it safe for a replica to remember what the store has told
// it of a token: when Changed has returned, no replica uses what it learnt of
// that token before the change.
//
// # The protocol
//
// All goes through the store, one server that executes commands one after the
// other. There it keeps a number, the count of changes, and a table of holders:
// the replicas that may hold a lease, each with the stamp of its last renewal.
// Neither expires, so the store's clock plays no part.
//
// A replica listens on the store's channels, by one connection, which gives it
// what was published in the order in which it was executed. A third of a
// lease's length apart it renews: one script writes a fresh stamp into the
// table and publishes, to that replica alone, a grant with the stamp and the
// count of changes. The lease lasts its length from when the renewal was sent,
// by the replica's own clock. A grant whose count is not that of the changes
// heard means that some were missed: everything remembered is dropped before
// the lease begins.
//
// Whoever has changed a token, so that the store has committed it, drops what
// it remembers of the token itself. Then one script adds one to the count,
// publishes the change to all, and returns the table. Each replica that hears it
// drops what it remembers of the token, then says so. Changed returns once each
// other holder has said so, or once its lease must be over: its length and a
// margin after its stamp was first seen, by the changer's clock.
//
// Before a replica asks the store about a token, it takes a Mark: the number of
// drops so far of the token's stripe (tokens share 65,536 of them). What it
// learns is Trusted while a lease is held, the number is the same, and MaxAge has
// not passed since.
//
// # Why it holds
//
// Let Changed return at A, and a request that comes after A find something
// Trusted. So its lease L is not over, and was granted by a renewal R. Let P be
// the changer's script.
//
//   - P before R. The replica has heard P before R's grant, which comes behind it
//     on the same connection; or it has missed P, the count told it, and all was
//     dropped. In both cases the stripe's number changed before L began.
//   - R before P. The replica was in the table that P returned, with R's stamp or
//     a later one. If it said that it heard P, it had dropped by then, before A.
//     If not, the changer waited for a length and a margin after a renewal that
//     is R or later was sent, so L was over before A.
//
// So the Mark is from after the drop, which is after the commit: the question
// was sent after the change, and the answer holds it.
//
// # Every race
//
//   - A look-up under way while its token is dropped: its Mark is older than the
//     drop, so nothing that it brings is ever trusted. Nor may a request wait for
//     another's look-up, except under an equal Mark that is trusted.
//   - A replica that joins while a change is under way: its first renewal is
//     executed before P or after it; see above.
//   - A renewal that is late, or whose answer is: the lease counts from before it
//     was sent, so it is shorter, or over.
//   - A replica that is frozen and thawed: its clock went on, its lease is over.
//     The wall clock is watched too, which goes on while a machine sleeps.
//   - Messages lost with a connection, or dropped by the store because nobody
//     fetched them: the count tells, at the next message or grant. The replica
//     then confirms all changes up to the count, to everybody.
//   - A replica that dies: it stays in the table until its lease must be over; then
//     any other takes it out, if its stamp is still the one seen. A stamp that
//     is another means that it was renewed, and it stays.
//   - A changer that dies between its commit and P: nobody was answered, and what
//     others remember ends with MaxAge. Whoever tries again must call Changed
//     again, even when the store has nothing left to change.
//   - A store that cannot be reached for P: it is tried until MaxAge and a margin
//     have passed since Changed was called, and so is all that anybody remembers.
//   - A store that starts anew, or another one that takes over and lacks the last
//     entries of the table: every script returns the server's run ID and
//     replication ID. A replica that hears another server drops everything and
//     its lease. A changer waits until a server has been known for a length and a
//     margin, for holders that its table may have lost. Whoever has watched it
//     for that time writes so beside the table, for those who come later; a
//     store that has no such note yet never had a holder.
//   - Clocks that run at different rates: the margin is a tenth.
//
// Out of reach of all this: two servers that both believe to be the primary.
// A replica on the wrong side of such a split reads old tokens there with or
// without a memory; min-replicas-to-write on the store is the remedy.
//
// The protocol's decisions are in view.go and census.go, free of I/O and clocks.
// model_test.go explores every order of events of a small world that is made
// of this very code, and shows that each rule, once broken, is missed.
//
// The package speaks to the store with go-redis through the client that it is
// given, as server/ratelimit does.
package lease
