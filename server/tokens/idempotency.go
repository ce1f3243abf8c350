package tokens

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/falkorpat/falkorpat/store"
)

// keyLifetime is how long an idempotency key stands for the token that it made.
const keyLifetime = 24 * time.Hour

// ErrKeyReused is returned when an idempotency key comes with another request
// than before.
var ErrKeyReused = errors.New("idempotency key used for another request")

// idempotencyKey binds the key that a client chose to who sent it, for what, and
// to the rest of the request, which holds no password. It is nil for no key.
func (s *Service) idempotencyKey(chosen, operation, caller string, request any) (*store.IdempotencyKey, error) {
	if chosen == "" {
		return nil, nil //nolint:nilnil // no key is no error
	}
	body, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	return &store.IdempotencyKey{
		Hash:      sha256Hex([]byte(strconv.Itoa(len(caller)) + ":" + caller + operation + " " + chosen)),
		BodyHash:  sha256Hex(body),
		ExpiresAt: s.now().Add(keyLifetime),
	}, nil
}

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// replayed gives what an earlier request with the same key made. It returns
// store.ErrNotFound when there was none, or there is no key.
func (s *Service) replayed(ctx context.Context, key *store.IdempotencyKey) (*Issued, error) {
	if key == nil {
		return nil, store.ErrNotFound
	}
	earlier, err := s.store.EarlierToken(ctx, key.Hash, s.now())
	if err != nil {
		return nil, err
	}
	if earlier.BodyHash != key.BodyHash {
		return nil, fmt.Errorf("token %s: %w", earlier.TokenID, ErrKeyReused)
	}
	return &Issued{ID: earlier.TokenID, ExpiresAt: earlier.ExpiresAt, Replayed: true}, nil
}

// once issues a token unless an earlier request with the same key did, also
// where both come at the same time.
func (s *Service) once(ctx context.Context, key *store.IdempotencyKey, issue func() (*Issued, error)) (*Issued, error) {
	issued, err := s.replayed(ctx, key)
	if !errors.Is(err, store.ErrNotFound) {
		return issued, err
	}
	issued, failed := issue()
	if failed == nil {
		return issued, nil
	}
	if issued, err = s.replayed(ctx, key); !errors.Is(err, store.ErrNotFound) {
		return issued, err
	}
	return nil, failed
}
