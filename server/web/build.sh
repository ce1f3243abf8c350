#!/bin/sh
# Generates the SDK's types from openapi.yaml, checks and tests the UI's sources, and builds them into dist/, which is
# committed and embedded. Run twice, it changes nothing the second time; once it has fetched its packages, it needs no
# network. "build.sh packages" only fetches, for the browser tests, which check the pages with axe.
set -eu
cd "$(dirname "$0")"

# install fetches what the lock file names, unless exactly that is there already.
install() {
	if ! cmp -s package-lock.json node_modules/.installed-lock; then
		npm ci --prefer-offline --ignore-scripts --no-audit --no-fund --loglevel=error
		cp package-lock.json node_modules/.installed-lock
	fi
}

install
if [ "${1:-}" = packages ]; then exit 0; fi
(
	cd ../../gen/typescript
	install
	npm run --silent generate
)
npm run --silent check
npm test --silent
npm run --silent bundle
