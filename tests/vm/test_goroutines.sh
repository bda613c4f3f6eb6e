#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_goroutines.sh KERNEL: the stacks of Go programs against what they say of themselves,
# with the oldest and the newest Go, with symbols, without, with cgo, as a library in a C program,
# and as a child that was followed. TAP.
# shellcheck disable=SC2317 # the checks are called by name
set -uo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
kernel=$1
out=build/check/$kernel/goroutines
# Two kernels are tested at a time
built=build/go/goroutines-$kernel
programs=$built/programs
cache=${GOMEM_CACHE:-$HOME/.cache/gomem}
count=0 failed=0

# check WHAT COMMAND...: on failure the last line of $why says what was expected
check()
{
	count=$((count + 1))
	if "${@:2}"; then
		echo "ok $count - $1"
		return
	fi
	echo "not ok $count - $1"
	echo "# $why"
	failed=$((failed + 1))
}

# make_program NAME MINOR [FLAG...]: with cgo where CGO_ENABLED=1
make_program()
{
	local dir=$built/src-$2

	mkdir -p "$dir" "$programs"
	cp tests/go/goroutines/main.go "$dir"
	rm -f "$dir/cgo.go"
	[ "${CGO_ENABLED:-0}" = 0 ] || cp tests/go/goroutines/cgo.go.in "$dir/cgo.go"
	printf 'module goroutines\n\ngo %s\n' "$2" >"$dir/go.mod"
	(cd "$dir" && CGO_ENABLED=${CGO_ENABLED:-0} GOTOOLCHAIN=local GOPROXY=off \
		"$cache/go/$2/bin/go" build -p 2 -o "../programs/$1" "${@:3}" .)
}

# make_library NAME MINOR: a C program that calls Go in a library
make_library()
{
	local library=$built/libgoroutines.so

	CGO_ENABLED=1 make_program "../libgoroutines.so" "$2" -buildmode=c-shared \
		-ldflags='-s -w' &&
		gcc -o "$programs/$1" -x c - "-L$built" -lgoroutines -Wl,-rpath,/lib/go <<-'EOF'
			void gomem_run(void);

			int main(void)
			{
				gomem_run();
				return 0;
			}
		EOF
	arguments+=(-f "$library:/lib/go/libgoroutines.so")
}

# is GOT WANT SOURCE
is()
{
	why="expected $2 ($3), got $1"
	[ "$1" = "$2" ]
}

# query NAME BY FILTER
query()
{
	jq -r "$3" "$out/$1.$2.json"
}

# of NAME GOID FIELD
of()
{
	query "$1" goroutine ".stacks[] | select(.goid == $2) | $3"
}

# More than the slice: the goroutine's stack, what the runtime keeps of the span, and up to Go
# 1.21 two bits in the heap's bitmap for each word
about()
{
	local most=$(($2 + $2 / 32 + 1048576))

	why="expected $2 to $most ($3), got $1"
	[ -n "$1" ] && [ "$1" -ge "$2" ] && [ "$1" -le "$most" ]
}

# To the page, but for signals: the kernel writes their frames while main.touch is interrupted
exactly()
{
	why="expected $2 and at most 64 KiB more ($3), got $1"
	[ "$1" -ge "$2" ] && [ "$1" -le $(($2 + 65536)) ]
}

# names NAME GOID: the functions of the goroutine's heaviest stack, innermost first, but for
# those of runtime/pprof and the closure that the compiler made of the go statement
names()
{
	of "$1" "$2" '[.frames[].function |
		select(startswith("runtime/pprof.") or startswith("main.main.") | not)] | join(" ")'
}

# by_label NAME TENANT: bytes
by_label()
{
	query "$1" labels "[.stacks[] | select(.labels.tenant == \"$2\") | .touched_bytes] | add"
}

# stack_of_touch NAME FIELD: one stack for all workers, of three goroutines
stack_of_touch()
{
	query "$1" stack "[.stacks[] | select(.frames[0].function == \"main.touch\") | $2] | add"
}

