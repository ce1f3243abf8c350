package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// replica is one running program. All replicas have the same store and keys.
type replica struct {
	addr string
	// admin is the operator's port, if it has one.
	admin string
	// ready is how long it took from its start to its being ready.
	ready   time.Duration
	process *os.Process
}

// startReplica starts the program and waits for the line that says where it serves.
func (s *stage) startReplica(ctx context.Context) (*replica, error) {
	arguments := []string{
		"serve", "--addr", "127.0.0.1:0", "--data-dir", s.dir,
		"--store-url", s.storeURL, "--instances", s.instance, "--query-rate", "0", "--log-format", "json",
	}
	if s.profiled {
		arguments = append(arguments, "--admin-addr", "127.0.0.1:0")
	}
	command := exec.CommandContext(ctx, s.program, arguments...)
	logs, err := command.StderrPipe()
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s (make build makes it): %w", s.program, err)
	}
	s.stops = append(s.stops, func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
	})
	lines := bufio.NewScanner(logs)
	admin := ""
	for lines.Scan() {
		var line struct{ Msg, Addr, Level string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "metrics and profiles are served" {
			admin = line.Addr
		}
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "ready" {
			r := &replica{addr: line.Addr, admin: admin, ready: time.Since(begun), process: command.Process}
			s.replicas = append(s.replicas, r)
			go func() { _, _ = io.Copy(io.Discard, logs) }()
			return r, nil
		}
		if line.Level == "ERROR" || line.Msg == "" {
			fmt.Fprintln(os.Stderr, lines.Text())
		}
	}
	return nil, errors.New("the program did not become ready")
}

// residentMB is what the process holds in memory now, in MB.
func (r *replica) residentMB() (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kB, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, err := strconv.ParseFloat(kB, 64)
	return n / 1000, err
}
