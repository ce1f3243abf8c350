package server

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/falkorpat/falkorpat/gen/api"
)

// maxFieldErrors bounds how many fields one answer names.
const maxFieldErrors = 20

func bounded(fields []api.FieldError) []api.FieldError {
	return fields[:min(len(fields), maxFieldErrors)]
}

// fieldError keeps within the lengths that openapi.yaml promises.
func fieldError(field, message string) api.FieldError {
	return api.FieldError{Field: truncate(field, 200), Message: truncate(message, 500)}
}

func truncate(s string, characters int) string {
	runes := []rune(s)
	if len(runes) <= characters {
		return s
	}
	return string(runes[:characters-1]) + "…"
}

// fieldErrors turns what the validation found into fields and phrases.
func fieldErrors(err error) []api.FieldError {
	var fields []api.FieldError
	collect(err, "body", &fields)
	fields = slices.CompactFunc(fields, func(a, b api.FieldError) bool { return a.Field == b.Field }) // the first fault is enough
	if len(fields) == 0 {
		fields = append(fields, fieldError("body", "is not what this operation takes"))
	}
	return bounded(fields)
}

func collect(err error, at string, fields *[]api.FieldError) {
	var schema *openapi3.SchemaError
	switch e := err.(type) { //nolint:errorlint // a walk down the tree, node by node
	case openapi3.MultiError:
		for _, one := range e {
			collect(one, at, fields)
		}
	case *openapi3filter.RequestError:
		if e.Parameter != nil {
			at = e.Parameter.Name
		}
		collectRequestError(e, at, fields)
	default:
		if errors.As(err, &schema) {
			*fields = append(*fields, fromSchemaError(schema, at))
			return
		}
		*fields = append(*fields, fieldError(at, "is malformed"))
	}
}

func collectRequestError(e *openapi3filter.RequestError, at string, fields *[]api.FieldError) {
	switch {
	case errors.Is(e.Err, openapi3filter.ErrInvalidRequired):
		*fields = append(*fields, fieldError(at, "is required"))
	case e.Err == nil:
		*fields = append(*fields, fieldError(at, "is malformed"))
	default:
		collect(e.Err, at, fields)
	}
}

// fromSchemaError names the field and says what would be accepted: what the
// document demands, never the value that was sent.
func fromSchemaError(e *openapi3.SchemaError, at string) api.FieldError {
	path := e.JSONPointer()
	if at != "body" {
		path = append([]string{at}, path...) // an item of a parameter that is a list
	}
	if len(path) > 0 {
		at = strings.Join(path, ".")
	}
	if e.SchemaField == "properties" || e.SchemaField == "additionalProperties" {
		if name, ok := quoted(e.Reason); ok {
			return fieldError(name, "is not a field of this request")
		}
	}
	return fieldError(at, demand(e))
}

// demand says what a schema asks for, as a phrase.
func demand(e *openapi3.SchemaError) string {
	s := e.Schema
	switch e.SchemaField {
	case "required":
		return "is required"
	case "nullable":
		return "must not be null"
	case "type":
		return "must be of type " + strings.Join(s.Type.Slice(), " or ")
	case "oneOf":
		return "must be as documented: " + strings.TrimSpace(s.Description)
	case "enum":
		return "must be one of " + strings.Trim(fmt.Sprint(s.Enum), "[]")
	case "format":
		return "must be a valid " + s.Format
	case "pattern":
		return "must match " + s.Pattern
	case "minimum":
		return fmt.Sprintf("must be at least %.0f", *s.Min)
	case "maximum":
		return fmt.Sprintf("must be at most %.0f", *s.Max)
	case "minProperties":
		return fmt.Sprintf("must hold at least %d field", s.MinProps)
	case "minItems":
		return fmt.Sprintf("must hold at least %d item", s.MinItems)
	case "maxItems":
		return fmt.Sprintf("must hold at most %d items", *s.MaxItems)
	case "uniqueItems":
		return "must not hold an item twice"
	case "minLength":
		return fmt.Sprintf("must have at least %d characters", s.MinLength)
	case "maxLength":
		return fmt.Sprintf("must have at most %d characters", *s.MaxLength)
	default:
		return "is not valid"
	}
}

// quoted takes the first text in double quotes out of a sentence.
func quoted(sentence string) (string, bool) {
	_, rest, ok := strings.Cut(sentence, `"`)
	if !ok {
		return "", false
	}
	end := strings.LastIndexByte(rest, '"')
	if end < 0 {
		return "", false
	}
	return rest[:end], true
}
