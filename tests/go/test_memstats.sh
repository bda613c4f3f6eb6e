#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What gomemctl spans reads from outside against what runtime.MemStats and runtime/metrics
# say inside, at the same quiet moment, to the byte; for each Go of tests/vm/toolchains,
# with and without DWARF, and stripped. As PIE, with cgo, and as a library in a C program:
# of the newest, and of each with "all". TAP.
#
#	test_memstats.sh [all]
# shellcheck disable=SC2016 # jq's variables
set -uo pipefail

# shellcheck source=tests/go/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
cd "$here/../.." || exit 1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
what=${1:-}
attempts=20	# to find a moment at which the runtime's background work rests

# Reads a running fixture until it says the same before and after; into $memstats, $spans
quiet_read()
{
	local pid=$1 to=$2 from=$3 again i

	read -r memstats <&"$from"
	for ((i = 0; i < attempts; i++)); do
		spans=$(./gomemctl spans -p "$pid" --json 2>&1) || return
		echo >&"$to"
		read -r again <&"$from"
		[ "$memstats" = "$again" ] && return
		memstats=$again
		sleep 0.3
	done
	spans="the program was never quiet"
	return 1
}

# Complaints about totals that differ
totals='[.totals[0] as $got | $memstats | del(.by_size, .classes) | to_entries[] |
	select($got[.key] != .value) |
	"\(.key): expected \(.value), from runtime.MemStats; came \($got[.key])"] | .[]'
# The same in the words of runtime/metrics: Go src/runtime/metrics/description.go
# shellcheck disable=SC2089 # these are jq's quotes
metrics='[.totals[0] | . as $t | {
	"heap/free": (.heap_idle_bytes - .heap_released_bytes),
	"heap/objects": .heap_alloc_bytes,
	"heap/released": .heap_released_bytes,
	"heap/stacks": .stack_inuse_bytes,
	"heap/unused": (.heap_inuse_bytes - .heap_alloc_bytes),
	"metadata/mcache/free": (.mcache_sys_bytes - .mcache_inuse_bytes),
	"metadata/mcache/inuse": .mcache_inuse_bytes,
	"metadata/mspan/free": (.mspan_sys_bytes - .mspan_inuse_bytes),
	"metadata/mspan/inuse": .mspan_inuse_bytes,
	"metadata/other": .gc_sys_bytes,
	"os-stacks": (.stack_sys_bytes - .stack_inuse_bytes),
	"other": .other_sys_bytes,
	"profiling/buckets": .buckhash_sys_bytes,
	"total": (.heap_sys_bytes + .stack_sys_bytes + .mspan_sys_bytes + .mcache_sys_bytes +
		.gc_sys_bytes + .other_sys_bytes + .buckhash_sys_bytes)
	} as $got | $memstats.classes | to_entries[] |
	(.key | ltrimstr("/memory/classes/") | rtrimstr(":bytes")) as $name |
	select($got[$name] != .value) |
	"\($name): expected \(.value), from runtime/metrics; came \($got[$name])"] | .[]'
# MemStats.BySize has the small classes only
classes='[(.spans | map({key: "\(.elem_bytes)", value: .objects}) | from_entries) as $got |
	$memstats.by_size[] | select(.elem_bytes > 0) |
	select(($got["\(.elem_bytes)"] // 0) != .objects) |
	"objects of \(.elem_bytes) B: expected \(.objects), from MemStats.BySize; came \(
	$got["\(.elem_bytes)"])"] | .[]'
layout='.totals[0].layout | select(. != $expected) |
	"expected \($expected), by how it was linked; came \(.)"'

complaints()
{
	jq -r --argjson memstats "$memstats" --arg expected "$2" "$1" <<<"$spans" 2>&1
}

# compare NAME PROGRAM LAYOUT [ARGUMENT...]
compare()
{
	local name=$1 program=$2 expected=$3

	coproc fixture { exec "$program" "${@:4}"; }
	# shellcheck disable=SC2154 # coproc sets it
	if quiet_read "$fixture_PID" "${fixture[1]}" "${fixture[0]}"; then
		result "$name: totals" "$(complaints "$totals" '')"
		case $name in
		go1.15*) ;; # runtime/metrics came with Go 1.16
		*) result "$name: runtime/metrics" "$(complaints "$metrics" '')" ;;
		esac
		result "$name: objects by size" "$(complaints "$classes" '')"
		result "$name: layout from $expected" "$(complaints "$layout" "$expected")"
	else
		result "$name" "${spans:-nothing was printed}"
	fi
	kill "$fixture_PID"
	wait "$fixture_PID" 2>/dev/null
}

