package audit

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"github.com/falkorpat/falkorpat/store"
)

// PolicyIs tells the history of every instance what the operator allows, if that
// is not what it was told last. Replicas that start with one policy tell it once.
func (s *Service) PolicyIs(ctx context.Context, policy map[string]string) error {
	events := make([]store.Event, len(s.instances))
	for i, instance := range s.instances {
		host, port, err := net.SplitHostPort(instance)
		if err != nil {
			return fmt.Errorf("instance %s: %w", instance, err)
		}
		number, err := strconv.Atoi(port)
		if err != nil {
			return fmt.Errorf("instance %s: %w", instance, err)
		}
		events[i] = s.event(ctx, store.ActionPolicyChanged, store.User{Host: host, Port: number})
		events[i].Outcome, events[i].Details = store.OutcomeSuccess, policy
	}
	_, err := s.store.SetPolicy(ctx, policy, events...)
	return err
}
