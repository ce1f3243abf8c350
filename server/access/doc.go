// Package access holds the rules of who may do what: what a role allows, and
// what a token limits itself to. All of it is pure: nothing here reads a clock,
// a store or a network.
package access
