package main

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/falkorpat/falkorpat/server/audit"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/store"
)

// startHistory starts what chains events. It ends after whatever makes them.
func (a *app) startHistory(ctx context.Context, kept *store.Store, directory *instance.Directory) (*audit.Service, error) {
	var instances []string
	for _, one := range directory.Instances() {
		instances = append(instances, store.InstanceName(one.Host, one.Port))
	}
	history, err := audit.New(audit.Options{
		Store: kept, Signing: a.signing, Instances: instances, Retention: a.EventRetention, Now: time.Now, Random: rand.Reader, Log: a.log,
	})
	if err != nil {
		return nil, err
	}
	if err := history.PolicyIs(ctx, a.policy().Details()); err != nil {
		return nil, err
	}
	history.Start(context.WithoutCancel(ctx)) // until stop
	a.onStop(func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, flushTime)
		defer cancel()
		return history.Stop(ctx)
	})
	return history, nil
}
