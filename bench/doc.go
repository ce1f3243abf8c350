// Command bench measures the running service under load. Every number stands
// beside one taken in the same run, on the same machine, with the same load: a
// bare Echo handler that answers the same bytes, which is the most that the
// HTTP stack could do. Machines differ and are shared; the ratios hold.
//
// It starts all it needs by itself, on loopback: an instance to log in to, the
// program (bin/falkorpat, as `make build` makes it) with its private store, and
// the bare handler, each in a process of its own.
//
// The second table is about size: stores of a thousand, a hundred thousand and a
// million tokens side by side, asked the same by turns. What an operation costs
// must be the same on all of them.
package main
