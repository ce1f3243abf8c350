package embedded

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// readyPoll is the time between two questions to a starting engine.
const readyPoll = 10 * time.Millisecond

// waitReady returns when the engine behind the socket answers and has loaded
// its data and its module. It returns the engine's own error when it ends
// before that, and the context's cause when the time is up.
func waitReady(ctx context.Context, p *process, socket string) error {
	client := redis.NewClient(&redis.Options{
		Network:                  "unix",
		Addr:                     socket,
		Protocol:                 2,
		PoolSize:                 1,
		MaxRetries:               -1,
		DialerRetries:            1,
		DialTimeout:              time.Second,
		ReadTimeout:              2 * time.Second,
		WriteTimeout:             2 * time.Second,
		ContextTimeoutEnabled:    true,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	defer func() { _ = client.Close() }()
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for {
		err := answers(ctx, client, socket)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return p.err
		case <-ctx.Done():
			return fmt.Errorf("%w (last answer: %w)", context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

// answers asks the engine once. While it loads its data it answers every
// command with LOADING. One that wants a password is up: it loads the module
// before it listens, and a caller who set a password has it.
func answers(ctx context.Context, client *redis.Client, socket string) error {
	if _, err := os.Stat(socket); err != nil {
		return fmt.Errorf("not listening yet: %w", err) // dialling would only fill the client's log
	}
	for _, command := range []string{"PING", "GRAPH.LIST"} {
		err := client.Do(ctx, command).Err()
		if err != nil && !redis.HasErrorPrefix(err, "NOAUTH") {
			return fmt.Errorf("%s: %w", command, err)
		}
	}
	return nil
}
