#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The table of layouts is what its generator makes of the Gos of tests/vm/toolchains, and
# keeps its rows when one Go alone is asked. With "all" alone, as it builds the standard
# library of each for two machines. TAP.
set -uo pipefail

# shellcheck source=tests/go/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
table=$here/../../userland/go/layout_table.c
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# same WHAT [GO]
same()
{
	local complaints

	complaints=$(OUTPUT=$tmp/table.c "$here/layouts.sh" "${@:2}" 2>&1 &&
		diff "$table" "$tmp/table.c" | head -n 20)
	result "$1" "$complaints"
}

if [ "${1:-}" != all ]; then
	echo '1..1'
	echo 'ok 1 - the table of layouts # SKIP by make check-go'
	exit
fi
same 'the table, made anew'
same 'the table, with one Go made anew' "$cache/go/$(minors | tail -n 1)/bin/go"
done_testing
