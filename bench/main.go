package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

// options are the command's flags.
type options struct {
	program  string
	duration time.Duration
	rounds   int
	output   string
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
	flags.StringVar(&o.output, "output", "table", "table or json")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if o.output != "table" && o.output != "json" {
		fmt.Fprintln(stderr, "bench: --output must be table or json")
		return 2
	}
	if err := measure(ctx, o, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 1
	}
	return 0
}

func measure(ctx context.Context, o options, stdout, stderr io.Writer) error {
	s, err := startStage(ctx, o.program)
	if err != nil {
		return err
	}
	defer s.stop()
	var results []result
	for i, work := range s.works() {
		fmt.Fprintf(stderr, "%d: %s\n", i+1, work.name)
		r, err := compare(ctx, o, work)
		if err != nil {
			return fmt.Errorf("%s: %w", work.name, err)
		}
		results = append(results, r)
	}
	return report(stdout, o.output, results)
}
