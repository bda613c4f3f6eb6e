#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The main job, in a virtual machine: a Go service with a memory problem, the module,
# the report, the fix. Needs what "setup.sh demo" sets up; "make demo" does both.
set -euo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.."
cache=${GOMEM_CACHE:-$HOME/.cache/gomem}
kernel=$(grep -v '^#' tests/vm/kernels | head -n 1 | cut -f1)

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "building gomemctl, gomem.ko for kernel $kernel and a Go service"
make -s -j2 gomemctl illness module KDIR="$cache/kernels/$kernel/build" KNAME="$kernel" \
	>"$log" 2>&1 || { cat "$log" >&2; exit 1; }
echo "booting kernel $(cat "$cache/kernels/$kernel/release") in QEMU"
tests/vm/run.sh -k "$kernel" -m 2048 -f "build/kmod-$kernel/gomem.ko" \
	-f build/user/gomemctl:/bin/gomemctl -f build/go/illness/illness \
	-f tests/vm/illness.sh -f tests/vm/demo_guest.sh -- sh /demo_guest.sh
