package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// keptSecret reads a secret from its file, or makes it and the file. Two
// services that start at once get the same one: whoever links the file first
// wins, and it appears whole or not at all.
func keptSecret(path string, generate func(io.Reader) (string, error)) (string, error) {
	text, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	secret, err := generate(rand.Reader)
	if err != nil {
		return "", err
	}
	if err := writeOnce(path, secret+"\n"); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("keep generated secret: %w", err)
	}
	text, err = os.ReadFile(path)
	return strings.TrimSpace(string(text)), err
}

// writeOnce makes a file of mode 0600, on disk in whole before it has its name.
// It fails with fs.ErrExist when there is one already.
func writeOnce(path, text string) error {
	draft, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = draft.WriteString(text)
	err = errors.Join(err, draft.Sync(), draft.Close())
	if err != nil {
		return err
	}
	return os.Link(draft.Name(), path)
}
