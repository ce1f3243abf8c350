package store

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// Durability says what a finished write of the store outlives.
type Durability string

const (
	// durabilityAlways: the store writes its log to disk before it answers.
	durabilityAlways Durability = "always"
	// durabilityWaitAOF: every write is followed by WAITAOF.
	durabilityWaitAOF Durability = "waitaof"
	// durabilityNone: the store keeps no log, or does not tell when it is on disk.
	durabilityNone Durability = "none"
)

// Durability says how writes are confirmed: always (the store's log is on disk
// before it answers), waitaof (the service asks after every write) or none.
func (s *Store) Durability() Durability { return s.durability }

// findDurability asks how the store confirms writes. A store that lets nobody
// read its configuration can still answer WAITAOF. A store that can't be asked
// is no store without a log: that would drop the confirmations silently.
func (s *Store) findDurability(ctx context.Context) (Durability, error) {
	reply, _ := s.call(ctx, s.sendOnce, "CONFIG", "GET", "append*") // without it, WAITAOF has to tell
	switch config := configOf(reply); {
	case config["appendonly"] == "no", config["appendfsync"] == "no":
		return durabilityNone, nil // with appendfsync no, WAITAOF would never be answered
	case config["appendonly"] == "yes" && config["appendfsync"] == "always":
		return durabilityAlways, nil
	}
	_, err := s.call(ctx, s.sendOnce, "WAITAOF", 1, 0, 1)
	switch {
	case err == nil:
		return durabilityWaitAOF, nil
	case isRefusal(err):
		return durabilityNone, nil // there is no log to wait for
	default:
		return "", classify(err)
	}
}

// isRefusal tells whether the store has answered, if only to say no.
func isRefusal(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

// configOf reads the answer to CONFIG GET: names and values in turn.
func configOf(reply any) map[string]string {
	list, _ := reply.([]any)
	config := make(map[string]string, len(list)/2)
	for i := 0; i+1 < len(list); i += 2 {
		name, _ := list[i].(string)
		value, _ := list[i+1].(string)
		config[name] = value
	}
	return config
}
