//go:build unix

package instance

import (
	"errors"
	"syscall"
)

// stands tells whether the peer has left an idle connection open, and has said
// nothing on it: what it says unasked is a farewell.
func (c *Conn) stands() bool {
	socket, ok := c.raw.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	err = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, err := syscall.Read(int(fd), one[:])
		quiet = errors.Is(err, syscall.EAGAIN)
		return true
	})
	return err == nil && quiet
}
