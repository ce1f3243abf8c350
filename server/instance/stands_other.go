//go:build !unix

package instance

// stands cannot tell here whether an idle connection is still there: none is
// used again.
func (*Conn) stands() bool { return false }