# The heap grew in mmap, on g0: from there to the goroutine's own function
crossed()
{
	query "$1" stack '[.stacks[] | select(.mmaps > 0 and .goroutines > 0) | [.frames[].function]
		| select(any(. == "runtime.(*mheap).grow") and any(. == "main.serve"))]
		| length > 0'
}

# recorded NAME: the recording says what the process said
recorded()
{
	why="expected as of the process: $(diff "$out/$1.live" "$out/$1.from" 2>&1 | head -n 5)"
	[ -s "$out/$1.live" ] && cmp -s "$out/$1.live" "$out/$1.from"
}

# workers NAME: "GOID NAME BYTES" of each
workers()
{
	sed -n 's/^worker //p' "$out/$1.said"
}

check_program()
{
	local name=$1 goid tenant bytes sum=0 number=0

	check "$name: three workers ran" is "$(workers "$name" | wc -l)" 3 'made so'
	check "$name: its goroutines are known" is "$(awk '{ print $NF }' "$out/$name.target")" tls \
		'gomemctl watch said so'
	while read -r goid tenant bytes; do
		sum=$((sum + bytes))
		check "$name: goroutine $goid touched" about "$(of "$name" "$goid" .touched_bytes)" \
			"$bytes" 'it says'
		check "$name: goroutine $goid, tenant" is "$(of "$name" "$goid" .labels.tenant)" \
			"$tenant" 'its label'
		check "$name: goroutine $goid, endpoint" is "$(of "$name" "$goid" .labels.endpoint)" \
			"/$tenant" 'its label'
		check "$name: by label $tenant" about "$(by_label "$name" "$tenant")" "$bytes" 'it says'
		check "$name: goroutine $goid, functions" is "$(names "$name" "$goid")" \
			"main.touch main.serve main.worker.func1 main.worker runtime.goexit" \
			'the source'
	done < <(workers "$name")
	check "$name: main.touch, bytes" exactly "$(stack_of_touch "$name" .touched_bytes)" $sum \
		'the workers say'
	# One that was seen with two stacks counts in both
	check "$name: main.touch, goroutines" is \
		"$(($(stack_of_touch "$name" .goroutines) >= 3))" 1 'three were made'
	check "$name: from mmap on g0 to the goroutine" is "$(crossed "$name")" true \
		'the heap grew for it'
	for by in stack goroutine labels thread; do
		check "$name: --by $by" is "$(cat "$out/$name.$by.status")" 0 'exit status'
		check "$name: --by $by of a recording" recorded "$name.$((number++))"
	done
}

mapfile -t minors < <(grep -v '^#' tests/vm/toolchains | cut -f1)
oldest=${minors[0]} newest=${minors[-1]}
rm -rf "$out" "$built"
mkdir -p "$out"
make_program "go$oldest" "$oldest" || exit
make_program "go$newest" "$newest" || exit
make_program "go$newest-stripped" "$newest" -ldflags='-s -w' || exit
CGO_ENABLED=1 make_program "go$newest-cgo" "$newest" || exit
cp "$programs/go$newest" "$programs/go$newest-child"
arguments=()
make_library "go$newest-c-shared" "$newest" || exit
for program in "$programs"/*; do
	arguments+=(-f "$program:/programs/${program##*/}")
done
tests/vm/run.sh -k "$kernel" -m 2048 -f "build/kmod-$kernel/gomem.ko" \
	-f build/user/gomemctl:/bin/gomemctl "${arguments[@]}" -f tests/vm/goroutines_guest.sh \
	-f tests/vm/record.sh \
	-o "$out" -- sh /goroutines_guest.sh 2>&1 | sed 's/^/# /'
status=${PIPESTATUS[0]}
why="expected 0 (its status), got $status; its output is above"
check 'the guest ran to its end' [ "$status" = 0 ]
for program in "$programs"/*; do
	check_program "${program##*/}"
done

echo "1..$count"
exit $((failed != 0))
