package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
)

// maxSocketPath is the longest path, in bytes, that we give a Unix socket.
// Systems end it at 104 or 108 bytes, some with the closing zero.
const maxSocketPath = 100

// endpoint is where an engine listens for TCP connections. The zero value
// means nowhere: the Unix socket is the address then.
type endpoint struct {
	host   string   // as the caller named it
	port   int      // 0 until one is picked
	picked bool     // the port is ours to choose
	binds  []string // addresses in the engine's notation: "-" in front of one that the machine may lack
}

// parseListen reads Server.Listen. Only loopback is allowed: the engine has no
// password, and the service is the one that may face a network.
func parseListen(listen string) (endpoint, error) {
	if listen == "" {
		return endpoint{}, nil
	}
	host, text, err := net.SplitHostPort(listen)
	if err != nil {
		return endpoint{}, fmt.Errorf("listen address %q: %w", listen, err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return endpoint{}, fmt.Errorf("listen address %q: the port must be a number from 0 to 65535", listen)
	}
	e := endpoint{host: host, port: int(port), picked: port == 0}
	if host == "localhost" {
		e.binds = []string{"127.0.0.1", "-::1"}
		return e, nil
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || !addr.IsLoopback() || addr.Zone() != "" {
		return endpoint{}, fmt.Errorf("listen address %q: the host must be localhost or a loopback address", listen)
	}
	e.binds = []string{addr.String()}
	return e, nil
}

// pick returns the endpoint with a port that was free a moment ago. Another
// program may take it before the engine does; Start tries again then.
func (e endpoint) pick(ctx context.Context) (endpoint, error) {
	if !e.picked {
		return e, nil
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(e.binds[0], "0"))
	if err != nil {
		return endpoint{}, fmt.Errorf("pick a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	addr, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return endpoint{}, errors.New("pick a free port: not a TCP address")
	}
	e.port = addr.Port
	return e, nil
}

// address returns host:port, or the path of the socket.
func (e endpoint) address(socket string) string {
	if e.host == "" {
		return socket
	}
	return net.JoinHostPort(e.host, strconv.Itoa(e.port))
}

// location returns the address as a URL.
func (e endpoint) location(socket string, encrypted bool) string {
	switch {
	case e.host == "":
		return (&url.URL{Scheme: "unix", Path: socket}).String()
	case encrypted:
		return "rediss://" + e.address(socket)
	default:
		return "redis://" + e.address(socket)
	}
}

// socketPath returns where the Unix socket goes: in dir, or, where that makes
// a path too long, in a new temporary directory of mode 0700, which is
// returned too and is the caller's to remove.
func socketPath(dir string) (socket, tempDir string, err error) {
	socket = filepath.Join(dir, socketName)
	if len(socket) <= maxSocketPath {
		return socket, "", nil
	}
	for _, parent := range []string{"", "/tmp"} { // $TMPDIR may be long too
		tempDir, err = os.MkdirTemp(parent, "falkorpat-")
		if err != nil {
			continue
		}
		if socket = filepath.Join(tempDir, socketName); len(socket) <= maxSocketPath {
			return socket, tempDir, nil
		}
		_ = os.Remove(tempDir)
		err = fmt.Errorf("path too long for a socket: %s", socket)
	}
	return "", "", fmt.Errorf("place for a Unix socket: %w", err)
}
