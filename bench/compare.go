package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// work is one kind of request, to the service and to the bare handler.
type work struct {
	name          string
	connections   int
	service, bare target
	// bareConnections are those of the bare handler; as many as the service's
	// when zero.
	bareConnections int
}

// result compares the two.
type result struct {
	Work        string  `json:"work"`
	Connections int     `json:"connections"`
	Rate        float64 `json:"requests_per_second"`
	P50         float64 `json:"p50_ms"`
	P99         float64 `json:"p99_ms"`
	BareRate    float64 `json:"bare_requests_per_second"`
	// Ratio is the median of the rounds' ratios, each of two measurements that
	// followed one another.
	Ratio float64 `json:"ratio_to_bare"`
}

// compare measures both by turns, so that what else the machine does meets both.
func compare(ctx context.Context, o options, w work) (result, error) {
	var service, bare []sample
	var ratios []float64
	for range o.rounds {
		b, err := load(ctx, w.bare, cmp.Or(w.bareConnections, w.connections), o.duration)
		if err != nil {
			return result{}, fmt.Errorf("bare handler: %w", err)
		}
		s, err := load(ctx, w.service, w.connections, o.duration)
		if err != nil {
			return result{}, err
		}
		service, bare, ratios = append(service, s), append(bare, b), append(ratios, s.rate/b.rate)
	}
	s, b := median(service), median(bare)
	slices.Sort(ratios)
	return result{
		Work: w.name, Connections: w.connections, Rate: s.rate, P50: milliseconds(s.p50), P99: milliseconds(s.p99),
		BareRate: b.rate, Ratio: ratios[len(ratios)/2],
	}, nil
}

func median(samples []sample) sample {
	slices.SortFunc(samples, func(a, b sample) int { return cmp.Compare(a.rate, b.rate) })
	return samples[len(samples)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// report is all that was measured.
type report struct {
	Service []result     `json:"service"`
	Figures []figure     `json:"figures"`
	Scale   *scaleReport `json:"scale,omitempty"`
}

func (r *report) write(w io.Writer, output string) error {
	if output == "json" {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "work\tconnections\trequests/s\tp50 ms\tp99 ms\tbare Echo/s\tratio\t")
	for _, one := range r.Service {
		fmt.Fprintf(table, "%s\t%d\t%.0f\t%.2f\t%.2f\t%.0f\t%.2f\t\n", one.Work, one.Connections, one.Rate, one.P50, one.P99, one.BareRate, one.Ratio)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	if err := writeFigures(w, r.Figures); err != nil || r.Scale == nil {
		return err
	}
	fmt.Fprintln(w)
	return r.Scale.write(w)
}
