package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is the release, as CHANGELOG.md names it.
const version = "0.1.0"

type versionCommand struct{}

// Run prints the version, the commit it was built from when that is known, and
// what it was built with.
func (versionCommand) Run(env *environment) error {
	_, err := fmt.Fprintf(env.stdout, "falkorpat %s%s %s %s/%s\n", version, commit(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// commit is the commit in parentheses; empty when it is not known.
func commit() string {
	if revision() == "" {
		return ""
	}
	return " (" + revision() + ")"
}

// revision is the commit that the program was built from, shortened; empty when
// it is not known.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value[:min(12, len(setting.Value))]
		}
	}
	return ""
}
