package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"

	"github.com/falkorpat/falkorpat/gen/api"
	"github.com/falkorpat/falkorpat/server/audit"
	"github.com/falkorpat/falkorpat/server/authn"
	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/server/graph"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/metrics"
	"github.com/falkorpat/falkorpat/server/session"
	"github.com/falkorpat/falkorpat/server/tokens"
	"github.com/falkorpat/falkorpat/server/web"
	"github.com/falkorpat/falkorpat/store"
)

// Options configure New. All but BasePath, TrustedProxies, TokenHeader and Metrics are required.
type Options struct {
	Store     *store.Store
	Directory *instance.Directory
	Keeper    *credentials.Keeper
	Tokens    *tokens.Service
	Sessions  *session.Service
	Graphs    *graph.Service
	History   *audit.Service
	// BasePath is the prefix that everything is served under, as "/pat"; empty
	// for none.
	BasePath string
	// TrustedProxies are the peers whose forwarding headers are believed.
	TrustedProxies []netip.Prefix
	// TokenHeader names the header in which a proxy may ask about a token besides
	// Authorization; empty for none.
	TokenHeader string
	// LocalOnly says that nobody but this machine's programs is to reach the
	// server, so that requests for any other host's name are refused.
	LocalOnly bool
	// Metrics get to know of every request; nil for nobody.
	Metrics *metrics.Metrics
	Now     func() time.Time
	Log     *slog.Logger
	// Requests gets one line for each request.
	Requests *slog.Logger
}

func (o *Options) validate() error {
	switch {
	case o.Store == nil:
		return errors.New("server: Store is missing")
	case o.Directory == nil:
		return errors.New("server: Directory is missing")
	case o.Keeper == nil:
		return errors.New("server: Keeper is missing")
	case o.Tokens == nil:
		return errors.New("server: Tokens is missing")
	case o.Sessions == nil:
		return errors.New("server: Sessions is missing")
	case o.Graphs == nil:
		return errors.New("server: Graphs is missing")
	case o.History == nil:
		return errors.New("server: History is missing")
	case o.Now == nil:
		return errors.New("server: Now is missing")
	case o.Log == nil:
		return errors.New("server: Log is missing")
	case o.Requests == nil:
		return errors.New("server: Requests is missing")
	case o.BasePath != "" && (!strings.HasPrefix(o.BasePath, "/") || strings.HasSuffix(o.BasePath, "/")):
		return errors.New(`server: BasePath must begin with "/" and not end with it`)
	}
	return nil
}

// Server is the HTTP side of falkorpat.
type Server struct {
	store         *store.Store
	directory     *instance.Directory
	keeper        *credentials.Keeper
	tokens        *tokens.Service
	sessions      *session.Service
	graphs        *graph.Service
	history       *audit.Service
	authenticator *authn.Authenticator
	clients       *clients
	localOnly     bool
	origins       *http.CrossOriginProtection
	docs          *docs
	pages         *pages
	metrics       *metrics.Metrics
	now           func() time.Time
	log           *slog.Logger
	requests      *slog.Logger
	http          *http.Server
}

var _ api.StrictServerInterface = (*Server)(nil)

// New makes a Server. It fails on options that make no sense, and on nothing else.
func New(o Options) (*Server, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	clients, err := newClients(o.TrustedProxies)
	if err != nil {
		return nil, err
	}
	spec, text, err := document()
	if err != nil {
		return nil, err
	}
	doc, err := newDocs(spec, text, o.BasePath)
	if err != nil {
		return nil, err
	}
	remembered, err := newPages()
	if err != nil {
		return nil, err
	}
	s := &Server{
		store: o.Store, directory: o.Directory, keeper: o.Keeper, tokens: o.Tokens, sessions: o.Sessions, graphs: o.Graphs, history: o.History,
		authenticator: &authn.Authenticator{Tokens: o.Tokens, Sessions: o.Sessions, TokenHeader: o.TokenHeader},
		clients:       clients,
		localOnly:     o.LocalOnly,
		origins:       http.NewCrossOriginProtection(),
		docs:          doc,
		pages:         remembered,
		metrics:       o.Metrics,
		now:           o.Now,
		log:           o.Log,
		requests:      o.Requests,
	}
	handler, err := s.mount(spec, o.BasePath)
	if err != nil {
		return nil, err
	}
	s.http = &http.Server{
		Handler:           headAsGet(asQuestion(handler, o.BasePath+verifyPath)),
		ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		ErrorLog:       slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	return s, nil
}

// mount puts the stations in their order (see the package's documentation).
func (s *Server) mount(spec *openapi3.T, basePath string) (*echo.Echo, error) {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.handleError
	stations := []echo.MiddlewareFunc{withRequestID, s.located, s.logged, s.recovered, secured, s.localHost, s.sameOrigin}
	if s.metrics != nil {
		stations = append([]echo.MiddlewareFunc{s.measured(spec, basePath)}, stations...)
	}
	e.Use(once(stations...))
	api.RegisterHandlersWithOptions(e, api.NewStrictHandler(s, []api.StrictMiddlewareFunc{onlyGuarded}), api.RegisterHandlersOptions{
		BaseURL: basePath, OperationMiddlewares: s.validators(spec),
	})
	s.docs.mount(e, basePath)
	return e, mountPages(e, basePath)
}

// once puts middlewares around the handlers that Echo finds. Echo would do it anew
// for every request.
func once(middlewares ...echo.MiddlewareFunc) echo.MiddlewareFunc {
	chain := func(c echo.Context) error { return c.Handler()(c) }
	for _, m := range slices.Backward(middlewares) {
		chain = m(chain)
	}
	return func(echo.HandlerFunc) echo.HandlerFunc { return chain }
}

// mountPages serves the browser UI.
func mountPages(e *echo.Echo, basePath string) error {
	pages, err := web.New(web.Options{BasePath: basePath})
	if err != nil {
		return err
	}
	for _, path := range pages.Paths() {
		e.Match([]string{http.MethodGet, http.MethodHead}, basePath+path, echo.WrapHandler(pages))
	}
	return nil
}

// Handler is the whole server as an http.Handler, for tests and benchmarks.
func (s *Server) Handler() http.Handler { return s.http.Handler }

// Serve answers requests until Shutdown, and then returns nil.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	return nil
}

// Shutdown lets requests under way finish, for as long as ctx allows, and then
// ends the rest.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("finish requests: %w", err), s.http.Close())
	}
	return nil
}
