package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Engine is what a FalkorDB is made of.
type Engine struct {
	// Server is the path of a Redis-compatible server of version 7.2 or newer.
	Server string
	// Module is the path of falkordb.so.
	Module string
}

// moduleName is the file name of the FalkorDB module everywhere.
const moduleName = "falkordb.so"

// engineDir is where `make engine` puts an engine, beside the program or one
// directory above it.
const engineDir = ".falkordb"

// advice ends every ErrNoEngine message: what the operator can do about it.
const advice = "run `make engine`, or start the Docker image falkordb/falkordb (or use any FalkorDB)" +
	" and pass --store-url falkor://host:port"

// Find looks for an engine.
//
// With dir given, the operator's choice, it looks only there: for falkordb.so
// and a server named server, redis-server or valkey-server. Without, it looks
// in .falkordb beside the running program, in .falkordb one directory above
// it, and then for a server on PATH with falkordb.so in one of the places
// where packages and images put it. The working directory is never searched,
// because whoever can write there would choose what runs here; for the same
// reason directories beside the program count only when they belong to root,
// to the program's owner or to the current user and others cannot write to
// them.
//
// The error wraps ErrNoEngine and says what was wrong with each candidate.
func Find(dir string) (Engine, error) {
	program, err := os.Executable()
	if err == nil {
		program, err = filepath.EvalSymlinks(program)
	}
	if err != nil {
		program = "" // then only the system is searched
	}
	f := finder{
		program:  program,
		lookPath: exec.LookPath,
		moduleDirs: []string{
			"/usr/lib/redis/modules",
			"/usr/lib/valkey/modules",
			"/var/lib/falkordb/bin",
			"/FalkorDB/bin",
			"/usr/local/lib",
			"/usr/local/lib/falkordb",
		},
	}
	return f.find(dir)
}

// finder holds what a search depends on, so that tests can search elsewhere.
type finder struct {
	program    string                       // path of the running program; "" when unknown
	lookPath   func(string) (string, error) // finds a program on PATH
	moduleDirs []string                     // where systems keep falkordb.so
}

func (f finder) find(dir string) (Engine, error) {
	if dir != "" {
		engine, err := inDir(dir)
		if err != nil {
			return Engine{}, fmt.Errorf("%w in %s: %w; %s", ErrNoEngine, dir, err, advice)
		}
		return engine, nil
	}
	candidates := []func() (Engine, error){f.onSystem}
	if f.program != "" {
		home := filepath.Dir(f.program)
		candidates = []func() (Engine, error){
			func() (Engine, error) { return f.besideProgram(filepath.Join(home, engineDir)) },
			func() (Engine, error) { return f.besideProgram(filepath.Join(filepath.Dir(home), engineDir)) },
			f.onSystem,
		}
	}
	var faults []string
	for _, candidate := range candidates {
		engine, err := candidate()
		if err == nil {
			return engine, nil
		}
		faults = append(faults, err.Error())
	}
	return Engine{}, fmt.Errorf("%w (%s); %s", ErrNoEngine, strings.Join(faults, "; "), advice)
}

// inDir takes the engine from one directory.
func inDir(dir string) (Engine, error) {
	engine, err := locate(dir)
	if err != nil {
		return Engine{}, err
	}
	if err := checkServer(engine.Server); err != nil {
		return Engine{}, err
	}
	return engine, nil
}

// locate finds the parts of an engine by their names and runs nothing.
func locate(dir string) (Engine, error) {
	dir, err := filepath.Abs(dir) // the engine changes its working directory
	if err != nil {
		return Engine{}, fmt.Errorf("path of the engine: %w", err)
	}
	module := filepath.Join(dir, moduleName)
	if err := regularFile(module); err != nil {
		return Engine{}, err
	}
	for _, name := range []string{"server", "redis-server", "valkey-server"} {
		if server := filepath.Join(dir, name); regularFile(server) == nil {
			return Engine{Server: server, Module: module}, nil
		}
	}
	return Engine{}, fmt.Errorf("%s holds no server", dir)
}

// besideProgram is inDir for a directory that nobody chose: before anything
// in it is run, it must be one that only trusted users can have filled. Links
// are followed first, so that what is checked is what runs.
func (f finder) besideProgram(dir string) (Engine, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return Engine{}, fmt.Errorf("beside the program: %w", err)
	}
	engine, err := locate(dir)
	if err != nil {
		return Engine{}, err
	}
	for _, path := range []string{dir, engine.Server, engine.Module} {
		if err := trusted(path, f.program); err != nil {
			return Engine{}, err
		}
	}
	return inDir(dir)
}

// onSystem puts together a server from PATH and a module from the usual places.
func (f finder) onSystem() (Engine, error) {
	module, err := f.systemModule()
	if err != nil {
		return Engine{}, err
	}
	fault := errors.New("no redis-server or valkey-server on PATH")
	for _, name := range []string{"redis-server", "valkey-server"} {
		server, err := f.lookPath(name) // refuses what lies in the working directory
		if err != nil {
			continue
		}
		if fault = checkServer(server); fault == nil {
			return Engine{Server: server, Module: module}, nil
		}
	}
	return Engine{}, fault
}

func (f finder) systemModule() (string, error) {
	for _, dir := range f.moduleDirs {
		if module := filepath.Join(dir, moduleName); regularFile(module) == nil {
			return module, nil
		}
	}
	return "", fmt.Errorf("%s is not installed on this system", moduleName)
}

func regularFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("part of an engine: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", path)
	}
	return nil
}
