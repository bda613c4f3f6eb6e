#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a report of a Go program with very many spans costs on this machine, beside what no
# report can do without (bare.c), in CPU time, and what it costs the program: report.sh
# Ends with status 1 when a limit is broken. Needs Linux 6.7, root, a Go toolchain, and
# gomemctl; "make bench" does the rest.
set -uo pipefail

cd "$(dirname "$(readlink -f "$0")")/../../.." || exit 1
# shellcheck source=tests/go/lib.sh
. tests/go/lib.sh
bare=build/user/tests/bench/report/bare
turns=7
tmp=$(mktemp -d)
failed=0
trap 'rm -rf "$tmp"' EXIT

# figure NAME VALUE UNIT SIGN LIMIT WHAT: SIGN says on which side of LIMIT it should be
figure()
{
	local verdict=ok

	awk -v value="$2" -v limit="$5" -v sign="$4" \
		'BEGIN { exit !(sign == "<=" ? value <= limit : value >= limit) }' || verdict=BROKEN
	[ $verdict = ok ] || failed=1
	printf '%-14s %8s %-4s %s %-5s %-7s %s\n' "$1" "$2" "$3" "$4" "$5" $verdict "$6"
}

# begin SPANS: into $heap; it is written to by file 3 and read from by file 4
begin()
{
	local line

	mkfifo "$tmp/to" "$tmp/from"
	GOMAXPROCS=1 "$tmp/heap" "$1" <"$tmp/to" >"$tmp/from" &
	heap=$!
	exec 3>"$tmp/to" 4<"$tmp/from"
	rm "$tmp/to" "$tmp/from"
	read -r -t 120 line <&4 && [ "$line" = ready ]
}

end()
{
	kill "$heap"
	wait "$heap" 2>/dev/null
	exec 3>&- 4<&-
}

# The CPU time of the fastest report of some, ms
report_ms()
{
	local TIMEFORMAT='%U %S' i

	for ((i = 0; i < turns; i++)); do
		{ time ./gomemctl report -p "$heap" >/dev/null; } 2>&1
	done | awk 'NF == 2 { ms = ($1 + $2) * 1000; if (!best || ms < best) best = ms }
		END { print best }'
}

# speed SPANS: into $report and $least, ms
speed()
{
	begin "$1" || { echo "report.sh: the program with $1 spans did not start" >&2; exit 1; }
	report=$(report_ms)
	least=$($bare "$heap" | awk '{ print ($1 + $2) / 1e6 }')
	end
}

# Operations a second, of one turn
work()
{
	local line

	echo >&3
	read -r line <&4
	echo "$line"
}

median()
{
	sort -n | sed -n $(((turns + 1) / 2))p
}

every_second()
{
	until [ -e "$tmp/enough" ]; do
		./gomemctl report -p "$1" >/dev/null
		sleep 1
	done
}

ratio()
{
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'
}

# What is left of the program's throughput when it is looked at every second, %. It has one
# processor, and so leaves one to who looks; what it gets done is counted by the CPU time that
# it is given, so that what else runs here matters less.
throughput()
{
	local alone watched watcher i

	begin 1000000 || exit 1
	for ((i = 0; i < turns; i++)); do
		work >>"$tmp/alone"
		every_second "$heap" &
		watcher=$!
		work >>"$tmp/watched"
		: >"$tmp/enough"
		wait $watcher
		rm "$tmp/enough"
	done
	end
	alone=$(median <"$tmp/alone")
	watched=$(median <"$tmp/watched")
	ratio "$((100 * watched))" "$alone"
}

minor=$(minors | tail -n 1)
go_build "$minor" "$tmp/heap" ../bench/report/heap || exit 1
speed 1000000
million=$report
figure report-1M "$(ratio "$report" "$least")" x '<=' 3 \
	"a report of 1,000,000 spans ($report ms) by the bulk copy and scan alone ($least ms)"
speed 2000000
figure report-2M "$(ratio "$report" "$million")" x '<=' 2 \
	"2,000,000 spans ($report ms) by 1,000,000"
left=$(throughput)
figure throughput "$left" % '>=' 98 "of the program's own, under a report every second"
exit $failed
