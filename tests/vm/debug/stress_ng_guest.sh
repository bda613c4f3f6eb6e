#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
#
# What test_stress_ng.sh does in the guest. /out/count gets the number of checks.

count=0 failed=0
stressors='vm mmap mmapaddr mmapfixed mmapfork mmaphuge mmapmany mremap madvise mprotect
	munmap brk stack fault fork vfork userfaultfd vm-rw vm-segv vm-addr vm-splice shm
	memfd mlock mincore pageswap remap msync tmpfs'
sizes='--vm-bytes 64m --mmap-bytes 64m --mremap-bytes 16m --shm-bytes 8m --memfd-bytes 16m'

check()
{
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		failed=$((failed + 1))
	fi
}

# A shell that makes itself a target, and then becomes the stressor. No more than it can
# have: the kernel's way out of memory writes a call trace into the log.
stressor()
{
	# shellcheck disable=SC2016,SC2086 # that shell expands these; many words
	sh -c 'ulimit -v 600000
		echo $$ >/tmp/pid
		echo "add $$ follow=1" >/proc/gomem/targets && exec stress-ng "$@"' sh \
		--"$1" 1 $sizes --timeout 10 --temp-path /tmp --quiet
}

# Each once, the binary ones of five targets; some have no end
read_all()
{
	{
		find /proc/gomem -maxdepth 1 -type f
		find /proc/gomem -mindepth 2 -type f | shuf -n 5
	} | while read -r file; do
		timeout 5 cat "$file"
	done >/dev/null 2>&1
}

stress()
{
	local reader status=0

	while read_all; do :; done &
	reader=$!
	stressor "$1" || status=$?
	kill $reader
	wait $reader
	# 3 and 4: it cannot run here
	case $status in
	3 | 4) echo "ok $((count += 1)) - $1 # SKIP this kernel is without it" ;;
	*) check $status "$1: expected 0 (its exit status), got $status" ;;
	esac
	grep -q "^ *$(cat /tmp/pid) " /proc/gomem/targets
	check $? "$1 is still told of"
}

# Some stressors swap pages out
echo 256M >/sys/block/zram0/disksize
mkswap /dev/zram0 >/dev/null
swapon /dev/zram0
insmod /gomem.ko
echo 'TAP version 13'
for stressor in $stressors; do
	stress "$stressor"
done
rmmod gomem
check $? 'unloaded after all that'
echo $count >/out/count
exit $((failed != 0))
