#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a report of a Go program with very many spans costs on this machine, beside what no
# report can do without (bare.c), in CPU time, and what it costs the program: report.sh
# ROUNDS=N: so many rounds of throughput, each of three turns; 15. Ends with status 1 when a
# limit is broken. Needs Linux 6.7, root, a Go toolchain, and gomemctl; "make bench" does the
# rest.
set -uo pipefail

cd "$(dirname "$(readlink -f "$0")")/../../.." || exit 1
# shellcheck source=tests/go/lib.sh
. tests/go/lib.sh
bare=build/user/tests/bench/report/bare
turns=20
rounds=${ROUNDS:-15}
tmp=$(mktemp -d)
failed=0
trap 'rm -rf "$tmp"' EXIT

# figure NAME VALUE UNIT SIGN LIMIT WHAT: SIGN says on which side of LIMIT it should be; "-": there
# is none
figure()
{
	local verdict=ok

	[ "$5" = - ] && verdict='' || awk -v value="$2" -v limit="$5" -v sign="$4" \
		'BEGIN { exit !(sign == "<=" ? value <= limit : value >= limit) }' || verdict=BROKEN
	[ "$verdict" = BROKEN ] && failed=1
	printf '%-15s %8s %-4s %2s %-5s %-7s %s\n' "$1" "$2" "$3" "$4" "$5" "$verdict" "$6"
}

# begin KIND [ARGUMENT...]: the target, into $program; it is written to by file 3 and read from by
# file 4. It has one processor, and leaves one to who looks.
begin()
{
	local line

	mkfifo "$tmp/to" "$tmp/from"
	GOMAXPROCS=1 "$tmp/target" "$@" <"$tmp/to" >"$tmp/from" &
	program=$!
	exec 3>"$tmp/to" 4<"$tmp/from"
	rm "$tmp/to" "$tmp/from"
	read -r -t 120 line <&4 && [ "$line" = ready ] && return
	echo "report.sh: a $* did not start" >&2
	exit 1
}

end()
{
	kill "$program"
	wait "$program" 2>/dev/null
	exec 3>&- 4<&-
}

# The CPU time of the fastest report of some, ms
report_ms()
{
	local TIMEFORMAT='%U %S' i

	for ((i = 0; i < turns; i++)); do
		{ time ./gomemctl report -p "$program" >/dev/null; } 2>&1
	done | awk 'NF == 2 { ms = ($1 + $2) * 1000; if (!best || ms < best) best = ms }
		END { print best }'
}

# speed SPANS: into $report and $least, ms
speed()
{
	begin heap "$1" 1024
	report=$(report_ms)
	least=$($bare "$program" | awk '{ print ($1 + $2) / 1e6 }')
	end
}

every_second()
{
	until [ -e "$tmp/enough" ]; do
		sleep 1 &
		./gomemctl report -p "$program" >/dev/null
		wait $!
	done
}

# turn WHAT: alone, or watched by a report every second; a row of it
turn()
{
	local watcher='' line

	if [ "$1" = watched ]; then
		every_second &
		watcher=$!
	fi
	echo >&3
	read -r line <&4
	echo "$1 $line"
	if [ "$watcher" ]; then
		: >"$tmp/enough"
		wait "$watcher"
		rm "$tmp/enough"
	fi
}

# turns KIND [ARGUMENT...]: alone, watched and alone again, in turn
turns()
{
	local i

	begin "$@"
	for ((i = 0; i < rounds; i++)); do
		turn alone
		turn watched
		turn again
	done
	end
}

ratio()
{
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'
}

# throughput NAME SIGN LIMIT WHAT KIND [ARGUMENT...]: what is left of the program's throughput when it is
# looked at every second, %, beside what is left when it is not
throughput()
{
	local left noise cpu

	turns "${@:5}" | awk -f tests/bench/report/throughput.awk >"$tmp/throughput"
	read -r left noise cpu <"$tmp/throughput"
	figure "$1" "$left" % "$2" "$3" "of its own, under a report every second: $4"
	echo "                not looked at: $noise %; by CPU time: $cpu %"
	sed '1d; s/^/                /' "$tmp/throughput"
}

minor=$(minors | tail -n 1)
go_build "$minor" "$tmp/target" ../bench/report/target || exit 1
speed 1000000
million=$report
figure report-1M "$(ratio "$report" "$least")" x '<=' 3 \
	"a report of 1,000,000 spans ($report ms) by the bulk copy and scan alone ($least ms)"
speed 2000000
figure report-2M "$(ratio "$report" "$million")" x '<=' 2 \
	"2,000,000 spans ($report ms) by 1,000,000"
throughput throughput '>=' 98 "a server that allocates and collects" server
throughput throughput-1M '>=' 98 "1,000,000 spans, and a heap that grows by some 70 MiB a second" \
	heap 1000000 1024
throughput throughput-maps '' - "the same, mapping 4 MiB anew for each 64 KiB, as no Go program does" \
	heap 1000000 1
exit $failed
