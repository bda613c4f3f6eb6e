#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
#
# In the virtual machine: every figure and its peers, one after the other, a row each
# as in tests/bench/bench.h. Lines that open with '#' say how far it is.

say()
{
	echo "# $*"
}

missing()
{
	printf '%s\t%s\t-\t%s\n' "$1" "$2" "$3"
}

# peer FIGURE WHO COMMAND...: a fault while COMMAND, which ends at an interrupt, listens
peer()
{
	figure=$1 who=$2
	shift 2
	say "$figure: $who"
	"$@" >/tmp/peer 2>&1 &
	sleep 5		# of which it computes one
	if kill -0 $! 2>/dev/null; then
		bench fault "$figure" "$who"
		kill -INT $!
	else
		missing "$figure" "$who" "$(grep -v '^Attaching' /tmp/peer | head -n 1)"
	fi
	wait $!
	rm -f /tmp/peer /tmp/perf.data
}

peers()
{
	at=handle_mm_fault
	peer fault-other 'bpftrace kprobe, pid filter' \
		bpftrace -e "kprobe:$at /pid == 1/ { @ = count(); }"
	peer fault-other 'bpftrace kfunc, pid filter' \
		bpftrace -e "kfunc:$at /pid == 1/ { @ = count(); }"
	peer fault-other 'perf stat' perf stat -a -e page-faults
	peer fault-target 'bpftrace kprobe, count by pid' \
		bpftrace -e "kprobe:$at { @[pid] = count(); }"
	peer fault-target 'bpftrace kfunc, count by pid' \
		bpftrace -e "kfunc:$at { @[pid] = count(); }"
	peer fault-stack 'bpftrace kprobe, @[ustack]' \
		bpftrace -e "kprobe:$at { @[ustack] = count(); }"
	peer fault-stack 'perf record -g' \
		perf record -a -g -e page-faults -c 1 -o /tmp/perf.data
}

# load PARAMETERS...: with a target that only sleeps
load()
{
	sleep 1000000 &
	sleeper=$!
	insmod /gomem.ko target_pid=$sleeper "$@"
}

unload()
{
	rmmod gomem
	kill $sleeper
}

faults()
{
	load
	bench fault fault-other gomem
	bench fault fault-target gomem target
	unload
	load stacks=1
	bench fault fault-stack gomem go
	unload
}

reads()
{
	insmod /gomem.ko
	for what in read hold stall; do
		say "$what"
		bench $what
	done
	rmmod gomem
}

thp=/sys/kernel/mm/transparent_hugepage
echo madvise >$thp/enabled
echo madvise >$thp/defrag
echo 1000000000 >$thp/khugepaged/scan_sleep_millisecs
say memory
bench memory
bench load
say fault
bench fault fault kernel
faults
peers
reads
