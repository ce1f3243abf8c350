package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"
)

// options are the command's flags.
type options struct {
	program  string
	duration time.Duration
	rounds   int
	output   string
	// sizes are how many tokens the stores hold that are compared, smallest first.
	sizes []int
	// remembered is how many tokens one replica is made to remember.
	remembered int
	// only narrows what is measured to that whose name holds it.
	only string
	// profiles is a directory for profiles of the service; empty for none.
	profiles string
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == bareArgument {
		os.Exit(serveBare(os.Stdin, os.Stdout, os.Stderr))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.program, "program", "bin/falkorpat", "the program to measure")
	flags.DurationVar(&o.duration, "duration", 2*time.Second, "how long one measurement takes")
	flags.IntVar(&o.rounds, "rounds", 3, "how often each is repeated; the median counts")
	flags.IntVar(&o.remembered, "remembered", 100_000, "how many tokens a replica uses before its memory is measured")
	flags.StringVar(&o.only, "only", "", "measure only what has this in its name: requests, figures as they are announced, or \"stores of many sizes\"")
	flags.StringVar(&o.profiles, "profiles", "", "a directory to write a CPU profile of the service to for each kind of request; with it rates are lower")
	sizes := flags.String("sizes", "1000,100000,1000000", "numbers of tokens for which a store is measured; empty for none")
	flags.StringVar(&o.output, "output", "table", "table or json")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if o.output != "table" && o.output != "json" {
		fmt.Fprintln(stderr, "bench: --output must be table or json")
		return 2
	}
	var err error
	if o.sizes, err = parseSizes(*sizes); err != nil {
		fmt.Fprintf(stderr, "bench: --sizes: %v\n", err)
		return 2
	}
	if err := measure(ctx, o, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 1
	}
	return 0
}

func parseSizes(text string) ([]int, error) {
	var sizes []int
	for _, field := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		n, err := strconv.Atoi(field)
		if err != nil || n < 100 {
			return nil, errors.New("must be whole numbers from 100 on, comma separated")
		}
		sizes = append(sizes, n)
	}
	slices.Sort(sizes)
	return sizes, nil
}

func measure(ctx context.Context, o options, stdout, stderr io.Writer) error {
	all, err := measureAll(ctx, o, stderr)
	if err != nil {
		return err
	}
	return all.write(stdout, o.output)
}

func measureAll(ctx context.Context, o options, stderr io.Writer) (*report, error) {
	all := &report{}
	var err error
	if all.Service, all.Figures, err = measureService(ctx, o, stderr); err != nil {
		return nil, err
	}
	if len(o.sizes) > 0 && strings.Contains("stores of many sizes", o.only) {
		if all.Scale, err = measureScale(ctx, o, stderr); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func measureService(ctx context.Context, o options, stderr io.Writer) ([]result, []figure, error) {
	s, err := startStage(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	defer s.stop()
	var results []result
	for i, work := range s.works() {
		if !strings.Contains(work.name, o.only) {
			continue
		}
		fmt.Fprintf(stderr, "%d: %s\n", i+1, work.name)
		r, err := compare(ctx, o, work)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", work.name, err)
		}
		results = append(results, r)
		if o.profiles != "" {
			if err := s.profile(ctx, o, work); err != nil {
				return nil, nil, fmt.Errorf("profile %s: %w", work.name, err)
			}
		}
	}
	figures, err := s.figures(ctx, o, stderr)
	return results, figures, err
}
