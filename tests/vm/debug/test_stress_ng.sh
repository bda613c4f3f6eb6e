#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_stress_ng.sh KERNEL: stress-ng's memory stressors as targets, with all that they
# fork, while every file is read. That the kernel's log is clean is a check as well. TAP.
set -uo pipefail

cd "$(dirname "$(readlink -f "$0")")/../../.." || exit 1
kernel=$1
out=build/check/$kernel/stress_ng

rm -rf "$out"
mkdir -p "$out"
tests/vm/run.sh -k "$kernel" -m 1536 -t 150 -M zram -f "build/kmod-$kernel/gomem.ko" \
	-f "$(command -v stress-ng):/bin/stress-ng" -f tests/vm/debug/stress_ng_guest.sh -o "$out" \
	-- sh /stress_ng_guest.sh 2>"$out/run"
status=$?
count=$(cat "$out/count" 2>/dev/null || echo 0)
# 124 and 125 are run.sh's own
if [ $status -lt 124 ]; then
	echo "ok $((count + 1)) - the guest ran to its end, without a warning in its log"
else
	echo "not ok $((count + 1)) - the guest ran to its end, without a warning in its log"
	sed 's/^/# /' "$out/run"
fi
echo "1..$((count + 1))"
exit $((status != 0))
