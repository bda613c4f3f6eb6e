# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The demo as the guest sees it: what a person would type, and what comes back.

# shellcheck source=tests/vm/illness.sh
. /illness.sh

say()
{
	printf '\n%s\n' "$*" | fold -s -w 76 | sed "s,^,-- ,; s, *$,,"
}

# type LINE: show it as typed, and run it
type()
{
	printf '\n# %s\n' "$1"
	eval "$1" || exit
}

cd / || exit
khugepaged_hurry
service_start
say "A Go service runs as pid $pid, on a host with Debian's defaults (khugepaged is in a hurry)."
type "insmod gomem.ko target_pid=$pid"

say "A wave of work: it grows to 400 MiB, drops nearly all of it, and Go gives it back."
service wave >/dev/null
settle
say "Moments later. The runtime says what it released; the kernel says what is resident:"
service metrics | tr ' ' '\n' | awk -F= '/^released/ { printf "   released  %4d MiB\n", $2 / 1048576 }'
echo "   resident  $(printf %4d $(($(rollup_kb Rss) / 1024))) MiB"

type "cat /proc/gomem/vmas"
type "gomemctl report"

say "The first fix, and another wave of work:"
type "echo 0 > $khugepaged/max_ptes_none"
service wave >/dev/null
settle
type "gomemctl report"
type "rmmod gomem"
