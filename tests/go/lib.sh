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
# version; with cgo where CGO_ENABLED=1, as a library, too; for another machine where GOARCH
# says so; by another go command where $go does. What was built stays in build/go, where go finds
# it the next time and links only what has changed.
go_build()
{
	local minor=$1 dir=$here/../../build/go/$1/${3##*/} cgo=${CGO_ENABLED:-0} way

	way=cgo=$cgo,${GOARCH:-amd64},${*:4}
	mkdir -p "$dir/src"
	(
		flock 9
		rm -f "$dir"/src/*
		cp "$here/$3"/*.go "$here/cgo.go" "$dir/src"
		printf 'module fixture\n\ngo %s\n' "$minor" >"$dir/src/go.mod"
		cd "$dir/src" && CGO_ENABLED=$cgo "${go:-$cache/go/$minor/bin/go}" build -p 2 \
			-o "../${way// /}" "${@:4}" . && cp "../${way// /}" "$2"
	) 9>"$dir/lock"
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

# ways MINOR PROGRAM TRY: PROGRAM as else a Go can build it, PIE, with cgo, with both, and as a
# library in a C program, each with symbols and stripped; of each, TRY NAME COMMAND...
ways()
{
	local minor=$1 way name cgo command flags

	[ -e "$tmp/host" ] || gcc -o "$tmp/host" "$here/host.c" -ldl || return
	for way in PIE{,-stripped} cgo{,-stripped} cgo-PIE{,-stripped} c-shared{,-stripped}; do
		name=go$minor-$way cgo=1 flags=()
		command=("$tmp/$name")
		case $way in
		PIE*) cgo=0 flags=(-buildmode=pie) ;;
		cgo-PIE*) flags=(-buildmode=pie) ;;
		c-shared*)
			flags=(-buildmode=c-shared)
			command=("$tmp/host" "$tmp/$name")
			;;
		esac
		case $way in *-stripped) flags+=('-ldflags=-s -w') ;; esac
		CGO_ENABLED=$cgo build "$name" "$minor" "$2" "${flags[@]}" &&
			"$3" "$name" "${command[@]}"
	done
}

# skip WHAT WHY
skip()
{
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

# leave_core PID WHAT: kills a program that runs in $tmp, by the kernel's core of it, which is
# $tmp/left then; false where the kernel hands cores to others, so that WHAT is not tested
leave_core()
{
	local pattern

	read -r pattern </proc/sys/kernel/core_pattern
	if [ "$pattern" != core ]; then
		skip "$2" "core_pattern is $pattern"
		return 1
	fi
	kill -ABRT "$1"
	wait "$1" 2>/dev/null
	mv "$(find "$tmp" -maxdepth 1 -name core -o -name 'core.*')" "$tmp/left"
}

done_testing()
{
	echo "1..$count"
}
