// Package store keeps what falkorpat must remember: tokens, sessions and the
// users they belong to, as nodes of one graph in a FalkorDB.
//
// The graph is
//
//	(:Token {token_id, token_hash, …})-[:BELONGS_TO]->(:User {user_id, username, host, port})
//	(:Token)-[:REVOKED_BY {at, ip}]->(:User)
//	(:Token)-[:ISSUED_BY]->(:Token)
//	(:Event {event_id, at, action, outcome, …, token_id, owner, username})
//
//	(:Chain {instance, seq, hash, anchor_seq, anchor_hash})
//
// An Event is written by the query that makes the change that it tells of, so
// that neither is there without the other. Behind the answers, events get their
// places in the chain of their instance (chain.go), which has one head and no
// gaps. The chain proves that nothing between two known heads was changed,
// removed or put in. It does not bind whoever can write to the store: they can
// make it anew, and only a head that was noted elsewhere shows it.
//
// Times are Unix seconds, -1 for never. A token is found by its hash or its
// ID, both indexed and unique; a list by its owner and the time of creation,
// from now back only as far as the page reaches. So no operation's cost grows
// with the number of tokens stored except by what it returns. FalkorDB itself
// adds to that where relationships are made: link.go says how much, and what is
// done about it. ISSUED_BY and ROTATED_TO cannot wait, because revocation follows
// them: what is made from a token takes longer the more such tokens there are.
//
// Every change is one query, and a query is atomic in FalkorDB: there are no
// half-written tokens and no lost revocations. Query texts are constants;
// values travel as parameters through the literal writer of cypher.go. A
// method that changes something returns once the change would survive a crash
// of the store (see Store.Durability), unless it says otherwise. Every query
// ends within Options.Timeout, and at once when its context is cancelled.
//
// Nothing here knows a password or a token's text: passwords arrive sealed,
// tokens as their SHA-256.
package store
