package graph

import (
	"strconv"
	"time"
)

// appendTemporal appends one of the temporal types, which FalkorDB tells in
// seconds, as ISO 8601.
func (d *decoder) appendTemporal(b []byte, name string, appendISO func([]byte, int64) []byte, seconds int64) []byte {
	if d.format.Typed {
		return append(appendTextISO(openTyped(b, name), appendISO, seconds), '}')
	}
	return appendTextISO(b, appendISO, seconds)
}

func appendTextISO(b []byte, appendISO func([]byte, int64) []byte, seconds int64) []byte {
	return append(appendISO(append(b, '"'), seconds), '"')
}

// appendDatetime, appendDate and appendTime write local times: FalkorDB knows
// no time zones.
func appendDatetime(b []byte, seconds int64) []byte {
	return time.Unix(seconds, 0).UTC().AppendFormat(b, "2006-01-02T15:04:05")
}

func appendDate(b []byte, seconds int64) []byte {
	return time.Unix(seconds, 0).UTC().AppendFormat(b, time.DateOnly)
}

func appendTime(b []byte, seconds int64) []byte {
	return time.Unix(seconds, 0).UTC().AppendFormat(b, time.TimeOnly)
}

// appendDuration writes a duration as FalkorDB does, which counts its years and
// months from the beginning of 1970: what is written P1Y2M is told as P1Y2M. A
// negative one is the same with a minus in front.
func appendDuration(b []byte, seconds int64) []byte {
	if seconds == 0 {
		return append(b, "PT0S"...)
	}
	if seconds < 0 {
		b = append(b, '-')
		seconds = -seconds
	}
	t := time.Unix(seconds, 0).UTC()
	b = append(b, 'P')
	b = appendPart(b, t.Year()-1970, 'Y')
	b = appendPart(b, int(t.Month())-1, 'M')
	b = appendPart(b, t.Day()-1, 'D')
	if seconds%(24*60*60) == 0 {
		return b
	}
	b = append(b, 'T')
	b = appendPart(b, t.Hour(), 'H')
	b = appendPart(b, t.Minute(), 'M')
	return appendPart(b, t.Second(), 'S')
}

func appendPart(b []byte, n int, unit byte) []byte {
	if n == 0 {
		return b
	}
	return append(strconv.AppendInt(b, int64(n), 10), unit)
}
