package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/falkorpat/falkorpat/server/audit"
	"github.com/falkorpat/falkorpat/store"
)

type auditCommand struct {
	Verify auditVerifyCommand `cmd:"" help:"Check an export of the history: that no event was changed, removed, moved or put in."`
}

type auditVerifyCommand struct {
	File       string    `arg:"" help:"The export, as GET /api/auth/events?format=ndjson gives it; - for standard input."`
	Output     string    `enum:"text,json" default:"text" help:"How to tell the verdict: ${enum}."`
	ExpectHead chainHead `placeholder:"SEQ:HASH" help:"A head that was noted earlier, which the chain must still hold."`
}

// chainHead is a place in a chain as SEQ:HASH; nil when not given.
type chainHead struct{ place *store.ChainPlace }

var headPattern = regexp.MustCompile(`^([1-9][0-9]{0,17}):([0-9A-Za-z_-]{43})$`)

// UnmarshalText reads a flag.
func (h *chainHead) UnmarshalText(text []byte) error {
	parts := headPattern.FindStringSubmatch(string(text))
	if parts == nil {
		return errors.New("must be SEQ:HASH, as a verdict tells it")
	}
	seq, err := strconv.ParseInt(parts[1], 10, 64)
	h.place = &store.ChainPlace{Seq: seq, Hash: parts[2]}
	return err
}

// Run verifies. A broken chain is an error.
func (c *auditVerifyCommand) Run(env *environment) error {
	var export io.Reader = os.Stdin
	if c.File != "-" {
		file, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		export = file
	}
	verdict, err := audit.Verify(export, c.ExpectHead.place)
	if err != nil {
		return err
	}
	if err := c.tell(env.stdout, verdict); err != nil {
		return err
	}
	if !verdict.Intact {
		return fmt.Errorf("the chain of %s is broken at event %d", verdict.Instance, verdict.BadSeq)
	}
	return nil
}

func (c *auditVerifyCommand) tell(out io.Writer, v *audit.Verdict) error {
	if c.Output == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(v)
	}
	var b strings.Builder
	if v.Intact {
		fmt.Fprintf(&b, "INTACT: %d events of %s", v.Events, v.Instance)
		if v.Events > 0 {
			fmt.Fprintf(&b, ", from %d to %d, none changed, missing or moved", v.Anchor.Seq+1, v.Head.Seq)
		}
		fmt.Fprintf(&b, ".\n")
	} else {
		fmt.Fprintf(&b, "BROKEN at event %d of %s: %s.\nThe %d events before it are intact.\n", v.BadSeq, v.Instance, v.Why, v.Events)
	}
	if v.Anchor.Seq > 0 {
		fmt.Fprintf(&b, "Events up to %d were deleted when their time was over; %s is the hash of the last one.\n", v.Anchor.Seq, v.Anchor.Hash)
	}
	if v.Intact && v.Head.Seq > 0 {
		fmt.Fprintf(&b, "Keep the head where nobody who can write to the store can: %d:%s\n", v.Head.Seq, v.Head.Hash)
	}
	_, err := io.WriteString(out, b.String())
	return err
}
