// Package web serves the browser UI: the sign-in page and
// Settings > Personal Access Tokens.
//
// The UI is a small single-page program in TypeScript (src/). build.sh checks
// it, builds it into dist/ and compresses it; what it built is committed and
// embedded here, so that the Go tool alone makes the whole program. The page
// talks to the service through the API and the generated SDK only, like every
// other client.
//
// This package knows files and headers, nothing else: which assets there are,
// how long a browser may keep them, which encoding it gets, and the
// Content-Security-Policy. Files whose names hold a hash of their content are
// immutable; index.html names them and is asked for anew every time. The same
// build serves under every path prefix: index.html has a <base> element that
// New fills in, and every address in the UI is relative to it.
package web
