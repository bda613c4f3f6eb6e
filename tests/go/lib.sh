# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the Go scripts share: toolchains from the cache, and the fixture built with them.

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
cache=${GOMEM_CACHE:-$HOME/.cache/gomem}

minors()
{
	grep -v '^#' "$here/../vm/toolchains" | cut -f 1
}

# go_build MINOR OUTPUT [FLAG...]: the fixture, as a module of that Go's own version;
# with cgo where CGO_ENABLED=1
go_build()
{
	local minor=$1 output=$2 dir

	dir=$(mktemp -d)
	cp "$here"/fixture/*.go "$dir"
	printf 'module fixture\n\ngo %s\n' "$minor" >"$dir/go.mod"
	(cd "$dir" && CGO_ENABLED=${CGO_ENABLED:-0} "$cache/go/$minor/bin/go" build -p 2 \
		-o "$output" "${@:3}" .)
	rm -r "$dir"
}
