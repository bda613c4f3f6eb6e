#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_illness.sh KERNEL: the report of the demo's service against what smaps and the
# runtime's own metrics prove together. TAP.
#
# Of the anonymous memory that smaps counts, the runtime knows all that it has not
# released: total - released. What is resident beyond that is released but resident.
# shellcheck disable=SC2317 # the checks are called by name
set -uo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
kernel=$1
out=build/check/$kernel/illness
count=0 failed=0

# check WHAT COMMAND...: on failure the last line of $why says what was expected
check()
{
	count=$((count + 1))
	if "${@:2}"; then
		echo "ok $count - $1"
		return
	fi
	echo "not ok $count - $1"
	echo "# $why"
	failed=$((failed + 1))
}

# query NAME FILTER: of the one report in NAME.json
query()
{
	jq -r ".reports[0] | $2" "$out/$1.json"
}

# is NAME FILTER WANT SOURCE
is()
{
	local got

	got=$(query "$1" "$2")
	why="expected $3 ($4), got $got ($1.json: $2)"
	[ "$got" = "$3" ]
}

# The runtime's own figure, bytes
metric()
{
	tr ' ' '\n' <"$out/$1.metrics" | sed -n "s/^$2=//p"
}

# What smaps_rollup says, bytes
rollup()
{
	echo $(($(sed -n "s/^$2: *\([0-9]*\) kB/\1/p" "$out/$1.rollup") * 1024))
}

proved()
{
	echo $(($(rollup "$1" Anonymous) - $(metric "$1" total) + $(metric "$1" released)))
}

# within PERCENT GOT WANT SOURCE
within()
{
	local off=$(($2 - $3))

	why="expected $3 within $1 % ($4), got $2"
	[ $((${off#-} * 100)) -le $(($3 * $1)) ]
}

# size NAME FIELD: of the refill, against what is proved
size()
{
	within 5 "$(query "$1" ".causes[0].$2")" "$(proved "$1")" \
		'Anonymous of smaps_rollup - total + released of runtime/metrics'
}

# Rows and what is not explained sum to RSS, and that is the kernel's
bill()
{
	local sum rss

	sum=$(query "$1" '([.resident[]] | add) + .not_explained_bytes')
	rss=$(query "$1" .rss_bytes)
	why="expected $rss (rss_bytes), got $sum (resident and not_explained_bytes added up)"
	[ "$sum" = "$rss" ]
}

explained()
{
	local rest rss

	rest=$(query "$1" .not_explained_bytes)
	rss=$(query "$1" .rss_bytes)
	why="expected less than 0.5 % of $rss (rss_bytes), got $rest"
	[ $((rest * 200)) -lt "$rss" ]
}

# narrow NAME: the text fits 80 columns of ASCII
narrow()
{
	why="expected at most 80 columns, got: $(LC_ALL=C grep -nE '.{81}|[^ -~]' "$out/$1.txt")"
	[ -s "$out/$1.txt" ] && ! LC_ALL=C grep -qE '.{81}|[^ -~]' "$out/$1.txt"
}

exited_zero()
{
	why="expected 0 (exit status), got $(cat "$out/$1.status")"
	[ "$(cat "$out/$1.status")" = 0 ]
}

# Without the illness the rest would prove nothing
refilled()
{
	why="expected most of $(metric "$1" released) (released, runtime/metrics) resident, got $(proved "$1")"
	[ "$(proved "$1")" -gt $(($(metric "$1" released) * 9 / 10)) ]
}

names_fix()
{
	why="expected a fix with max_ptes_none (khugepaged's limit), got $(query "$1" '.causes[0].fixes')"
	query "$1" '.causes[0].fixes[].run' | grep -q 'echo 0 > .*/khugepaged/max_ptes_none'
}

# recorded NUMBER FILTER: the recording says what the process said
recorded()
{
	local live from

	live=$(jq "$2" "$out/recorded.$1.live" 2>&1) && from=$(jq "$2" "$out/recorded.$1.from" 2>&1)
	why="expected as of the process: $(diff <(echo "$live") <(echo "${from:-}") | head -n 5)"
	[ -n "$live" ] && [ "$live" = "${from:-}" ]
}

# recorded_history NUMBER FILTER: which of it counts what happened
recorded_history()
{
	why="expected more than 0 collapses and releases, got $(jq -c "$2" "$out/recorded.$1.from" 2>&1)"
	jq -e "$2 | all(. > 0)" "$out/recorded.$1.from" >/dev/null
}

refill='[.causes[].id] | index("thp-refill") != null'

make -s illness || exit
rm -rf "$out"
mkdir -p "$out"
tests/vm/run.sh -k "$kernel" -m 2048 -t 240 -f "build/kmod-$kernel/gomem.ko" \
	-f build/user/gomemctl:/bin/gomemctl -f build/go/illness/illness -f tests/vm/illness.sh \
	-f tests/vm/illness_guest.sh -f tests/vm/record.sh -o "$out" -- sh /illness_guest.sh 2>&1 | sed 's/^/# /'
status=${PIPESTATUS[0]}
why="expected 0 (its status), got $status; its output is above"
check 'the guest ran to its end' [ "$status" = 0 ]

for name in before ill well no-module; do
	check "$name: report exits with 0" exited_zero $name
	check "$name: the bill sums to RSS" bill $name
	check "$name: rss is the kernel's" within 1 "$(query $name .rss_bytes)" \
		"$(rollup $name Rss)" 'Rss of smaps_rollup'
	check "$name: text of 80 columns" narrow $name
done
for name in ill well no-module; do
	check "$name: less than 0.5 % not explained" explained $name
done
check 'before: no refill is seen' is before "$refill" false 'nothing was released yet'
for name in ill no-module; do
	check "$name: khugepaged did refill" refilled $name
	check "$name: the first cause is the refill" is $name '.causes[0].id' thp-refill 'made so'
	check "$name: its low size" size $name low_bytes
	check "$name: its high size" size $name high_bytes
	check "$name: the fix is named" names_fix $name
done
check 'ill: confidence, with the module' is ill '.causes[0].confidence' high 'every check holds'
check 'a recording: vmas' recorded 0 .
check 'a recording: vmas, what happened' recorded_history 0 \
	'[([.vmas[].collapses] | add), ([.vmas[].released_bytes] | add)]'
check 'a recording: huge' recorded 1 .
# A recording names no types
check 'a recording: addr' recorded 2 'del(.addresses[].type)'
check 'no-module: confidence' is no-module '.causes[0].confidence' medium 'nothing counted collapses'
check 'well: the fix makes the verdict go' is well "$refill" false 'max_ptes_none=0'

echo "1..$count"
exit $((failed != 0))
