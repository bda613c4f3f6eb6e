#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# All tests, and one line for each:
#
#	lint		tests/lint.sh
#	host/NAME	tests/host/test_NAME.c, under ASan and UBSan, and test_NAME.sh
#	go/NAME		tests/go/test_NAME.sh, real Go programs on this machine
#	fuzz		tests/fuzz/fuzz.sh, hostile input, a few seconds for each parser
#	KERNEL/NAME	tests/kselftest/test_NAME.c and tests/vm/test_NAME.sh, on the
#			kernels that tests/vm/kernels says
#
# With "kernels" as argument, only the last of these, on all kernels, and the kernel's own mm
# selftests with the module attached to them and without. With "go", only the real Go
# programs: each Go, built in every way, and all servers. With "debug", on the debug kernel,
# and with more to bear: tests/vm/debug/test_NAME.sh, and 1,000 loads in test_stress.
# STRIDE=1 tries what test_failures.c believes to be the same, too: ten times the loads,
# which take hours where there is no KVM.
#
# Each writes TAP. A test that ends without its plan, or with a bad status and no
# "not ok", counts as one that failed. The whole output is left in build/check/.
set -uo pipefail

cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
cache=${GOMEM_CACHE:-$HOME/.cache/gomem}
logs=build/check
what=${1:-all}
slower=1 longer=1 environment='' matrix=''
[ "$what" != go ] || slower=3 matrix=all	# 90 builds in a test
shopt -s extglob

# count NAME STATUS: add up NAME's TAP, say what went wrong in it
count()
{
	local tap=$logs/$1.tap ok bad skip plan

	ok=$(grep -cE '^ok ' "$tap")
	bad=$(grep -cE '^not ok ' "$tap")
	skip=$(grep -cE '^ok .*# SKIP' "$tap")
	plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$tap" | tail -n 1)
	if [ "$plan" != $((ok + bad)) ] || { [ "$2" != 0 ] && [ "$bad" = 0 ]; }; then
		bad=$((bad + 1))
		echo "# it ended with status $2 after $ok passed; planned: ${plan:-nothing}" >>"$tap"
	fi
	echo "$((ok - skip)) $bad $skip" >>$logs/counts
	printf '%-24s %4d passed  %d failed  %d skipped\n' "$1" $((ok - skip)) "$bad" "$skip"
	if [ "$bad" = 0 ]; then
		sed -n '/the guest stood still/p' "$tap"
	else
		grep -vE '^(ok |1\.\.)' "$tap" | head -n 80
	fi
}

# run NAME COMMAND...
run()
{
	local status=0 name=$1

	shift
	mkdir -p "$(dirname "$logs/$name")"
	timeout $((1200 * slower)) "$@" >"$logs/$name.tap" 2>&1 || status=$?
	count "$name" $status
}

# build NAME COMMAND...: says something only when it fails, which is a failed test
build()
{
	local name=$1

	shift
	mkdir -p "$(dirname "$logs/$name")"
	"$@" >"$logs/$name.tap" 2>&1 && return
	count "$name" 1
	return 1
}

name_of()
{
	local name=${1##*/test_}

	echo "${name%.*}"
}

# abreast COMMAND ARGUMENT...: COMMAND with each, one on each core; what they say comes in order
abreast()
{
	local argument

	for argument in "${@:2}"; do
		[ "$(jobs -rp | wc -l)" -lt "$(nproc)" ] || wait -n
		"$1" "$argument" >"$logs/${argument##*/}.txt" &
	done
	wait
	for argument in "${@:2}"; do
		cat "$logs/${argument##*/}.txt"
	done
}

host()
{
	local test

	build host/build make -s -j2 SAN=1 host-tests || return
	for test in tests/host/test_*.c; do
		run "host/$(name_of "$test")" "build/san/tests/host/test_$(name_of "$test")"
	done
}

go_program()
{
	run "go/$(name_of "$1")" "$1" $matrix
}

go_programs()
{
	abreast go_program tests/go/test_*.sh
	run host/completion tests/host/test_completion.sh
}

fuzz()
{
	build fuzz make -s -j2 FUZZ=1 fuzz-programs && run fuzz tests/fuzz/fuzz.sh
}

# What the guest does: each test in turn, its output between lines that say so
# shellcheck disable=SC2016 # the guest expands these
guest_script='for test in /tests/*; do
	echo "@begin ${test##*/test_}"
	timeout $seconds "$test" 2>&1
	echo "@end $?"
	for left in /proc/[0-9]*; do
		case $(readlink $left/exe) in /tests/*) kill -9 ${left##*/} ;; esac
	done
