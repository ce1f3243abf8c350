#!/usr/bin/env bash
# proxies.sh DIR: sees to it that there is an nginx and a Caddy for the tests
# behind a proxy. What the system does not have is unpacked into DIR, from the
# distribution's packages: nothing is installed and no service started.
set -euo pipefail
dir=$1
export PATH=$dir/usr/sbin:$dir/usr/bin:$PATH:/usr/sbin
missing=()
for name in nginx caddy; do
	command -v "$name" >/dev/null || missing+=("$name")
done
if [ ${#missing[@]} = 0 ]; then exit 0; fi
if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
	echo "proxies: the tests behind a proxy need nginx and Caddy. Install your system's packages (${missing[*]}) and try again." >&2
	exit 1
fi
echo "proxies: fetching ${missing[*]} into $dir" >&2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch" # apt drops root's rights to download
cd "$scratch"
if ! apt-get -qq download "${missing[@]}" 2>/dev/null; then
	# The lists of packages may be old, and only root may renew them.
	if [ "$(id -u)" = 0 ]; then apt-get -qq update; fi
	if ! apt-get -qq download "${missing[@]}"; then
		echo "proxies: ${missing[*]} cannot be fetched. Try 'sudo apt-get update', or install them, and try again." >&2
		exit 1
	fi
fi
mkdir -p "$dir"
for package in ./*.deb; do dpkg -x "$package" "$dir"; done
for name in nginx caddy; do
	if ! "$name" version >/dev/null 2>&1 && ! "$name" -v >/dev/null 2>&1; then
		echo "proxies: $name does not run here. Install your system's package and try again." >&2
		exit 1
	fi
done
