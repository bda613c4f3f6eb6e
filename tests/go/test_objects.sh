#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What gomemctl addr, classes and huge say of a program whose live and dead objects are known
# by construction, swept or not, with marks inside spans or not; for each Go of
# tests/vm/toolchains. Stripped, as PIE, with cgo, and as a library in a C program: of the newest,
# and of each with "all". TAP.
#
#	test_objects.sh [all]
set -uo pipefail

# shellcheck source=tests/go/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
cd "$here/../.." || exit 1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
what=${1:-}

ulimit -c unlimited
export GOTRACEBACK=crash

# begin MODE COMMAND...: it runs, and what it knows is in $tmp/known
begin()
{
	coproc known { cd "$tmp" && GOMAXPROCS=1 GODEBUG=asyncpreemptoff=1 exec "${@:2}" "$1" 2>panic; }
	# shellcheck disable=SC2154 # coproc sets it
	pid=$known_PID
	timeout 60 sed '/^0 done$/q' <&"${known[0]}" >"$tmp/begun"
	sed '$d' "$tmp/begun" >"$tmp/known"
	[ "$(tail -n 1 "$tmp/begun")" = '0 done' ]
}

end()
{
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

# Beside each address what gomemctl addr, of a process or a core, says of it: "ADDRESS live live
# object"
answers()
{
	cut -d ' ' -f 1 "$tmp/known" | ./gomemctl addr "$@" >"$tmp/said" || return
	awk '/^[0-9a-f]+  / { print $1, $3, $4 }' "$tmp/said" |
		paste -d ' ' "$tmp/known" - >"$tmp/both"
}

wrong()
{
	awk -v mode="$1" '
	$1 != $3 { print "the answer for " $1 " is missing"; exit }
	$2 == "live" && $4 != "live" { print $1 " lives; came: " $4 " " $5 }
	$2 == "dead" && $4 == "live" { print $1 " is dead; came: " $4 " " $5 }
	$4 == "dead" { dead++ }
	END {
		if (mode == "swept" && dead)
			print dead " of " NR " objects are called dead though they were swept"
		if (mode == "unswept" && dead < NR / 2)
			print "only " dead + 0 " of " NR " were found unswept"
	}' "$tmp/both"
}

# Larger objects with pointers carry their type from Go 1.22 on: those of 1280 B are main.p1280
untyped()
{
	awk '/^[0-9a-f]+  / { live = $4 == "object" && $3 == "live"; address = $1 }
	live && $1 == "object" && / 1.25 KiB, / { large[address] = 1; count++ }
	$1 == "type" && $2 == "main.p1280" { delete large[address] }
	END {
		if (!count)
			print "no live object of 1280 B was seen"
		for (address in large)
			print address ": expected the type main.p1280"
	}' "$tmp/said"
}

# cored NAME MODE: of the program that runs
cored()
{
	leave_core "$pid" "$1" || return
	answers --core "$tmp/left"
	result "$1" "$(wrong "$2")"
}

# objects NAME MODE COMMAND...
objects()
{
	if begin "${@:2}"; then
		answers "$pid"
		result "$1: live and dead objects, $2" "$(wrong "$2")"
		[ "$what" != all ] || cored "$1: live and dead objects of a core, $2" "$2"
	else
		result "$1: live and dead objects, $2" "the program did not get ready"
	fi
	end
}

# Blocks that are not the huge page with one object that they should be
wrong_blocks()
{
	./gomemctl huge -p "$pid" --raw -n 0 >"$tmp/said" || return
	awk '
	FNR == 1 && NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
	NR == FNR { row[$column["start"]] = $column["state"] " " $column["live_bytes"] " " \
		$column["waste_bytes"] " " $column["holders"]; next }
	{ expected = "thp " $2 " " 2097152 - $2 " 1"
	  if (row[$1] != expected)
		print $1 ": expected " expected "; came: " row[$1] }' "$tmp/said" "$tmp/known"
}

# pinned NAME COMMAND...
pinned()
{
	if ! begin huge "${@:2}"; then
		result "$1: pinned huge pages" "the program did not get ready"
	elif [ ! -s "$tmp/known" ]; then
		skip "$1: pinned huge pages" 'the kernel, or a Go before 1.21, wants none'
	else
		result "$1: pinned huge pages, $(wc -l <"$tmp/known")" "$(wrong_blocks)"
	fi
	end
}

# each NAME COMMAND...
each()
{
	objects "$1" swept "${@:2}"
	[ "${minor#*.}" -lt 22 ] || result "$1: types of large objects" "$(untyped)"
	objects "$1" unswept "${@:2}"
	pinned "$@"
}

for minor in ${MINORS:-$(minors)}; do
	build "known-$minor" "$minor" known && each "go$minor" "$tmp/known-$minor"
	build "known-$minor-s" "$minor" known '-ldflags=-s -w' &&
		each "go$minor-stripped" "$tmp/known-$minor-s"
	[ "$what" != all ] || ways "$minor" known each
done
[ "$what" = all ] || ways "$minor" known each
done_testing