done'

# kselftests KERNEL BOOT TEST...: all in one boot of that name
kselftests()
{
	local kernel=$1 boot=$2 test arguments=() status=0 line name=''

	for test in "${@:3}"; do
		arguments+=(-f "$test:/tests/${test##*/}")
	done
	mkdir -p "$logs/$kernel/$boot"
	tests/vm/run.sh -k "$kernel" -m 1536 -t $((2400 * longer)) -M zram -M ext4 \
		-f "build/kmod-$kernel/gomem.ko" -f build/user/gomemctl:/bin/gomemctl \
		"${arguments[@]}" -o "$logs/$kernel/$boot" \
		-- "export $environment seconds=$((600 * slower * longer)); $guest_script" \
		>"$logs/$kernel/$boot/all" 2>"$logs/$kernel/$boot/run" || status=$?
	while read -r line; do
		case $line in
		@begin*) name=$kernel/${line#@begin } && : >"$logs/$name.tap" ;;
		@end*) count "$name" "${line#@end }" && name='' ;;
		*) echo "$line" >>"$logs/${name:-$kernel/$boot/between}.tap" ;;
		esac
	done <"$logs/$kernel/$boot/all"
	[ -z "$name" ] || count "$name" "the guest's end"
	guest_verdict "$kernel/$boot" $status
}

# guest_verdict KERNEL/BOOT STATUS: that the guest lived, and its log is clean, is a test of its own
guest_verdict()
{
	local name=$1-log

	if [ "$2" = 0 ]; then
		echo "ok 1 - the guest ran to its end, without a warning in its log"
	else
		echo "not ok 1 - the guest ran to its end, without a warning in its log"
	fi >"$logs/$name.tap"
	{
		sed 's/^/# /' "$logs/$1/run"
		echo 1..1
	} >>"$logs/$name.tap"
	count "$name" "$2"
}

# scripts KERNEL TEST...
scripts()
{
	local kernel=$1 test

	for test in "${@:2}"; do
		run "$kernel/$(name_of "$test")" "$test" "$kernel"
	done
	[ "$what" != kernels ] || run "$kernel/selftests" tests/vm/selftests.sh "$kernel"
}

build_module()
{
	build "$1/build" make -s module KDIR="$cache/kernels/$1/build" KNAME="$1"
}

machine()
{
	build_module "$1" || return
	kselftests "$1" kernel build/kselftest/test_*
	scripts "$1" tests/vm/test_*.sh
}

kernels()
{
	awk -v what="$what" '!/^#/ && (what == "kernels" || $5 == "check") { print $1 }' \
		tests/vm/kernels
}

# A virtual machine uses one core
machines()
{
	local kernels

	mapfile -t kernels < <(kernels)
	abreast machine "${kernels[@]}"
}

# The two that take longest have a boot of their own, and half of all takes one core
debug()
{
	# shellcheck source=tests/vm/debug/machine
	. "$cache/kernels/debug/machine"
	environment="LOADS=1000 STRIDE=${STRIDE:-64}"
	build_module debug || return
	{
		longer=4 kselftests debug stress build/kselftest/test_stress
		scripts debug tests/vm/test_*.sh tests/vm/debug/test_*.sh
	} >"$logs/debug.txt" &
	kselftests debug kernel build/kselftest/test_!(stress|failures)
	longer=4 kselftests debug failures build/kselftest/test_failures
	wait
	cat "$logs/debug.txt"
}

# The closing line: what was counted, over all tests
total()
{
	awk '{ passed += $1; failed += $2; skipped += $3 }
	END {
		printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
		exit failed != 0 || !passed
	}' $logs/counts
}

rm -rf $logs
mkdir -p $logs
if [ "$what" = all ]; then
	run lint tests/lint.sh
	host
fi
build gomemctl make -s -j2 gomemctl && case $what in
all)
	go_programs
	fuzz
	;;
go) go_programs ;;
esac
[ "$what" = go ] || build kselftest make -s -j2 kselftests illness && case $what in
go) ;;
debug) debug ;;
*) machines ;;
esac

echo "logs are in $logs"
total
