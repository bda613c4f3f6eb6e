#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Page runs on a machine of two NUMA nodes: test_pages, which knows both. Usage: test_nodes.sh
# KERNEL
set -euo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
exec tests/vm/run.sh -k "$1" -n -m 1536 -M zram -f "build/kmod-$1/gomem.ko" \
	-f build/kselftest/test_pages -- /test_pages
