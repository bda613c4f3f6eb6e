#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Makes userland/go/layout_table.c anew: builds a program with each Go of
# tests/vm/toolchains and takes the offsets from its DWARF. Needs tests/vm/setup.sh.
set -euo pipefail

# shellcheck source=tests/go/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
userland=$here/../../userland
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

programs=()
for minor in $(minors); do
	go_build "$minor" "$tmp/program-$minor" fixture
	programs+=("$tmp/program-$minor")
done
# shellcheck disable=SC2046 # flags
${CC:-gcc} -std=gnu11 -Wall -Wextra -Werror -I"$userland" -o "$tmp/layouts" "$here/layouts.c" \
	"$userland"/go/{buildinfo,layout,program,version}.c "$userland"/{elf,base}/*.c \
	"$userland"/os/{file,mem}.c \
	$(pkg-config --cflags --libs libdw libelf)
{
	echo '// SPDX-License-Identifier: GPL-2.0-or-later'
	"$tmp/layouts" "${programs[@]}"
} >"$tmp/table.c"
mv "$tmp/table.c" "$userland/go/layout_table.c"
