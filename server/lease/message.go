package lease

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The kinds of messages on the store's channels.
const (
	// kindChanged: a change; subject is the changer, names are the tokens.
	kindChanged = "changed"
	// kindGranted: a lease; subject is the stamp of the renewal.
	kindGranted = "granted"
	// kindApplied: a holder has applied all changes up to seq; subject is the holder.
	kindApplied = "applied"
)

// everything stands for the names of a change that concerns too many tokens.
const everything = "*"

// message is what is published: its fields in this order, between blanks.
type message struct {
	kind, server string
	seq          uint64
	subject      string
	// names are the token IDs of a change, between commas, or everything.
	names string
}

var errMessage = errors.New("not a message of this protocol")

func (m message) String() string {
	return fmt.Sprintf("%s %s %d %s", m.kind, m.server, m.seq, m.subject)
}

// parseMessage reads a message.
func parseMessage(text string) (message, error) {
	fields := strings.Split(text, " ")
	if len(fields) < 4 || fields[0] == kindChanged && len(fields) != 5 {
		return message{}, errMessage
	}
	seq, err := strconv.ParseUint(fields[2], 10, 64)
	if err != nil {
		return message{}, errMessage
	}
	m := message{kind: fields[0], server: fields[1], seq: seq, subject: fields[3]}
	if len(fields) > 4 {
		m.names = fields[4]
	}
	return m, nil
}

// parseTable reads what the scripts return.
func parseTable(reply any) (table, error) {
	fields, _ := reply.([]any)
	if len(fields) != 4 {
		return table{}, errMessage
	}
	server, _ := fields[0].(string)
	count, _ := fields[1].(string)
	settled, _ := fields[2].(int64)
	pairs, _ := fields[3].([]any)
	seq, err := strconv.ParseUint(count, 10, 64)
	if err != nil || server == "" || len(pairs)%2 != 0 {
		return table{}, errMessage
	}
	t := table{server: server, seq: seq, settled: settled == 1, holders: make(map[string]string, len(pairs)/2)}
	for i := 0; i < len(pairs); i += 2 {
		holder, _ := pairs[i].(string)
		t.holders[holder], _ = pairs[i+1].(string)
	}
	return t, nil
}
