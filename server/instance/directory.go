package instance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Defaults of Options.
const (
	defaultTimeout      = 4500 * time.Millisecond
	defaultFailureFloor = 250 * time.Millisecond
	defaultMaxLogins    = 64
	defaultMaxPools     = 256
	defaultPoolSize     = 8
	defaultIdleTime     = time.Minute
)

// Options configure a Directory. The zero value of every field but Allowed
// stands for its default.
type Options struct {
	// Allowed are the only instances that are ever dialled. At least one; no
	// two with the same Instance.
	Allowed []Allowed
	// Timeout bounds a Login or Ping from its beginning: waiting for a slot,
	// name resolution, dial, TLS, AUTH and probe together. Default 4.5 s.
	Timeout time.Duration
	// FailureFloor is the least time that a failing Login takes, at most
	// Timeout, so that its duration does not tell an instance that is not
	// allowed from a closed port or a wrong password. Default 250 ms, or
	// Timeout where that is shorter.
	FailureFloor time.Duration
	// MaxLogins bounds the connections to one instance that Login has open at
	// once, and those that Recheck and Ping have; further calls wait, within
	// Timeout. Default 64. Neither another instance that hangs nor strangers
	// who try passwords can so hold up those whose tokens are to be checked.
	MaxLogins int
	// MaxPools is how many credentials may have connections to one instance that
	// stay open, PoolSize how many each, and IdleTime for how long without work.
	// Defaults 256, 8 and one minute.
	MaxPools, PoolSize int
	IdleTime           time.Duration
	// Log gets one line for each failed login. Default: nothing is logged.
	Log *slog.Logger
}

// withDefaults returns o with its zero fields filled in, or an error that
// names every field that is wrong.
func (o Options) withDefaults() (Options, error) {
	var faults []error
	if len(o.Allowed) == 0 {
		faults = append(faults, errors.New("no instance in Allowed"))
	}
	if o.Timeout < 0 {
		faults = append(faults, errors.New("negative Timeout"))
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.FailureFloor < 0 || o.FailureFloor > o.Timeout {
		faults = append(faults, errors.New("negative FailureFloor, or one longer than Timeout"))
	}
	if o.FailureFloor == 0 {
		o.FailureFloor = min(defaultFailureFloor, o.Timeout)
	}
	if o.MaxLogins < 0 {
		faults = append(faults, errors.New("negative MaxLogins"))
	}
	if o.MaxLogins == 0 {
		o.MaxLogins = defaultMaxLogins
	}
	if o.MaxPools < 0 || o.PoolSize < 0 || o.IdleTime < 0 {
		faults = append(faults, errors.New("negative MaxPools, PoolSize or IdleTime"))
	}
	o.MaxPools, o.PoolSize, o.IdleTime = cmp.Or(o.MaxPools, defaultMaxPools), cmp.Or(o.PoolSize, defaultPoolSize), cmp.Or(o.IdleTime, defaultIdleTime)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o, errors.Join(faults...)
}

// Directory knows the allowed instances and logs users in to them. It is safe
// for concurrent use. Connections stay open between calls of Connect only.
type Directory struct {
	order   []Instance
	allowed map[Instance]Allowed
	timeout time.Duration
	floor   time.Duration
	slots   map[slotKey]chan struct{}
	pools   map[Instance]*pools
	log     *slog.Logger
}

// purpose is what a login is for.
type purpose int

const (
	// forStranger: credentials that somebody has just sent.
	forStranger purpose = iota
	// forKept: credentials that have been good once.
	forKept
)

// slotKey names one of the sets of slots.
type slotKey struct {
	instance Instance
	purpose  purpose
}

// New returns a Directory, or an error that names every field of o that is
// wrong.
func New(o Options) (*Directory, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("instance options: %w", err)
	}
	d := &Directory{
		allowed: make(map[Instance]Allowed, len(o.Allowed)),
		timeout: o.Timeout,
		floor:   o.FailureFloor,
		slots:   make(map[slotKey]chan struct{}, 2*len(o.Allowed)),
		pools:   make(map[Instance]*pools, len(o.Allowed)),
		log:     o.Log,
	}
	for _, a := range o.Allowed {
		if _, twice := d.allowed[a.instance]; twice || a.host == "" {
			return nil, fmt.Errorf("instance options: Allowed: %s is there twice or was not made by ParseAllowed", a.instance)
		}
		d.allowed[a.instance] = a
		d.pools[a.instance] = newPools(o.MaxPools, o.PoolSize, o.IdleTime)
		for _, p := range [...]purpose{forStranger, forKept} {
			d.slots[slotKey{a.instance, p}] = make(chan struct{}, o.MaxLogins)
		}
		d.order = append(d.order, a.instance)
	}
	return d, nil
}

// Instances returns the allowed instances in the operator's order.
func (d *Directory) Instances() []Instance {
	return append([]Instance{}, d.order...)
}

// Logins tells how many logins to an instance are under way, with credentials
// that have just been sent and with those that have been good once. Each is at
// most Options.MaxLogins.
func (d *Directory) Logins(i Instance) (strangers, kept int) {
	return len(d.slots[slotKey{i, forStranger}]), len(d.slots[slotKey{i, forKept}])
}

// Connections tells how many connections to an instance are kept open for
// queries, and how many of them nobody uses.
func (d *Directory) Connections(i Instance) (open, idle int) {
	if pools, ok := d.pools[i]; ok {
		return pools.count()
	}
	return 0, 0
}

// find returns the allowed instance that c names, or ErrNotAllowed.
func (d *Directory) find(c Credentials) (Allowed, error) {
	target, ok := d.allowed[Instance{Host: Canonical(c.Host), Port: c.Port}]
	if !ok {
		return Allowed{}, ErrNotAllowed
	}
	return target, nil
}

// acquire takes a slot, or returns ErrBusy when ctx ends first. The slot is
// given back by calling what it returns.
func (d *Directory) acquire(ctx context.Context, key slotKey) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBusy, err)
	}
	slots := d.slots[key]
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrBusy, ctx.Err())
	}
}
