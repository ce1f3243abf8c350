package embedded

import "errors"

var (
	// ErrNoEngine says that no usable engine was found. The error that wraps
	// it tells what was looked at and what the operator can do.
	ErrNoEngine = errors.New("no usable FalkorDB engine")

	// ErrDirInUse says that another Server, of this process or another one,
	// runs on the same data directory.
	ErrDirInUse = errors.New("data directory in use by another process")

	// ErrOpenDir says that the data directory holds files already and that
	// other users of the machine may enter it.
	ErrOpenDir = errors.New("data directory open to other users")

	// ErrExited says that the engine ended although nobody had asked it to.
	ErrExited = errors.New("engine ended by itself")
)

// errLocked is what lockFile returns when somebody else holds the lock.
var errLocked = errors.New("file locked")
