#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What gomemctl reads from a core against what it read from the process before, at a quiet
# moment: cores of gcore and of the kernel, of plain and PIE programs, and with "all" of each Go
# built in every way. And what it says of cores that were cut short, and of programs that are not
# the core's. TAP.
#
#	test_core.sh [all]
set -uo pipefail

# shellcheck source=tests/go/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
cd "$here/../.." || exit 1
what=${1:-}
gomemctl=$PWD/gomemctl
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
attempts=20	# to find a moment at which the runtime's background work rests

# start COMMAND...
start()
{
	coproc fixture { ulimit -c unlimited; cd "$tmp" && GOTRACEBACK=crash exec "$@" 2>/dev/null; }
	# shellcheck disable=SC2154 # coproc sets them
	pid=$fixture_PID
	read -r said <&"${fixture[0]}"
}

# Into $live, when the program said the same before and after
quiet_read()
{
	local again i

	for ((i = 0; i < attempts; i++)); do
		live=$("$gomemctl" spans -p "$pid" --json 2>&1) || return
		echo >&"${fixture[1]}"
		read -r again <&"${fixture[0]}"
		[ "$said" = "$again" ] && return
		said=$again
		sleep 0.3
	done
	live='the program was never quiet'
	return 1
}

# same LIVE CORE FILTER: complaints where they differ
same()
{
	diff <(jq "$3" <<<"$1" 2>&1) <(jq "$3" <<<"$2" 2>&1) | head -n 20
}

# Zero pages are proved only by a core with holes, which gdb's may not have; and a program that
# dies still runs on its stacks
not_resident='del(.. | .resident_bytes?)'
not_stacks='del(.lives[] | select(.life == "stacks").resident_bytes)'

# compare NAME CORE FILTER
compare()
{
	local name=$1 core=$2 spans report

	spans=$("$gomemctl" spans --core "$core" --json 2>&1)
	result "$name: spans" "$(same "$live" "$spans" "$3")"
	report=$("$gomemctl" report --core "$core" --json 2>&1)
	result "$name: the report is whole" "$(jq -r --argjson live "$live" '.reports[0] |
		(if .go_problem then "the Go side: \(.go_problem)" else empty end),
		(if .totals.heap_inuse_bytes != $live.totals[0].heap_inuse_bytes
		 then "another heap: \(.totals)" else empty end),
		(if ([.resident[]] | add) + .not_explained_bytes != .rss_bytes
		 then "it does not sum to RSS: \(.resident)" else empty end),
		(if .resident.live > 0 then empty else "nothing is live" end)' <<<"$report" 2>&1)"
}

# unmoved CORE FILTER: false where the runtime's background work moved on before the core was made
unmoved()
{
	[ -z "$(same "$live" "$("$gomemctl" spans --core "$1" --json 2>&1)" "$2")" ]
}

with_gcore()
{
	local core=$tmp/gcore turn

	for turn in 1 2 3; do
		gcore -o "$core" "$pid" >"$tmp/log" 2>&1 ||
			{ result "$1: gcore" "$(cat "$tmp/log")"; return; }
		[ "$turn" = 3 ] || unmoved "$core.$pid" "$not_resident" || { quiet_read; continue; }
		break
	done
	compare "$1, gcore" "$core.$pid" "$not_resident"
	rm "$core.$pid"
}

# with_kernel NAME COMMAND...
with_kernel()
{
	local turn

	for turn in 1 2 3; do
		leave_core "$pid" "$1, the kernel's" || return
		[ "$turn" = 3 ] || unmoved "$tmp/left" "$not_stacks" ||
			{ start "${@:2}"; quiet_read; continue; }
		break
	done
	compare "$1, the kernel's" "$tmp/left" "$not_stacks"
}

stop()
{
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

# one NAME COMMAND...
one()
{
	start "${@:2}"
	if quiet_read; then
		[[ $1 == *-* ]] || with_gcore "$1"
		with_kernel "$@"
	else
		result "$1" "$live"
	fi
	stop
}

# says NAME STATUS WORDS ARGUMENT...: gomemctl's exit and words on stderr
says()
{
	local said status

	said=$("$gomemctl" "${@:4}" 2>&1 >"$tmp/out")
	status=$?
	[[ $status = "$2" && $said == *"$3"* ]] && said=
	result "$1" "${said:+expected exit $2 and \"$3\"; came $status: $said}"
}

# A core of $tmp/$1: cut, and with its program gone or another, as $tmp/$2 is
broken()
{
	local core=$tmp/left size

	start "$tmp/$1"
	leave_core "$pid" 'a broken core' || { stop; return; }
	size=$(stat -c %s "$core")
	head -c $((size / 2)) "$core" >"$tmp/half"
	says 'half a core' 0 'was cut short' vmas --core "$tmp/half"
	head -c 4096 "$core" >"$tmp/head"
	says 'a core without notes' 1 'cut short before the end of its notes' spans --core "$tmp/head"
	head -c 100 "$core" >"$tmp/bit"
	says 'a core without headers' 1 'cut short' spans --core "$tmp/bit"
	says 'a program' 1 'not a core' spans --core "$tmp/$1"
	says 'no core' 1 'No such file' spans --core "$tmp/none"
	says 'another program' 1 'another build id' spans --core "$core" --exe "$tmp/$2"
	mv "$tmp/$1" "$tmp/moved"
	says 'its program is gone' 1 'give --exe FILE' spans --core "$core"
	says 'its program is elsewhere' 0 '' spans --core "$core" --exe "$tmp/moved"
	cp "$tmp/$2" "$tmp/$1"
	says 'another program is in its place' 1 'another build id' spans --core "$core"
}

# each MINOR
each()
{
	build "go$1" "$1" fixture && one "go$1" "$tmp/go$1"
	if [ "$what" = all ]; then
		build "go$1-stripped" "$1" fixture '-ldflags=-s -w' &&
			one "go$1-stripped" "$tmp/go$1-stripped"
		ways "$1" fixture one
	else
		build "go$1-PIE" "$1" fixture -buildmode=pie && one "go$1-PIE" "$tmp/go$1-PIE"
	fi
}

minors='1.19 1.24 1.27'
[ "$what" != all ] || minors=$(minors)
for minor in ${MINORS:-$minors}; do
	each "$minor"
done
broken "go$minor-PIE" "go$minor"
done_testing
