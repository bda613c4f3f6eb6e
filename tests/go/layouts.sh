#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Makes userland/go/layout_table.c anew, from the DWARF of programs for amd64 and arm64.
#
#	layouts.sh		of each Go in tests/vm/toolchains; needs tests/vm/setup.sh
#	layouts.sh GO		of this go command alone: the rows of others stay
#
# OUTPUT=FILE: into that file instead.
set -euo pipefail

# shellcheck source=tests/go/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
userland=$here/../../userland
known=$userland/go/layout_table.c
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
programs=()

# programs_of MINOR: for each machine
programs_of()
{
	local machine

	for machine in amd64 arm64; do
		GOARCH=$machine go_build "$1" "$tmp/program-$1-$machine" fixture
		programs+=("$tmp/program-$1-$machine")
	done
}

if [ $# = 1 ]; then
	go=$(readlink -f "$1")
	programs_of "$("$go" env GOVERSION | sed -n 's/^go\(1\.[0-9]*\).*/\1/p')"
else
	known=$tmp/none.c
	cat >"$known" <<-END
		#include "go/layout.h"
		const struct gm_go_layout_row gm_go_layout_table[1];
		const size_t gm_go_layout_rows;
	END
	for minor in $(minors); do
		programs_of "$minor"
	done
fi
# shellcheck disable=SC2046 # flags
${CC:-gcc} -std=gnu11 -Wall -Wextra -Werror -I"$userland" -I"$userland/../include" \
	-o "$tmp/layouts" "$here/layouts.c" "$known" \
	"$userland"/go/{buildinfo,layout,program,version}.c "$userland"/{elf,base,os}/*.c \
	$(pkg-config --cflags --libs libdw libelf libzstd)
{
	echo '// SPDX-License-Identifier: GPL-2.0-or-later'
	"$tmp/layouts" "${programs[@]}"
} >"$tmp/table.c"
mv "$tmp/table.c" "${OUTPUT:-$userland/go/layout_table.c}"
