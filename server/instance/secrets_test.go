package instance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// secret stands for everything that a caller typed.
const secret = "hunter2-typed"

func TestErrorsAndLogsHoldNothingThatWasTyped(t *testing.T) {
	t.Parallel()
	// Real servers quote the arguments of a command that they do not know;
	// other peers may send back anything.
	for name, answer := range map[string]string{
		"quoting error":       hello + "-ERR unknown command 'AUTH', with args beginning with: '" + secret + "'\r\n+OK\r\n+OK\r\n",
		"secret as the code":  hello + "-" + secret + " no\r\n+OK\r\n+OK\r\n",
		"secret as the word":  hello + "+" + secret + "\r\n+OK\r\n+OK\r\n",
		"secret in the probe": hello + "+OK\r\n-LOADING " + secret + "\r\n-LOADING " + secret + "\r\n",
		"secret as garbage":   secret + "\r\n",
		"secret as a line":    hello + "+" + secret + "\n",
		"secret as a type":    hello + "*" + secret + "\r\n",
		"refusal":             hello + "-WRONGPASS " + secret + "\r\n-NOAUTH " + secret + "\r\n-NOAUTH " + secret + "\r\n",
		"nothing":             "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, says(answer))
			var log bytes.Buffer
			d := setup(t, p.Addr().String(), withTimeout(time.Second), func(o *Options) {
				o.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			c := at(t, p.Addr().String(), secret, secret)
			elsewhere := c
			elsewhere.Host = "redis://default:" + secret + "@localhost"
			for _, c := range []Credentials{c, elsewhere} {
				_, err := d.Login(t.Context(), c)
				errPing := d.Ping(t.Context(), c)
				if !errors.Is(err, ErrLogin) || !errors.Is(errPing, ErrLogin) {
					t.Errorf("%v and %v, want ErrLogin", err, errPing)
				}
				if text := fmt.Sprintf("%v %+v %#v %v", err, err, errors.Unwrap(err), errPing); strings.Contains(text, secret) {
					t.Errorf("an error holds what was typed: %s", text)
				}
			}
			if strings.Contains(log.String(), secret) {
				t.Errorf("the log holds what was typed: %s", log.String())
			}
			if lines := strings.Count(log.String(), `"msg":"login failed"`); lines != 2 {
				t.Errorf("%d log lines for 2 failed logins: %s", lines, log.String())
			}
		})
	}
}

func TestLogTellsTheOperatorWhichInstanceAndWhy(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	d := setup(t, db.Addr()+","+gone, func(o *Options) { o.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	elsewhere := Credentials{Host: "other.example", Port: 6379}
	for _, test := range []struct {
		c                        Credentials
		level, instance, errText string
	}{
		{at(t, db.Addr(), "nobody", "x"), "INFO", d.Instances()[0].String(), ErrRefused.Error()},
		{at(t, gone, "nobody", "x"), "WARN", d.Instances()[1].String(), ErrUnreachable.Error() + ": dial: "},
		{elsewhere, "INFO", "not allowed", ErrNotAllowed.Error()},
		{at(t, db.Addr(), "default", ""), "", "", ""}, // a login that succeeds says nothing
	} {
		log.Reset()
		_, _ = d.Login(t.Context(), test.c)
		var line struct{ Level, Msg, Instance, Error string }
		if err := json.Unmarshal(log.Bytes(), &line); err != nil && test.level != "" {
			t.Errorf("log of %s: %v", test.errText, err)
		}
		if line.Level != test.level || line.Instance != test.instance || !strings.HasPrefix(line.Error, test.errText) {
			t.Errorf("logged %+v, want %+v", line, test)
		}
	}
}

func TestCredentialsPrintNothingOfThemselves(t *testing.T) {
	t.Parallel()
	c := Credentials{Username: secret, Password: secret, Host: secret, CA: secret}
	nested := struct {
		C Credentials
		P *Credentials
	}{c, &c}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{c, &c, nested, []Credentials{c}} {
			text := fmt.Sprintf(verb, value)
			if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
				t.Errorf("%s of %T prints %s", verb, value, text)
			}
		}
	}
	var log bytes.Buffer
	for _, logger := range []*slog.Logger{slog.New(slog.NewJSONHandler(&log, nil)), slog.New(slog.NewTextHandler(&log, nil))} {
		logger.Info("x", "credentials", c, "pointer", &c)
	}
	if strings.Contains(log.String(), secret) || strings.Count(log.String(), "not shown") != 4 {
		t.Errorf("logged %s", log.String())
	}
}
