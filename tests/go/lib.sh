# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the Go scripts share: toolchains from the cache, and the fixture built with them.

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
cache=${GOMEM_CACHE:-$HOME/.cache/gomem}

minors()
{
	grep -v '^#' "$here/../vm/toolchains" | cut -f 1
}

# go_build MINOR OUTPUT PROGRAM [FLAG...]: tests/go/PROGRAM, as a module of that Go's own
# version; with cgo where CGO_ENABLED=1; by another go command where $go says so
go_build()
{
	local minor=$1 output=$2 dir

	dir=$(mktemp -d)
	cp "$here/$3"/*.go "$dir"
	printf 'module fixture\n\ngo %s\n' "$minor" >"$dir/go.mod"
	(cd "$dir" && CGO_ENABLED=${CGO_ENABLED:-0} "${go:-$cache/go/$minor/bin/go}" build -p 2 \
		-o "$output" "${@:4}" .)
	rm -r "$dir"
}

count=0

# result WHAT COMPLAINTS
result()
{
	count=$((count + 1))
	if [ -z "$2" ]; then
		echo "ok $count - $1"
		return
	fi
	echo "not ok $count - $1"
	# shellcheck disable=SC2001 # each line
	sed 's/^/# /' <<<"$2"
}

# build NAME MINOR PROGRAM [FLAG...]: into $tmp/NAME; false where that failed, which is a
# failed test
build()
{
	local log

	# shellcheck disable=SC2154 # the caller's
	log=$(go_build "$2" "$tmp/$1" "${@:3}" 2>&1) && return
	result "$1 builds" "$log"
	return 1
}

done_testing()
{
	echo "1..$count"
}
