// Package resp reads and writes RESP2, the protocol that FalkorDB speaks, frame
// by frame, so that a reply of any size can be passed on while it arrives.
//
// The peer is not trusted: memory grows only with bytes that have come, never
// with a length that was announced. RESP3 types are refused, since nobody asks
// for RESP3.
package resp
