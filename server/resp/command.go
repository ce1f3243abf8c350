package resp

import "strconv"

// AppendCommand appends a command as it is sent.
func AppendCommand(b []byte, args ...string) []byte {
	b = strconv.AppendInt(append(b, '*'), int64(len(args)), 10)
	for _, arg := range args {
		b = strconv.AppendInt(append(b, "\r\n$"...), int64(len(arg)), 10)
		b = append(append(b, "\r\n"...), arg...)
	}
	return append(b, "\r\n"...)
}
