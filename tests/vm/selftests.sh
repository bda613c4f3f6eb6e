#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel's own mm selftests, without gomem and then with it attached to each of them
# (stacks of every fault included): what they say must be the same, of two times at the
# latest. TAP, a line a program.
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

# split_huge_page_test first splits what is anonymous, then large folios of a file system
# that it is given. It gets one that is not there: tmpfs has none, which it would only say
# after minutes of writing single bytes.
# shellcheck disable=SC2016 # the guest expands these
guest='mkdir -p /tmp /out && mount -t tmpfs tmpfs /tmp && cd /tmp
run() {
	for program in /selftests/*; do
		argument=""
		[ $program != /selftests/split_huge_page_test ] || argument=/nowhere
		timeout 200 $program $argument >/out/${program##*/}.$1 2>&1
		echo "status $?" >>/out/${program##*/}.$1
	done
}
run without
insmod /gomem.ko target_pid=$$ follow=1 stacks=1
run with
cat /proc/gomem/counts >/out/counts'

# build PROGRAM: fails when it needs what this machine does not have. debug_cow is a file that
# 5.10's khugepaged sets to its default, and that Debian's kernel is without.
build()
{
	local helper helpers=()

	for helper in vm_util thp_settings hugepage_settings; do
		[ -e "$tests/$helper.c" ] && helpers+=("$tests/$helper.c")
	done
	[ -e "$tests/$1.c" ] && sed /debug_cow/d "$tests/$1.c" >"$out/$1.c" &&
		gcc -w -O2 -static -D_GNU_SOURCE= -I"$out" -I"$tests" -I"$source/testing/selftests" \
			-include "$source/testing/selftests/kselftest.h" \
			-isystem "$source/include/uapi" -o "$out/$1" "$out/$1.c" "${helpers[@]}" \
			-lrt -lpthread 2>"$out/$1.build"
}

# said PROGRAM HOW: its verdicts and its status; not the numbers, which are addresses and times,
# nor how many dots it printed as it waited
said()
{
	grep -aE '^(status|ok|not ok)|OK|FAIL|PASS|Fail|Success|SKIP' "$out/guest/$1.$2" |
		sed -E '/^status/!s/0x[0-9a-f]+|[0-9]+(\.[0-9]+)?/N/g; s/\.{3,}/.../'
}

# difference PROGRAM: between what it said without and with gomem
difference()
{
	if [ -s "$out/guest/$1.with" ]; then
		diff <(said "$1" without) <(said "$1" with)
	else
		echo 'it did not run'
		return 1
	fi
}

# verdict STATUS WHAT: a line of TAP
verdict()
{
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		failed=$((failed + 1))
	fi
}

# boot SECONDS PROGRAM...
boot()
{
	local program status=0 arguments=()

	for program in "${@:2}"; do
		arguments+=(-f "$out/$program:/selftests/$program")
	done
	tests/vm/run.sh -k "$kernel" -m 2048 -t "$1" -M zram -f "build/kmod-$kernel/gomem.ko" \
		"${arguments[@]}" -o "$out/guest" -- "$guest" >"$out/run" 2>&1 || status=$?
	verdict $status 'the guest ran to its end, without a warning in its log'
	[ $status = 0 ] || tail -n 30 "$out/run" | sed 's/^/# /'
}

# The targets really were: the hooks saw them
seen()
{
	awk '$2 == "anon_fault" { n += $3 } END { exit n < 1000 }' "$out/guest/counts"
}

rm -rf "$out"
mkdir -p "$out"
: >"$out/local_config.h"
built=() again=()
for program in $programs; do
	build "$program" && built+=("$program")
done
[ ${#built[@]} -ge 6 ] || { echo "Bail out! too few of them build: ${built[*]}"; exit 1; }

boot 700 "${built[@]}"
seen
verdict $? 'gomem saw them'
for program in "${built[@]}"; do
	difference "$program" >/dev/null || again+=("$program")
done
# Some fail now and then by themselves, khugepaged where a page is still on its way to a list.
# What is gomem's doing is there the next time.
[ ${#again[@]} = 0 ] || boot 450 "${again[@]}"
for program in "${built[@]}"; do
	why=$(difference "$program")
	verdict $? "$program: $(said "$program" with | wc -l) lines, $(said "$program" with | tail -n 1)"
	[ -z "$why" ] || echo "# ${why//$'\n'/$'\n'# }"
done
echo "1..$count"
[ $failed = 0 ]
