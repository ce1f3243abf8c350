// Package falkorpat holds the contract of the service: openapi.yaml, from which
// everything in gen/ is made. The program is in cmd/falkorpat.
package falkorpat

import _ "embed"

//go:generate go tool -modfile=tools/go.mod oapi-codegen -config gen/api.cfg.yaml openapi.yaml
//go:generate go tool -modfile=tools/go.mod oapi-codegen -config gen/spec.cfg.yaml openapi.yaml
//go:generate go tool -modfile=tools/go.mod oapi-codegen -config gen/client.cfg.yaml openapi.yaml

// OpenAPI is openapi.yaml as its authors wrote it.
//
//go:embed openapi.yaml
var OpenAPI []byte
