#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What gomemctl refs takes for Go heaps of 1, 10 and 50 million objects on this machine, beside a
# bare copy of the heap (copy.c): refs.sh
# Ends with status 1 when a limit is broken. Needs a Go toolchain, 8 GiB of memory, and gomemctl;
# "make bench" does the rest.
set -uo pipefail

cd "$(dirname "$(readlink -f "$0")")/../../.." || exit 1
# shellcheck source=tests/go/lib.sh
. tests/go/lib.sh
copy=build/user/tests/bench/refs/copy
turns=3
tmp=$(mktemp -d)
failed=0
trap 'rm -rf "$tmp"' EXIT

# figure NAME VALUE UNIT LIMIT WHAT
figure()
{
	local verdict=ok

	awk -v value="$2" -v limit="$4" 'BEGIN { exit value > limit }' || verdict=BROKEN
	[ $verdict = ok ] || failed=1
	printf '%-14s %8s %-4s <= %-5s %-7s %s\n' "$1" "$2" "$3" "$4" $verdict "$5"
}

# begin MILLIONS: into $heap and $objects; it is written to by file 3 and read from by file 4
begin()
{
	mkfifo "$tmp/to" "$tmp/from"
	"$tmp/heap" "$1" <"$tmp/to" >"$tmp/from" &
	heap=$!
	exec 3>"$tmp/to" 4<"$tmp/from"
	rm "$tmp/to" "$tmp/from"
	read -r -t 600 objects _ <&4
}

end()
{
	kill "$heap"
	wait "$heap" 2>/dev/null
	exec 3>&- 4<&-
}

# Of some runs the one with least CPU time: seconds, CPU seconds, those in user space. What else
# runs on the machine
# is none of the latter, and where nothing does the seconds are fewer, as two threads work.
run()
{
	local TIMEFORMAT='%R %U %S' i

	for ((i = 0; i < turns; i++)); do
		{ time ./gomemctl refs -p "$heap" --json >"$tmp/refs"; } 2>&1
	done | awk 'NF == 3 { print $1, $2 + $3, $2 }' | sort -k 2n | head -n 1
}

# speed MILLIONS: into $seconds, $cpu, $user, $peak (MB), $ratio (by a bare copy)
speed()
{
	begin "$1" || { echo "refs.sh: the program with $1 million objects did not start" >&2; exit 1; }
	read -r seconds cpu user < <(run)
	peak=$(jq '.totals[0].peak_bytes / 1e6 | ceil' "$tmp/refs")
	ratio=$($copy "$heap" | awk -v cpu="$cpu" '{ printf "%.1f", cpu / ($1 / 1e9) }')
	end
}

# CPU nanoseconds an object, in user space: the kernel's part is the copy, and clearing pages, which
# costs twenty times as much where a hypervisor has yet to give them
each()
{
	awk -v user="$user" -v objects="$objects" 'BEGIN { printf "%.0f", user * 1e9 / objects }'
}

minor=$(minors | tail -n 1)
go_build "$minor" "$tmp/heap" ../bench/refs/heap || exit 1
speed 1
one=$(each)
speed 10
ten=$(each)
figure refs-10M "$cpu" s 4 \
	"$objects objects, by CPU time, $ratio times that of a bare copy; $seconds s on the clock"
figure refs-10M-peak "$peak" MB 500 "of memory"
# The steps are as many for each object; caches and TLBs hold more of what is small
figure refs-10M-each "$ten" ns $((one * 3 / 2)) "an object, in user space; $one ns with 1 million"
speed 50
figure refs-50M-each "$(each)" ns $((ten * 5 / 4)) "an object; $ten ns with 10 million; $seconds s on the clock"
figure refs-50M-peak "$peak" MB 2500 "of memory"
exit $failed