# refused NAME PROGRAM WORDS: gomemctl must fail and its sentence have WORDS
refused()
{
	local said status

	coproc fixture { exec "$2" 1000; }
	sleep 0.5
	said=$(./gomemctl spans -p "$fixture_PID" 2>&1)
	status=$?
	kill "$fixture_PID"
	wait "$fixture_PID" 2>/dev/null
	[[ $status = 1 && $said == *"$3"* ]] && said=
	result "$1 is refused" "${said:+expected exit 1 and \"$3\"; came $status: $said}"
}

# The builds that every Go is tried with each time
plain()
{
	local minor=$1

	if build "go$minor" "$minor" fixture; then
		compare "go$minor" "$tmp/go$minor" DWARF
		compare "go$minor released" "$tmp/go$minor" DWARF release
	fi
	build "go$minor-w" "$minor" fixture -ldflags=-w &&
		compare "go$minor without DWARF" "$tmp/go$minor-w" "table for go$minor" release
	build "go$minor-s" "$minor" fixture '-ldflags=-s -w' &&
		compare "go$minor stripped" "$tmp/go$minor-s" "table for go$minor"
}

# without_sections PROGRAM: into PROGRAM-sectionless; what stripping cannot do but packers do
without_sections()
{
	cp "$1" "$1-sectionless"
	# e_shoff, and e_shentsize, e_shnum, e_shstrndx of its header
	dd of="$1-sectionless" if=/dev/zero bs=1 seek=40 count=8 conv=notrunc status=none
	dd of="$1-sectionless" if=/dev/zero bs=1 seek=58 count=6 conv=notrunc status=none
}

# variant NAME MINOR FLAG...: with symbols, stripped, and without section headers
variant()
{
	local name="go$2 $1" to="go$2-${1// /-}"

	build "$to" "$2" fixture "${@:3}" && compare "$name" "$tmp/$to" DWARF
	build "$to-s" "$2" fixture "${@:3}" '-ldflags=-s -w' || return
	compare "$name stripped" "$tmp/$to-s" "table for go$2" release
	without_sections "$tmp/$to-s"
	compare "$name without sections" "$tmp/$to-s-sectionless" "table for go$2"
}

# library MINOR: in a C program; its own file has symbols that say nothing of Go
library()
{
	local minor=$1 to="$tmp/go$1.so" name="go$1 c-shared"

	build "go$minor.so" "$minor" fixture -buildmode=c-shared &&
		compare "$name" "$tmp/host" DWARF "$to"
	build "go$minor.so" "$minor" fixture -buildmode=c-shared '-ldflags=-s -w' || return
	compare "$name stripped" "$tmp/host" "table for go$minor" "$to" release
	without_sections "$to"
	compare "$name without sections" "$tmp/host" "table for go$minor" "$to-sectionless"
}

more()
{
	local minor=$1

	variant PIE "$minor" -buildmode=pie
	CGO_ENABLED=1 variant cgo "$minor"
	CGO_ENABLED=1 variant 'cgo PIE' "$minor" -buildmode=pie
	CGO_ENABLED=1 library "$minor"
}

gcc -o "$tmp/host" "$here/host.c" -ldl || exit 1
for minor in ${MINORS:-$(minors)}; do
	plain "$minor"
	[ "$what" != all ] || more "$minor"
done
[ "$what" = all ] || more "$minor"
refused "a program that is not Go" sleep "not a Go program"
done_testing
