#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# That the module calls nothing it looked up by name: with IBT or sealing a kernel dies of
# that. Read from what was built, and from the source.
#
#	test_symbols.sh KERNEL
set -uo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
cache=${GOMEM_CACHE:-$HOME/.cache/gomem}
kernel=$1
module=build/kmod-$kernel/gomem.ko
exported=$cache/kernels/$kernel/build/Module.symvers
count=0 failed=0

# What gives out addresses of the kernel by name
finders='kallsyms_|__symbol_get|symbol_get|find_symbol|sprint_symbol|lookup_symbol|bpf_|livepatch'

# check NAME: passes when nothing comes from stdin
check()
{
	local found

	found=$(cat)
	count=$((count + 1))
	if [ -z "$found" ]; then
		echo "ok $count - $1"
		return
	fi
	echo "not ok $count - $1"
	echo "$found" | sed 's/^/# /' | head -n 20
	failed=$((failed + 1))
}

# Every symbol that a relocation names and the module does not define
imports()
{
	readelf --syms --wide "$module" | awk '$7 == "UND" && $8 != "" { print $8 }' | sort -u
}

# Handlers and callbacks are given by address, never taken from a probe
sources()
{
	grep -nE "$1" kmod/*.[ch] kmod/compat/*.[ch]
}

[ -s "$module" ] || { echo "Bail out! $module is not built"; exit 1; }
[ "$(imports | wc -l)" -gt 50 ] || { echo "Bail out! cannot read the relocations of $module"; exit 1; }

check "each symbol that the module needs is exported by the kernel" \
	< <(imports | grep -vxFf <(awk '{ print $2 }' "$exported"))
check "none of them gives out addresses by name" < <(imports | grep -E "^($finders)")
check "nor does the source name one" < <(sources "$finders")
check "the address that a probe was planted at is not used" \
	< <(sources '(kp|kprobe|probe|hook)(\.|->)(kp(\.|->))?addr\b')
check "no number is made a function" \
	< <(sources '\(\*\)\s*\([^)]*\)\)\s*(0x|\(?unsigned long|.*symbol)')

echo "1..$count"
[ $failed = 0 ]
