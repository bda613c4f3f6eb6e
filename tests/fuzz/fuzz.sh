#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs every fuzz harness for $FUZZ_SECONDS, 10 without, or those that are named; TAP, a line
# each. What makes one crash, hang for 5 s or take too much memory is kept in build/fuzz/found,
# to be run again: build/fuzz/tests/fuzz/fuzz_NAME FILE.
set -uo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
seconds=${FUZZ_SECONDS:-10}
found=build/fuzz/found
mib=2048	# what a harness may take, what the sanitizers need among it
allocation=1100	# what one allocation may
count=0 failed=0

names()
{
	local file

	for file in tests/fuzz/fuzz_*.c; do
		file=${file##*/fuzz_}
		echo "${file%.c}"
	done
}

fuzz()
{
	mkdir -p "$found" "build/fuzz/corpus/$1"
	"build/fuzz/tests/fuzz/fuzz_$1" -max_total_time="$seconds" -timeout=5 \
		-rss_limit_mb=$mib -malloc_limit_mb=$allocation -max_len=262144 \
		-print_final_stats=1 -artifact_prefix="$found/$1-" \
		"build/fuzz/corpus/$1" >"build/fuzz/$1.log" 2>&1
}

# result NAME STATUS
result()
{
	local runs

	count=$((count + 1))
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$1.log")
	if [ "$2" = 0 ] && [ "${runs:-0}" -gt 0 ]; then
		echo "ok $count - $1: $runs inputs"
		return
	fi
	failed=1
	echo "not ok $count - $1: status $2 after ${runs:-no} inputs"
	grep -vE '^(#|INFO|stat::)' "build/fuzz/$1.log" | tail -n 60 | sed 's/^/# /'
}

# Two at a time, as the machine has cores
run_all()
{
	local name names pids=() i

	names=("$@")
	for name in "${names[@]}"; do
		[ "$(jobs -rp | wc -l)" -lt "$(nproc)" ] || wait -n
		fuzz "$name" &
		pids+=($!)
	done
	for i in "${!names[@]}"; do
		wait "${pids[i]}"
		result "${names[i]}" $?
	done
}

tests/fuzz/seeds.sh >build/fuzz.log 2>&1 || { cat build/fuzz.log; exit 1; }
if [ $# = 0 ]; then
	mapfile -t all < <(names)
	set -- "${all[@]}"
fi
run_all "$@"
echo "1..$count"
exit $failed
