package instance

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/falkorpat/falkorpat/store"
)

// probe is the pair of commands that tell a user's role. Neither changes
// anything: GRAPH.QUERY without arguments fails after the permission check and
// before anything else.
type probe struct {
	getUser *redis.Cmd
	query   *redis.Cmd
}

// ask queues the commands for the user who is logged in.
func (p *probe) ask(ctx context.Context, pipe redis.Pipeliner, username string) {
	p.getUser = pipe.Do(ctx, "ACL", "GETUSER", username)
	p.query = pipe.Do(ctx, "GRAPH.QUERY")
}

// role judges the answers. What is not a statement about the user's rights is
// no role at all: ErrUnreachable while the instance is not ready, ErrRefused
// when the user was deleted between AUTH and the probe.
func (p *probe) role() (store.Role, error) {
	getUser, query := replyCode(p.getUser.Err()), replyCode(p.query.Err())
	switch {
	case isNotReady(getUser), isNotReady(query):
		return "", unreachable("role probe", errNotReady)
	case errors.Is(p.getUser.Err(), redis.Nil):
		return "", ErrRefused
	case p.getUser.Err() == nil:
		return store.RoleAdmin, nil
	case query == "NOPERM":
		return store.RoleReadOnly, nil
	default:
		return store.RoleReadWrite, nil
	}
}

// replyCode returns the first word of an error reply, which says its kind, and
// "" where there is none.
func replyCode(err error) string {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return ""
	}
	code, _, _ := strings.Cut(reply.Error(), " ")
	return code
}

// isNotReady reports whether an error reply says that the server cannot serve
// anybody now, or does not know the user.
func isNotReady(code string) bool {
	switch code {
	case "LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOAUTH":
		return true
	}
	return false
}
