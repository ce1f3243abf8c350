package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"

	"github.com/labstack/echo/v4"
)

// bareArgument makes this program the bare handler instead.
const bareArgument = "serve-bare"

// canned is an answer that the bare handler gives.
type canned struct {
	Path string `json:"path"`
	Body []byte `json:"body"`
}

// serveBare answers GET and POST with bytes that it was given, until its
// standard input ends. Its first line of output is its address.
func serveBare(in io.Reader, out, errs io.Writer) int {
	decoder := json.NewDecoder(in)
	var answers []canned
	if err := decoder.Decode(&answers); err != nil {
		fmt.Fprintln(errs, err)
		return 1
	}
	e := echo.New()
	for _, answer := range answers {
		handler := func(c echo.Context) error {
			if _, err := io.Copy(io.Discard, c.Request().Body); err != nil {
				return err
			}
			return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, answer.Body)
		}
		e.GET(answer.Path, handler)
		e.POST(answer.Path, handler)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once or never
	if err != nil {
		fmt.Fprintln(errs, err)
		return 1
	}
	fmt.Fprintln(out, listener.Addr())
	server := &http.Server{Handler: e, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, decoder.Buffered())
		_, _ = io.Copy(io.Discard, in)
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		fmt.Fprintln(errs, err)
		return 1
	}
	return 0
}

// startBare starts the bare handler in a process of its own, as the service has
// one, and gives its address and what ends it.
func startBare(ctx context.Context, answers []canned) (addr string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	command := exec.CommandContext(ctx, self, bareArgument)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := command.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = in.Close()
		_ = command.Wait()
	}
	if err := json.NewEncoder(in).Encode(answers); err != nil {
		stop()
		return "", nil, err
	}
	if _, err := fmt.Fscanln(bufio.NewReader(out), &addr); err != nil {
		stop()
		return "", nil, fmt.Errorf("bare handler did not start: %w", err)
	}
	return addr, stop, nil
}
