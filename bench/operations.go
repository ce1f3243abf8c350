package main

import (
	"context"
	"time"

	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/store"
)

// operations are what is measured on stores of all sizes.
func operations() []operation {
	return []operation{
		{name: "look up by hash", run: func(ctx context.Context, s *sized, _ int) error {
			_, err := s.store.TokenByHash(ctx, s.hash)
			return err
		}},
		{name: "get by ID", run: func(ctx context.Context, s *sized, _ int) error {
			_, err := s.store.TokenByID(ctx, s.seeded.TokenID)
			return err
		}},
		{name: "create", run: func(ctx context.Context, s *sized, _ int) error {
			_, err := s.create(ctx, "")
			return err
		}},
		{name: "create from a token", run: func(ctx context.Context, s *sized, _ int) error {
			_, err := s.create(ctx, s.seeded.TokenID)
			return err
		}},
		{name: "revoke", prepare: (*sized).makeFresh, run: func(ctx context.Context, s *sized, i int) error {
			return s.revoke(ctx, s.fresh[i])
		}},
		{name: "revoke with 10 made from it", prepare: (*sized).makeTrees, run: func(ctx context.Context, s *sized, i int) error {
			return s.revoke(ctx, s.roots[i])
		}},
		{name: "list 100 of one user", run: func(ctx context.Context, s *sized, _ int) error {
			return s.list(ctx, func(q *store.ListQuery) { q.Username = s.user.Username })
		}},
		{name: "list 100 of the instance", run: func(ctx context.Context, s *sized, _ int) error {
			return s.list(ctx, func(*store.ListQuery) {})
		}},
		{name: "list 100 of any status", run: func(ctx context.Context, s *sized, _ int) error {
			return s.list(ctx, func(q *store.ListQuery) { q.Statuses = nil })
		}},
		{name: "list 100 with a filter", run: func(ctx context.Context, s *sized, _ int) error {
			return s.list(ctx, func(q *store.ListQuery) { q.Username, q.Name, q.NeverUsed = s.user.Username, "e", true })
		}},
		{name: "sweep 20 expired ones", prepare: (*sized).makeExpired, once: true, run: func(ctx context.Context, s *sized, _ int) error {
			now := time.Now()
			_, err := s.store.Sweep(ctx, now.Add(-time.Minute), now, 1000)
			return err
		}},
	}
}

func (s *sized) list(ctx context.Context, change func(*store.ListQuery)) error {
	q := store.ListQuery{
		Hosts: instance.Aliases(s.user.Host), Port: s.user.Port, Statuses: []store.Status{store.StatusActive}, Now: time.Now(),
		Sort: store.SortCreated, Descending: true, Limit: 100,
	}
	change(&q)
	page, err := s.store.ListTokens(ctx, q)
	if err == nil && len(page.Tokens) == 0 {
		return errNoTokens
	}
	return err
}

func (s *sized) revoke(ctx context.Context, t *store.Token) error {
	_, err := s.store.RevokeToken(ctx, store.Revocation{TokenID: t.ID, By: s.user, At: time.Now(), IP: "127.0.0.1"})
	return err
}

func (s *sized) makeFresh(ctx context.Context) error {
	s.fresh = s.fresh[:0]
	for range scaleBatch {
		t, err := s.create(ctx, "")
		if err != nil {
			return err
		}
		s.fresh = append(s.fresh, t)
	}
	return nil
}

func (s *sized) makeTrees(ctx context.Context) error {
	if err := s.makeFresh(ctx); err != nil {
		return err
	}
	s.roots = append(s.roots[:0], s.fresh...)
	for _, root := range s.roots {
		for range treeSize {
			if _, err := s.create(ctx, root.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *sized) makeExpired(ctx context.Context) error {
	batch := make([]*store.Token, scaleBatch)
	for i := range batch {
		t, err := s.token()
		if err != nil {
			return err
		}
		t.CreatedAt, t.ExpiresAt = t.CreatedAt.Add(-time.Hour), time.Now().Add(-time.Second)
		batch[i] = t
	}
	return s.store.ImportTokens(ctx, batch)
}
