package graph

import (
	"strconv"

	"github.com/falkorpat/falkorpat/server/resp"
)

// node appends a node: its ID, the numbers of its labels, its properties.
func (d *decoder) node(b []byte, depth int) ([]byte, error) {
	if err := d.array(3); err != nil {
		return b, err
	}
	id, err := d.integer()
	if err != nil {
		return b, err
	}
	b = append(strconv.AppendInt(append(b, `{"id":`...), id, 10), `,"labels":[`...)
	labels, err := d.next(resp.Array)
	if err != nil {
		return b, err
	}
	for i := range labels.N {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = d.name(b, labelNames); err != nil {
			return b, err
		}
	}
	if b, err = d.properties(append(b, `],"properties":`...), depth); err != nil {
		return b, err
	}
	return append(b, '}'), nil
}

// edge appends an edge: its ID, the number of its type, the IDs of the nodes at
// its ends, its properties.
func (d *decoder) edge(b []byte, depth int) ([]byte, error) {
	if err := d.array(5); err != nil {
		return b, err
	}
	id, err := d.integer()
	if err != nil {
		return b, err
	}
	b = append(strconv.AppendInt(append(b, `{"id":`...), id, 10), `,"type":`...)
	if b, err = d.name(b, typeNames); err != nil {
		return b, err
	}
	for _, end := range [...]string{`,"source":`, `,"target":`} {
		if id, err = d.integer(); err != nil {
			return b, err
		}
		b = strconv.AppendInt(append(b, end...), id, 10)
	}
	if b, err = d.properties(append(b, `,"properties":`...), depth); err != nil {
		return b, err
	}
	return append(b, '}'), nil
}

// properties appends a node's or edge's properties.
func (d *decoder) properties(b []byte, depth int) ([]byte, error) {
	frame, err := d.next(resp.Array)
	if err != nil {
		return b, err
	}
	b = append(b, '{')
	for i := range frame.N {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = d.property(b, depth); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// property appends one property, which is a value with the number of its name
// in front.
func (d *decoder) property(b []byte, depth int) ([]byte, error) {
	if err := d.array(3); err != nil {
		return b, err
	}
	b, err := d.name(b, keyNames)
	if err != nil {
		return b, err
	}
	return d.tagged(append(b, ':'), depth+1)
}

// path appends a path: the list of its nodes and the list of its edges.
func (d *decoder) path(b []byte, depth int) ([]byte, error) {
	if err := d.array(2); err != nil {
		return b, err
	}
	for _, part := range [...]string{`{"nodes":`, `,"edges":`} {
		var err error
		if b, err = d.value(append(b, part...), depth+1); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// name appends the name that the next number stands for.
func (d *decoder) name(b []byte, kind nameKind) ([]byte, error) {
	id, err := d.integer()
	if err != nil {
		return b, err
	}
	quoted, ok := d.names.quoted(kind, id)
	if !ok {
		if d.names, err = d.refresh(); err != nil {
			return b, err
		}
		if quoted, ok = d.names.quoted(kind, id); !ok {
			return b, errShape
		}
	}
	return append(b, quoted...), nil
}
