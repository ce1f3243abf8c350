#!/usr/bin/env bash
# Sees to it that there is a Chromium for the browser tests. It installs one
# only where it may, and says what to do elsewhere.
set -euo pipefail
for name in chromium chromium-browser google-chrome google-chrome-stable; do
	if command -v "$name" >/dev/null; then exit 0; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "browser: installing chromium" >&2
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq update
	apt-get -qq install -y --no-install-recommends chromium >/dev/null
	exit 0
fi
echo "browser: the browser tests need Chromium. Install your system's package (Debian, Ubuntu: sudo apt install chromium) and try again." >&2
exit 1
