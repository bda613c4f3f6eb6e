# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In the guest: the service of tests/go/illness on a host whose khugepaged is quick.
# To be sourced.

khugepaged=/sys/kernel/mm/transparent_hugepage/khugepaged
answers=/tmp/answers

# The default would take minutes to do what is to be seen
khugepaged_hurry()
{
	echo always >/sys/kernel/mm/transparent_hugepage/enabled
	echo 100 >$khugepaged/scan_sleep_millisecs
	echo 100 >$khugepaged/alloc_sleep_millisecs
	echo 16384 >$khugepaged/pages_to_scan
}

# await COMMAND...: until it succeeds, for a minute
await()
{
	local tries=0

	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || { echo "illness: waited a minute for: $*" >&2; exit 1; }
		sleep 0.1
	done
}

lines()
{
	[ "$(wc -l <$answers)" -ge "$1" ]
}

# Sets $pid
service_start()
{
	: >$answers
	mkfifo /tmp/commands
	/illness <>/tmp/commands >$answers &
	pid=$!
	await lines 1
}

# service COMMAND: prints its answer
service()
{
	local before

	before=$(wc -l <$answers)
	echo "$1" >/tmp/commands
	await lines $((before + 1))
	tail -n 1 $answers
}

rollup_kb()
{
	sed -n "s/^$1: *\([0-9]*\) kB/\1/p" "/proc/$pid/smaps_rollup"
}

# Has khugepaged gone through all memory twice since $scans was set
scanned()
{
	[ "$(cat $khugepaged/full_scans)" -ge $((scans + 2)) ]
}

# Until khugepaged has done to the service what it will do
settle()
{
	scans=$(cat $khugepaged/full_scans)
	await scanned
}
