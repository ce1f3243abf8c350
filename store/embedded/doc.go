// Package embedded finds, starts and stops a private FalkorDB.
//
// It lets falkorpat run as one program when the operator names no store: a
// Redis-compatible server with the FalkorDB module runs as a child process,
// listening on a Unix socket inside the data directory, and every write is on
// disk before it is answered. The same package starts the throw-away FalkorDB
// of development mode and those that tests run against.
//
// What it guarantees:
//
//   - One directory, one owner: a second [Server] on the same directory gets
//     [ErrDirInUse]. The lock is the operating system's (flock), so nothing
//     stale can be left behind.
//   - One directory, one engine: the engine process itself holds a second
//     lock for as long as it or any child of it lives. An engine that outlived
//     a killed owner is stopped before another one starts; two engines never
//     append to one file.
//   - Nothing is reachable from other machines: the socket lies in a directory
//     of mode 0700, TCP listeners are confined to loopback.
//   - Nothing that is stored reaches the engine's log, and no secret of the
//     service's environment reaches the engine.
//
// Use it in three steps: find an [Engine], set the fields of a [Server], then
// call Start and, in the end, Close.
package embedded
