#!/bin/sh
# Fetches what show.mjs needs, the official JavaScript client, unless exactly that is there already.
set -eu
cd "$(dirname "$0")"
if ! cmp -s package-lock.json node_modules/.installed-lock; then
	npm ci --prefer-offline --ignore-scripts --no-audit --no-fund --loglevel=error
	cp package-lock.json node_modules/.installed-lock
fi
