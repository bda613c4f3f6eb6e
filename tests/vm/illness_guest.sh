# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In the guest: make the service ill, then well, and leave in /out what gomemctl,
# smaps and the runtime say of each.

# shellcheck source=tests/vm/illness.sh
. /illness.sh
# shellcheck source=tests/vm/record.sh
. /record.sh

# look NAME: the service is idle meanwhile
look()
{
	service metrics >"/out/$1.metrics"
	cp "/proc/$pid/smaps_rollup" "/out/$1.rollup"
	gomemctl report -p "$pid" --json >"/out/$1.json"
	echo $? >"/out/$1.status"
	gomemctl report -p "$pid" >"/out/$1.txt"
}

khugepaged_hurry
service_start
look before
insmod /gomem.ko target_pid="$pid" || exit
service wave
settle
look ill
heap=$(gomemctl huge -p "$pid" --json | sed -n 's/.*"start":"\(0x[0-9a-f]*\)".*/\1/p' | head -n 1)
record_still recorded vmas 'huge --all' "addr $heap"
echo 0 >$khugepaged/max_ptes_none
service wave
settle
look well
rmmod gomem || exit
echo 511 >$khugepaged/max_ptes_none
service wave
settle
look no-module
