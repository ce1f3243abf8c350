package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// target is a server under load and the request that it gets. The request is
// made once, and responses are read no further than their end: what the client
// spends is taken from the server on a shared machine.
type target struct {
	addr    string
	request []byte
	// number is where in the request the digits are that differ each time; 0 for
	// nowhere.
	number int
	// read reads one response to its end; HTTP's when nil.
	read func(*bufio.Reader) error
}

// sample is what one measurement has found.
type sample struct {
	rate     float64 // requests a second
	p50, p99 time.Duration
}

// load sends requests over so many connections, each sending its next one when
// it has its answer, for the given time.
func load(ctx context.Context, t target, connections int, duration time.Duration) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	latencies := make([][]time.Duration, connections)
	errs := make([]error, connections)
	var group sync.WaitGroup
	start := time.Now()
	for i := range connections {
		group.Go(func() { latencies[i], errs[i] = drive(ctx, t) })
	}
	group.Wait()
	elapsed := time.Since(start)
	if err := errors.Join(errs...); err != nil {
		return sample{}, err
	}
	all := slices.Concat(latencies...)
	if len(all) == 0 {
		return sample{}, errors.New("no request was answered")
	}
	slices.Sort(all)
	return sample{
		rate: float64(len(all)) / elapsed.Seconds(),
		p50:  all[len(all)/2], p99: all[len(all)*99/100],
	}, nil
}

// drive is one connection.
func drive(ctx context.Context, t target) ([]time.Duration, error) {
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "tcp", t.addr)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(time.Minute))
	reader := bufio.NewReaderSize(connection, 64<<10)
	read := readAnswer
	if t.read != nil {
		read = t.read
	}
	request := slices.Clone(t.request) // each connection writes into its own
	var latencies []time.Duration
	for ctx.Err() == nil {
		if t.number > 0 {
			copy(request[t.number:], fmt.Sprintf("%0*d", len(digits), requestsSent.Add(1)))
		}
		sent := time.Now()
		if _, err := connection.Write(request); err != nil {
			return nil, fmt.Errorf("send: %w", err)
		}
		if err := read(reader); err != nil {
			return nil, err
		}
		latencies = append(latencies, time.Since(sent))
	}
	return latencies, nil
}

// digits stand in a path for a number that differs each time.
const digits = "000000000"

// requestsSent counts those that differ, over all connections and measurements.
var requestsSent atomic.Uint64

// readAnswer reads one response to its end.
func readAnswer(r *bufio.Reader) error {
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1000))
		return fmt.Errorf("answered %s: %s", response.Status, text)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}
