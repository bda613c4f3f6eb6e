#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the fuzz harnesses begin with, in build/fuzz: base/, whole programs and cores that inputs
# change, and corpus/NAME/, inputs of each harness. What is there stays. Needs gomemctl.
set -euo pipefail

# shellcheck source=tests/go/lib.sh
. "$(dirname "$(readlink -f "$0")")/../go/lib.sh"
cd "$here/../.."
base=$PWD/build/fuzz/base
corpus=$PWD/build/fuzz/corpus

# A program once: go MINOR NAME [FLAG...]
go()
{
	[ -e "$base/$2" ] || go_build "$1" "$base/$2" small "${@:3}"
}

programs()
{
	# Flags that leave the DWARF as it is, to be changed
	go 1.24 go1.24 -ldflags=-compressdwarf=false
	go 1.19 go1.19
	go 1.27 go1.27-stripped-pie -ldflags=-s -buildmode=pie
	go 1.24 core-go1.24.exe
	go 1.27 core-go1.27.exe -ldflags=-w
	echo 'int main(void) { return 0; }' | gcc -g -x c -o "$base/c" -
}

# start PROGRAM: until it says that it is done
start()
{
	coproc small { ulimit -c unlimited; cd "$base" && GOTRACEBACK=crash exec "$1" 2>/dev/null; }
	# shellcheck disable=SC2154 # coproc sets them
	pid=$small_PID
	read -r <&"${small[0]}"
}

# Of the kernel where that hands us any, else of gdb; a hole for what is zero
core_of()
{
	local pattern

	read -r pattern </proc/sys/kernel/core_pattern
	if [ "$pattern" = core ]; then
		kill -ABRT "$pid"
		wait "$pid" || true
		mv "$base"/core "$1" 2>/dev/null || mv "$base"/core.[0-9]* "$1"
	else
		gcore -o "$base/gcore" "$pid" >/dev/null 2>&1
		kill "$pid"
		cp --sparse=always "$base/gcore.$pid" "$1"
		rm "$base/gcore.$pid"
	fi
}

cores()
{
	local name

	for name in core-go1.24 core-go1.27; do
		[ ! -e "$base/$name" ] || continue
		start "$base/$name.exe"
		[ -e "$corpus/recording/$name" ] ||
			./gomemctl record -p "$pid" -o "$corpus/recording/$name" --for 0 2>/dev/null
		cat "/proc/$pid/maps" >"$corpus/maps/$name"
		core_of "$base/$name"
		# The headers and notes of a core, and a little of its memory
		head -c 65536 "$base/$name" >"$corpus/core/$name"
	done
}

# seed HARNESS NAME, of what is on stdin
seed()
{
	cat >"$corpus/$1/$2"
}

# Columns of a table in the contract: columns NAME
columns()
{
	printf '#include "gomem.h"\n#define NAME(name, type) name\n%s GOMEM_%s_COLUMNS(NAME)\n' \
		'columns:' "$1" | gcc -E -P -Iinclude - | tr -s '\n ' ' ' | sed 's/.*columns: //'
}

tables()
{
	local i=0 table

	for table in vmas summary targets stacks probes huge; do
		{
			# shellcheck disable=SC2059 # a byte
			printf "\\x0$i"
			printf '# gomem 2 %s\n' "$table"
			columns "${table^^}"
			printf '\n1 c000 d000 1 2 3 - x%%20y 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n'
		} | seed module "$table"
		i=$((i + 1))
	done
}

small_ones()
{
	objcopy -O binary --only-section=.go.buildinfo "$base/go1.24" "$corpus/version/go1.24"
	# A slice of two labels at 0xc000000000: keys and values are strings behind it
	printf '\x18\x00\x00\x00\xc0\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00' |
		seed labels slice
	printf '\x00\x00\x40\x00\x00\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00' | seed runs run
	head -c 192 /dev/zero | seed events none
	printf '\x01\x00\x00\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x04\x00\x00\x00abcd' | seed tape range
}

# For harnesses whose inputs are changes: none, and some of each kind, of each base
changes()
{
	local harness which

	for harness in elf dwarf image heap goroutines refs; do
		for which in 0 1 2 3; do
			# shellcheck disable=SC2059 # a byte
			printf "\\x0$which" | seed $harness "whole-$which"
			# shellcheck disable=SC2059 # a byte
			{ printf "\\x0$which"; head -c 96 /dev/urandom; } | seed $harness "some-$which"
		done
	done
}

mkdir -p "$base"
for file in tests/fuzz/fuzz_*.c; do
	name=${file##*/fuzz_}
	mkdir -p "$corpus/${name%.c}"
done
programs
cores
tables
small_ones
changes
