#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel's own mm selftests, without gomem and then with it attached to each of them
# (stacks of every fault included): what they say must be the same. TAP, a line a program.
#
#	selftests.sh KERNEL
#
# They come from the kernel's source package (setup.sh selftests) and are built as its
# Makefile does; those that need more than a C library are left out.
set -uo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
cache=${GOMEM_CACHE:-$HOME/.cache/gomem}
kernel=$1
source=$cache/selftests/$kernel/tools
tests=$(echo "$source"/testing/selftests/[vm]m)
out=build/check/$kernel/selftests
count=0 failed=0

# Not those that only burn time, take all memory, or want hugetlbfs
programs='khugepaged split_huge_page_test mremap_test madv_populate mremap_dontunmap
	map_fixed_noreplace map_populate mlock2-tests mrelease_test on-fault-limit soft-dirty cow
	mkdirty mdwe_test ksm_functional_tests mseal_test droppable'

# shellcheck disable=SC2016 # the guest expands these
guest='mkdir -p /tmp /out && mount -t tmpfs tmpfs /tmp && cd /tmp
run() {
	for program in /selftests/*; do
		timeout 200 $program >/out/${program##*/}.$1 2>&1
		echo "status $?" >>/out/${program##*/}.$1
	done
}
run without
insmod /gomem.ko target_pid=$$ follow=1 stacks=1
run with
cat /proc/gomem/counts >/out/counts'

# build PROGRAM: fails when it needs what this machine does not have
build()
{
	local helper helpers=()

	for helper in vm_util thp_settings; do
		[ -e "$tests/$helper.c" ] && helpers+=("$tests/$helper.c")
	done
	[ -e "$tests/$1.c" ] && gcc -w -O2 -static -D_GNU_SOURCE= -I"$out" \
		-include "$source/testing/selftests/kselftest.h" -isystem "$source/include/uapi" \
		-o "$out/$1" "$tests/$1.c" "${helpers[@]}" -lrt -lpthread 2>"$out/$1.build"
}

# said PROGRAM HOW: its verdicts and its status; not the numbers, which are addresses and times
said()
{
	grep -aE '^(status|ok|not ok)|OK|FAIL|PASS|Fail|Success|SKIP' "$out/guest/$1.$2" |
		sed -E '/^status/!s/0x[0-9a-f]+|[0-9]+(\.[0-9]+)?/N/g'
}

# compare PROGRAM
compare()
{
	local difference

	count=$((count + 1))
	if [ ! -s "$out/guest/$1.with" ]; then
		difference='it did not run'
	else
		difference=$(diff <(said "$1" without) <(said "$1" with))
	fi
	if [ -z "$difference" ]; then
		echo "ok $count - $1: $(said "$1" with | wc -l) lines and $(said "$1" with | tail -n 1)"
		return
	fi
	echo "not ok $count - $1"
	echo "# ${difference//$'\n'/$'\n'# }"
	failed=$((failed + 1))
}

# The targets really were: the hooks saw them
seen()
{
	count=$((count + 1))
	if awk '$2 == "anon_fault" { n += $3 } END { exit n < 10000 }' "$out/guest/counts"; then
		echo "ok $count - gomem saw them"
	else
		echo "not ok $count - gomem saw them"
		failed=$((failed + 1))
	fi
}

rm -rf "$out"
mkdir -p "$out"
: >"$out/local_config.h"
built=() arguments=()
for program in $programs; do
	build "$program" || continue
	built+=("$program")
	arguments+=(-f "$out/$program:/selftests/$program")
done
[ ${#built[@]} -ge 8 ] || { echo "Bail out! too few of them build: ${built[*]}"; exit 1; }

tests/vm/run.sh -k "$kernel" -m 2048 -t 1150 -M zram -f "build/kmod-$kernel/gomem.ko" \
	"${arguments[@]}" -o "$out/guest" -- "$guest" >"$out/run" 2>&1
status=$?
count=1
if [ $status = 0 ]; then
	echo "ok 1 - the guest ran to its end, without a warning in its log"
else
	echo "not ok 1 - the guest ran to its end, without a warning in its log"
	tail -n 30 "$out/run" | sed 's/^/# /'
	failed=1
fi
for program in "${built[@]}"; do
	compare "$program"
done
seen
echo "1..$count"
[ $failed = 0 ]
