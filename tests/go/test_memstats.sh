#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What gomemctl spans reads from outside against what runtime.MemStats says inside, at
# the same quiet moment, to the byte; for each Go of tests/vm/toolchains, with and
# without DWARF, and for PIE and cgo programs of the newest. TAP.
# shellcheck disable=SC2016 # jq's variables
set -uo pipefail

# shellcheck source=tests/go/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
cd "$here/../.." || exit 1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
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
totals='[.totals[0] as $got | $memstats | del(.by_size) | to_entries[] |
	select($got[.key] != .value) |
	"\(.key): expected \(.value), from runtime.MemStats; came \($got[.key])"] | .[]'
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

each_minor()
{
	local minor=$1

	if build "go$minor" "$minor" fixture; then
		compare "go$minor" "$tmp/go$minor" DWARF
		compare "go$minor released" "$tmp/go$minor" DWARF release
	fi
	build "go$minor-w" "$minor" fixture -ldflags=-w &&
		compare "go$minor without DWARF" "$tmp/go$minor-w" "table for go$minor" release
}

newest()
{
	local minor=$1

	build pie "$minor" fixture -buildmode=pie && compare "go$minor PIE" "$tmp/pie" DWARF
	CGO_ENABLED=1 build cgo "$minor" fixture && compare "go$minor cgo" "$tmp/cgo" DWARF
	CGO_ENABLED=1 build cgo-pie "$minor" fixture -buildmode=pie &&
		compare "go$minor cgo PIE" "$tmp/cgo-pie" DWARF
	build stripped "$minor" fixture -ldflags=-s &&
		refused "a stripped program" "$tmp/stripped" "stripped: it has no symbols"
}

for minor in $(minors); do
	each_minor "$minor"
done
newest "$minor"
refused "a program that is not Go" sleep "not a Go program"
done_testing
