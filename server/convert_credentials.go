package server

import (
	"github.com/falkorpat/falkorpat/gen/api"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/tokens"
)

// fromRebindToken reads a password that shall stand behind a token.
func fromRebindToken(body *api.RebindTokenRequest) (tokens.RebindRequest, error) {
	request := tokens.RebindRequest{Password: body.Password}
	tls, given := fromRebindTLS(body.TLS)
	if given {
		request.Transport = &tokens.Transport{TLS: tls, CA: body.Ca}
	}
	return request, checkCA(body.Ca, tls)
}

func fromRebindTLS(t api.RebindTokenRequest_TLS) (on, given bool) {
	if on, err := t.AsRebindTokenRequestTLS0(); err == nil {
		return on, true
	}
	text, err := t.AsRebindTokenRequestTLS1()
	return text == "true", err == nil
}

func checkCA(ca string, tls bool) error {
	if ca != "" && !tls {
		return &tokens.FieldError{Field: "ca", Message: "must be given only with tls"}
	}
	if err := instance.ValidateCA(ca); err != nil {
		return &tokens.FieldError{Field: "ca", Message: "must be base64 of a PEM bundle of certificates"}
	}
	return nil
}
