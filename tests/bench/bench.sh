#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What gomem costs, beside its peers, by guest instructions: bench.sh [KERNEL]...
#
# Prints each figure of tests/bench/figures for each kernel, and leaves them in
# build/bench/KERNEL.tsv. Ends with status 1 when a limit is broken, or cannot be told.
# Needs what "setup.sh bench" sets up; "make bench" does both.
set -uo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
cache=${GOMEM_CACHE:-$HOME/.cache/gomem}
out=build/bench

build()
{
	make -s bench-program || return
	make -s module KDIR="$cache/kernels/$1/build" KNAME="$1" >"$out/$1.build" 2>&1 ||
		{ cat "$out/$1.build" >&2; return 1; }
}

# The guest's rows go to a file, and how far it is to the terminal
follow()
{
	local line

	while IFS='' read -r line; do
		case $line in
		'#'* | Bail*) echo "bench: kernel $1: ${line#\# }" >&2 ;;
		*) echo "$line" ;;
		esac
	done
}

measure()
{
	tests/vm/run.sh -i -k "$1" -m 4096 -t 1800 -f "build/kmod-$1/gomem.ko" \
		-f build/bench/bench:/bin/bench -f /usr/bin/bpftrace:/bin/bpftrace \
		-f /usr/bin/perf:/bin/perf -f tests/bench/guest.sh -- \
		'sh /guest.sh' 2>"$out/$1.log" | follow "$1" >"$out/$1.rows"
}

bench()
{
	local status=0

	build "$1" || return
	measure "$1" || { tail -n 1 "$out/$1.log"; status=1; }
	echo "kernel $(cat "$cache/kernels/$1/release")"
	awk -v kernel="$1" -v tsv="$out/$1.tsv" -f tests/bench/report.awk \
		tests/bench/figures "$out/$1.rows" || status=1
	return $status
}

mkdir -p $out
failed=0
for kernel in "${@:-6.1}"; do
	bench "$kernel" || failed=1
done
exit $failed
