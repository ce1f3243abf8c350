package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// profile writes a CPU profile of the service while it does a kind of work, and
// one of what it has allocated since its start.
func (s *stage) profile(ctx context.Context, o options, w work) error {
	seconds := max(1, int(o.duration.Seconds()))
	driven := make(chan error, 1)
	go func() {
		_, err := load(ctx, w.service, w.connections, time.Duration(seconds+1)*time.Second)
		driven <- err
	}()
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(w.name))
	at, file := "http://"+s.replicas[0].admin+"/debug/pprof/", filepath.Join(o.profiles, name)
	err := fetch(ctx, fmt.Sprintf("%sprofile?seconds=%d", at, seconds), file+".cpu.pprof")
	if err == nil {
		err = fetch(ctx, at+"allocs", file+".allocs.pprof")
	}
	if loadErr := <-driven; err == nil {
		err = loadErr
	}
	return err
}

// fetch writes what is at an address to a file.
func fetch(ctx context.Context, address, file string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", address, response.Status)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, response.Body); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}
