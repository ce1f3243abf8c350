package tokens

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/server/audit"
	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/lease"
	"github.com/falkorpat/falkorpat/server/ratelimit"
	"github.com/falkorpat/falkorpat/store"
)

// Options configure New. Those without a default named are required.
type Options struct {
	Store   *store.Store
	Keeper  *credentials.Keeper
	Signing crypto.SigningRing
	// Lease says for how long what is known of tokens counts, and tells other
	// replicas what has changed. It must be started before the Service, and
	// stopped after it.
	Lease *lease.Lease
	// Remember is how many tokens are remembered at most; 100,000 when zero.
	Remember int
	Metrics  Metrics
	// Reports limits the reports of leaked tokens that a peer may send.
	Reports *ratelimit.Limiter
	// Audit makes the events that are written with every change.
	Audit *audit.Service
	// BrowserCompat adds the claims that FalkorDB Browser reads from a token.
	BrowserCompat bool
	// Policy is what the operator allows.
	Policy Policy
	Now    func() time.Time
	Random io.Reader
	Log    *slog.Logger
	// FlushInterval is how often uses are written at the most; 1 s when zero.
	FlushInterval time.Duration
	// UsageInterval is how often the use of one token is written at the most;
	// 5 minutes when zero.
	UsageInterval time.Duration
	// SweepInterval is how often expired tokens are looked for; 1 minute when zero.
	SweepInterval time.Duration
}

func (o *Options) validate() error {
	switch {
	case o.Store == nil:
		return errors.New("tokens: Store is missing")
	case o.Lease == nil:
		return errors.New("tokens: Lease is missing")
	case o.Keeper == nil:
		return errors.New("tokens: Keeper is missing")
	case o.Reports == nil:
		return errors.New("tokens: Reports is missing")
	case o.Audit == nil:
		return errors.New("tokens: Audit is missing")
	case o.Now == nil:
		return errors.New("tokens: Now is missing")
	case o.Random == nil:
		return errors.New("tokens: Random is missing")
	case o.Log == nil:
		return errors.New("tokens: Log is missing")
	}
	if faults := o.Policy.Faults(); len(faults) > 0 {
		return fmt.Errorf("tokens: Policy: %w", &faults[0])
	}
	o.Policy = o.Policy.complete()
	setDefault(&o.FlushInterval, time.Second)
	setDefault(&o.UsageInterval, 5*time.Minute)
	setDefault(&o.SweepInterval, time.Minute)
	if o.Remember == 0 {
		o.Remember = remembered
	}
	o.Metrics.setDefaults()
	return nil
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

// Service is the token service. Between Start and Stop it also writes uses and
// sweeps. It is safe for concurrent use.
type Service struct {
	store    *store.Store
	keeper   *credentials.Keeper
	signing  crypto.SigningRing
	reports  *ratelimit.Limiter
	audit    *audit.Service
	compat   bool
	policy   Policy
	now      func() time.Time
	random   io.Reader
	log      *slog.Logger
	lease    *lease.Lease
	memory   *memory
	metrics  Metrics
	recorder *recorder
	sweeper  *sweeper
}

// New makes a Service.
func New(o Options) (*Service, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	m, err := newMemory(o)
	if err != nil {
		return nil, err
	}
	s := &Service{
		lease: o.Lease, memory: m,
		store: o.Store, keeper: o.Keeper, signing: o.Signing, audit: o.Audit, reports: o.Reports, compat: o.BrowserCompat, policy: o.Policy, now: o.Now, random: o.Random, log: o.Log,
		metrics:  o.Metrics,
		recorder: newRecorder(o),
		sweeper:  newSweeper(o),
	}
	s.sweeper.enforce = s.enforce
	return s, nil
}

// Policy is what the operator allows, with nothing left out.
func (s *Service) Policy() Policy { return s.policy }

// Start begins the work in the background.
func (s *Service) Start(ctx context.Context) {
	s.recorder.start(ctx)
	s.sweeper.start(ctx)
}

// Stop ends the work in the background and waits for it; uses not yet written
// are written first, for as long as ctx allows.
func (s *Service) Stop(ctx context.Context) error {
	s.sweeper.stop()
	return s.recorder.stop(ctx)
}

// Remembered is about how many tokens' texts are remembered.
func (s *Service) Remembered() int { return s.memory.texts.EstimatedSize() }

// Recorded is how many tokens' latest uses are held in memory, written or not.
func (s *Service) Recorded() int { return s.recorder.size() }

// Client is where a request comes from.
type Client struct {
	// IP is the client's address: the peer's, or what trusted proxies report.
	IP netip.Addr
	// Agent is its User-Agent, at most 256 bytes of valid UTF-8 without control
	// characters.
	Agent string
}

// canonical puts a row's user under the name that this program has for it,
// however another program that shares the store has spelt it.
func canonical(t *store.Token) *store.Token {
	t.User.Host = instance.Canonical(t.User.Host)
	t.User.ID = store.UserID(t.User.Username, t.User.Host, t.User.Port)
	return t
}
