#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Functions, inlined ones too, files and lines of code addresses, as read from outside,
# against what the runtime inside says: for each Go of tests/vm/toolchains, from the process
# and, where addresses do not depend on it, from the file, stripped or not. And where the
# runtime's globals are, as found without symbols, against those. As PIE, with cgo, and as a
# library in a C program: of the newest, and of each with "all". TAP.
#
#	test_symbols.sh [all]
set -uo pipefail

# shellcheck source=tests/go/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
cd "$here/../.." || exit 1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
what=${1:-}
tool=build/user/tests/go/symbols globals=build/user/tests/go/globals

# Where the runtime leaves out the types of a generic function, so do we
plain()
{
	sed -E 's/\[.*\]/[...]/'
}

# complaints WHAT: differences between what was said and what the tool says of WHAT
complaints()
{
	$tool "$1" <"$tmp/raw" 2>&1 | plain >"$tmp/came"
	diff "$tmp/said" "$tmp/came" | head -n 10
}

# compare NAME COMMAND...
compare()
{
	local name=$1 lines pid

	coproc fixture { exec "${@:2}"; }
	# shellcheck disable=SC2154 # coproc sets them
	{ cat <&"${fixture[0]}" >"$tmp/raw" && pid=$fixture_PID; }
	plain <"$tmp/raw" >"$tmp/said"
	lines=$(wc -l <"$tmp/said")
	result "$name: $((lines / 1000))000 addresses, from the process" "$(
		[ "$lines" -gt 2000 ] || echo "the program spoke of $lines addresses only"
		complaints "$pid")"
	case $name in
	*PIE* | *c-shared*) ;;
	*) result "$name: from the file" "$(complaints "$2")" ;;
	esac
	result "$name: inlined frames" "$(expected_chain)"
	case $name in
	*stripped*) ;;
	*) result "$name: globals" "$($globals "$pid")" ;;
	esac
	kill "$pid"
	wait "$pid" 2>/dev/null
}

# By construction: inner was inlined into middle, and that into outer
expected_chain()
{
	local chain

	chain=$(grep ^in "$tmp/said" | cut -d' ' -f3 | paste -sd' ')
	[ "$chain" = 'main.inner main.middle main.outer' ] ||
		echo "expected main.inner main.middle main.outer; the runtime says $chain"
}

# each NAME MINOR FLAG...
each()
{
	build "$1" "$2" symbols "${@:3}" && compare "$1" "$tmp/$1"
}

make -s $tool $globals || exit 1
for minor in ${MINORS:-$(minors)}; do
	each "go$minor" "$minor"
	each "go$minor-stripped" "$minor" '-ldflags=-s -w'
	[ "$what" != all ] || ways "$minor" symbols compare
done
[ "$what" = all ] || ways "$minor" symbols compare
done_testing
