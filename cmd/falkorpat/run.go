package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
)

// The exit statuses.
const (
	exitOK    = 0
	exitFault = 1
	exitUsage = 2
)

// commands are the subcommands, each in a file of its own.
type commands struct {
	Serve   serveCommand   `cmd:"" help:"Serve the token API."`
	Bench   benchCommand   `cmd:"" help:"Prepare measurements."`
	Audit   auditCommand   `cmd:"" help:"Work with the history."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// environment is what a subcommand gets from outside.
type environment struct {
	ctx            context.Context //nolint:containedctx // handed to one call by the parser
	stdout, stderr io.Writer
}

// dropEmpty takes variables that are set but empty out of the environment: for
// every option that means the default, as in compose files' ${NAME:-}.
func dropEmpty(node *kong.Node) error {
	for _, command := range node.Children {
		if err := dropEmpty(command); err != nil {
			return err
		}
		for _, flag := range command.Flags {
			for _, name := range flag.Envs {
				if value, set := os.LookupEnv(name); set && value == "" {
					if err := os.Unsetenv(name); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// run is the program. It returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	status := -1
	parser, err := kong.New(&commands{},
		kong.Name("falkorpat"),
		kong.Description("Personal access tokens for FalkorDB."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { status = code }),
	)
	if err != nil {
		fmt.Fprintf(stderr, "falkorpat: %v\n", err)
		return exitFault
	}
	if err := dropEmpty(parser.Model.Node); err != nil {
		fmt.Fprintf(stderr, "falkorpat: %v\n", err)
		return exitFault
	}
	parsed, err := parser.Parse(args)
	if status >= 0 { // --help has been printed
		return status
	}
	if err != nil {
		fmt.Fprintf(stderr, "falkorpat: %v\nTry: falkorpat --help\n", err)
		return exitUsage
	}
	if err := parsed.Run(&environment{ctx: ctx, stdout: stdout, stderr: stderr}); err != nil {
		fmt.Fprintf(stderr, "falkorpat: %v\n", err)
		return exitFault
	}
	return exitOK
}
