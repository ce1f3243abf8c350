package embedded

import (
	"path/filepath"
	"strconv"
)

// arguments returns the engine's command line. There is no configuration
// file: what the engine does is all here.
func (s *Server) arguments(dir, socket string, e endpoint) []string {
	args := []string{
		"--daemonize", "no",
		"--dir", dir,
		"--pidfile", filepath.Join(dir, pidName),
		"--logfile", "", // standard output, which is the log file
		"--unixsocket", socket,
		"--unixsocketperm", "700",
		"--protected-mode", "yes",
		"--save", "", // the append-only file is the one truth; a snapshot beside it would be stale
		// A crash report prints the commands at work, the slow log keeps them: hashes and sealed passwords are in those.
		"--crash-log-enabled", "no",
		"--slowlog-log-slower-than", "-1",
	}
	if s.Ephemeral {
		args = append(args, "--appendonly", "no")
	} else {
		args = append(args, "--appendonly", "yes", "--appendfsync", "always")
	}
	args = append(args, s.listenArguments(e)...)
	// CMD_INFO would keep recent queries with their parameters in a stream. CACHE_SIZE
	// is how many queries' plans are kept: 25 by default, fewer than package store has.
	args = append(args, "--loadmodule", s.Engine.Module, "CMD_INFO", "no", "CACHE_SIZE", "200")
	return append(args, s.Args...)
}

func (s *Server) listenArguments(e endpoint) []string {
	if e.host == "" {
		return []string{"--port", "0"}
	}
	args := append([]string{"--bind"}, e.binds...)
	port := strconv.Itoa(e.port)
	if s.TLS == nil {
		return append(args, "--port", port)
	}
	args = append(args, "--port", "0", "--tls-port", port,
		"--tls-cert-file", s.TLS.CertFile, "--tls-key-file", s.TLS.KeyFile, "--tls-auth-clients", "no")
	if s.TLS.CAFile != "" {
		args = append(args, "--tls-ca-cert-file", s.TLS.CAFile)
	}
	return args
}
