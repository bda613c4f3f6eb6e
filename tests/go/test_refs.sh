#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# gomemctl refs on a program that says what each of its variables and stacks holds: those
# objects and bytes, all that is reached together as much as runtime.MemStats says is
# allocated, nothing in flux; and objects by type. For each Go of tests/vm/toolchains, with and
# without DWARF, and stripped. As PIE, with cgo, and as a library in a C program: of the newest,
# and of each with "all". TAP.
#
#	test_refs.sh [all]
# shellcheck disable=SC2016 # jq's variables
set -uo pipefail

# shellcheck source=tests/go/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
cd "$here/../.." || exit 1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
what=${1:-}

ulimit -c unlimited
export GOTRACEBACK=crash

# Functions hold by their variables where these are known, as the program says with $variables
holders='(.refs | map({key: .holder, value: .}) | from_entries) as $got |
	($said | if has("variables") then (.holders | map(select(.holder as $one |
	$said.variables | all(.holder | startswith($one + " ") | not)))) + .variables
	else .holders end)[] | $got[.holder] as $row |
	select([$row.objects, $row.bytes, $row.retained_objects, $row.retained_bytes] !=
	[.objects, .bytes, .objects, .bytes]) |
	"\(.holder): expected \(.objects) objects, \(.bytes) bytes, by construction; came \($row)"'
# What two variables hold counts for one, and neither retains it
shared='[.refs[] | select(.holder == "main.one" or .holder == "main.other")] |
	[([.[].objects] | add), ([.[].bytes] | add), ([.[].retained_objects] | add)] |
	select(. != [700, 33600, 0]) |
	"main.one and main.other: expected 700 objects, 33600 bytes, none retained; came \(.)"'
# How many of each type: nodes are in lists, arrays, maps, channels, interfaces, structs, frames
# (900 and 200), and, from Go 1.23 on, in what closures capture (375 times 3, 100 times 4); before,
# nothing has a type for these
types='(.types | map({key: .type, value: .objects}) | from_entries) as $got |
	{"main.node": (10000 + 500 + 1000 + 100000 + 50 * 80 + 200 + 5000 * 2 + 300 + 5 + 400 +
	600 + 400 + 700 + 900 + 200 + if $captures then 375 * 3 + 100 * 4 else 0 end),
	"main.inSlice": 30, "main.inMap": 40, "main.inChannel": 20, "main.inFace": 1,
	"main.inStruct": 11, "main.inParts": 2, "main.inArray": 8, "main.escaped": 1,
	"main.pointedTo": 8, "main.inlined": 1, "main.parameter": 1, "main.capturedFace": 1,
	"main.inClosure": (if $captures then 1 else null end),
	"main.capturedSlice": (if $captures then 3 else null end),
	"main.capturedByPlace": (if $captures then 1 else null end),
	"main.big": 150, "main.pair": 300, "[]uint8": 500,
	"func main.makeFunctions.func1": 375, "func main.makeFinalized.func1": 100,
	"func main.makeCounters.func1": 40} | to_entries[] |
	select($got[.key] != .value) |
	"type \(.key): expected \(.value), by construction; came \($got[.key])"'
# What interfaces in the heap hold is known without DWARF, and whose closures have pointers
pairs='(.types | map({key: .type, value: .objects}) | from_entries) as $got |
	{"main.pair": 300, "func main.makeFunctions.func1": 375, "main.capturedFace": 1,
	"func main.makeFinalized.func1": 100, "main.inSlice": null, "main.inFace": null,
	"main.inClosure": null, "main.capturedSlice": null} | to_entries[] | select($got[.key] != .value) |
	"type \(.key): expected \(.value), by construction; came \($got[.key])"'
# From Go 1.25 on they have a queue of their own; one of 50 is running
cleanups='([.refs[] | select(.holder == "cleanups to run") | .objects] | add // 0) as $got |
	select($got < 49 * 4) |
	"cleanups to run: expected at least 49 times 4 objects, by construction; came \($got)"'
# Where variables have no names: each still is a row
unnamed='.refs as $rows | $said.holders[] | select(.objects > 0) as $row |
	select(($rows | map(select(.objects == $row.objects and .bytes == $row.bytes)) | length) == 0) |
	"\(.holder): expected a row of \(.objects) objects, \(.bytes) bytes; came none"'
sums='.totals[0] as $got |
	([.refs[].objects] | add) as $objects | ([.refs[].bytes] | add) as $bytes |
	[["reached_objects", $got.reached_objects, $said.heap_objects],
	["reached_bytes", $got.reached_bytes, $said.heap_alloc_bytes],
	["the rows'\'' objects", $objects, $said.heap_objects],
	["the rows'\'' bytes", $bytes, $said.heap_alloc_bytes],
	["flux_references", $got.flux_references, 0],
	["flux_goroutines", $got.flux_goroutines, 0],
	["guessed_stack_bytes", $got.guessed_stack_bytes, 0],
	["guessed_heap_bytes", $got.guessed_heap_bytes, 0],
	["unreadable_bytes", $got.unreadable_bytes, 0]][] | select(.[1] != .[2]) |
	"\(.[0]): expected \(.[2]), from runtime.MemStats; came \(.[1])"'

complaints()
{
	jq -r --argjson said "$said" --argjson captures "${captures:-false}" "$1" <<<"$refs" 2>&1
}

# state PID: one letter, T where it is stopped
state()
{
	sed 's/.*) \(.\).*/\1/' "/proc/$1/stat"
}

# goes_on PID: soon, however busy the machine is
goes_on()
{
	local i

	for ((i = 0; i < 50; i++)); do
		sleep 0.1
		[ "$(state "$1")" = T ] || return 0
	done
	return 1
}

# freeze PROGRAM: it stands still, goes on after, and also when gomemctl is killed meanwhile
freeze()
{
	local pid delay complaint='' frozen

	coproc program { exec "$1"; }
	# shellcheck disable=SC2154 # coproc sets it
	pid=$program_PID
	read -r -t 60 said <&"${program[0]}"
	refs=$(./gomemctl refs -p "$pid" --freeze --json 2>&1)
	frozen=$(jq '.totals[0].frozen_us > 0' <<<"$refs")
	[ "$frozen" = true ] || complaint="expected a time that it stood still; came $refs"
	[ "$(state "$pid")" != T ] || complaint="it was left stopped"
	result "--freeze: who holds what" "$complaint$(complaints "$holders")"
	complaint=''
	for delay in 0.004 0.008 0.012 0.016 0.02 0.03 0.04 0.05 0.06 0.08; do
		timeout -s KILL $delay ./gomemctl refs -p "$pid" --freeze >/dev/null 2>&1
		goes_on "$pid" || complaint="left stopped, gomemctl killed after $delay s"
	done 2>/dev/null
	result "--freeze: a killed gomemctl leaves nothing stopped" "$complaint"
	kill -STOP "$pid"
	sleep 0.1
	./gomemctl refs -p "$pid" --freeze >/dev/null
	[ "$(state "$pid")" = T ] && complaint='' || complaint="it runs"
	result "--freeze: what was stopped before stays so" "$complaint"
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	return 0
}

# files MINOR PROGRAM: profile and graph have what the table has
files()
{
	local complaint='' top pid

	coproc program { exec "$2"; }
	pid=$program_PID
	read -r -t 60 said <&"${program[0]}"
	./gomemctl refs -p "$pid" --pprof "$tmp/profile" --dot "$tmp/graph" >/dev/null
	kill "$pid"
	wait "$pid" 2>/dev/null
	top=$("$cache/go/$1/bin/go" tool pprof -sample_index=inuse_objects -top -cum -nodecount=1000 \
		-nodefraction=0 "$tmp/profile" 2>&1 | awk '$6 == "main.large" { print $4 }')
	[ "$top" = 100001 ] || complaint="main.large: expected 100001 objects; came $top"
	result "--pprof: go tool pprof reads it" "$complaint"
	complaint=''
	grep -q '"main.large" -> "main.node " \[label=".*, 100000"\];' "$tmp/graph" ||
		complaint="no edge from main.large to 100000 nodes: $(head -n 5 "$tmp/graph")"
	result "--dot: who holds what" "$complaint"
}

# look COMMAND...: into $said what it says, into $refs what gomemctl does, into $addr what it says
# of a closure; with "all", its core is left; where it is $undescribed, frames have no variables
look()
{
	local pid closure

	coproc program { cd "$tmp" && exec "$@" 2>panic; }
	# shellcheck disable=SC2154 # coproc sets it
	pid=$program_PID
	said='' refs='nothing was printed' addr=''
	# shellcheck disable=SC2154 # coproc sets it
	if read -r -t 60 said <&"${program[0]}"; then
		[ -z "${undescribed:-}" ] || said=$(jq -c 'del(.variables)' <<<"$said")
		sleep 0.2	# until it waits for its input, and its GC for work
		refs=$(./gomemctl refs -p "$pid" --json 2>&1)
		closure=$(jq '.closure? // 0' <<<"$said")
		addr=$(./gomemctl addr -p "$pid" "$(printf %x "$closure")" 2>&1)
		if [ "$what" = all ] && leave_core "$pid" "references of a core"; then
			return
		fi
	fi
	kill "$pid"
	wait "$pid" 2>/dev/null
}

# cored NAME FILTER: what look left says the same
cored()
{
	local refs

	[ -e "$tmp/left" ] || return 0
	refs=$(./gomemctl refs --core "$tmp/left" --json 2>&1)
	rm "$tmp/left"
	result "$1, from a core" "$(complaints "$2")$(complaints "$sums")"
}

# check NAME COMMAND...
check()
{
	local complaint

	look "${@:2}"
	result "$1: who holds what" "$(complaints "$holders")$(complaints "$shared")"
	result "$1: all is reached, once" "$(complaints "$sums")"
	grep -q ' type *func main.makeFunctions.func1$' <<<"$addr" && complaint='' ||
		complaint="expected the type func main.makeFunctions.func1; came $addr"
	result "$1: addr knows a closure" "$complaint"
	cored "$1" "$holders"
}

# check_types NAME MINOR: of what look saw last
check_types()
{
	local captures=false

	[ "${2#1.}" -lt 23 ] || captures=true
	result "$1: objects by type" "$(complaints "$types")"
	[ "${2#1.}" -lt 25 ] || result "$1: cleanups that wait" "$(complaints "$cleanups")"
}

# check_stripped NAME COMMAND...
check_stripped()
{
	look "${@:2}"
	result "$1: something holds each" "$(complaints "$unnamed")"
	result "$1: types of what interfaces hold, and closures" "$(complaints "$pairs")"
	result "$1: all is reached, once" "$(complaints "$sums")"
	cored "$1" "$unnamed"
}

# torn NAME PROGRAM: what of an array can be read holds what it does
torn()
{
	local complaint='' got

	look "$2"
	got=$(jq -c '[(.refs[] | select(.holder == "main.large").objects),
		.totals[0].unreadable_bytes]' <<<"$refs")
	[ "$got" = "[$((said + 1)),1048576]" ] ||
		complaint="expected $((said + 1)) objects, 1048576 bytes unreadable; came $got"
	result "$1: an array whose first MiB cannot be read" "$complaint"
}

each_minor()
{
	local minor=$1

	build "go$minor" "$minor" refs && check "go$minor" "$tmp/go$minor" &&
		check_types "go$minor" "$minor"
	build "go$minor-w" "$minor" refs -ldflags=-w &&
		undescribed=1 check "go$minor without DWARF" "$tmp/go$minor-w"
	build "go$minor-s" "$minor" refs -ldflags='-s -w' &&
		check_stripped "go$minor stripped" "$tmp/go$minor-s"
	build "torn$minor" "$minor" torn && torn "go$minor" "$tmp/torn$minor"
}

# each_way NAME COMMAND...
each_way()
{
	case $1 in
	*-stripped) check_stripped "$@" ;;
	*)
		check "$@"
		check_types "$1" "$minor"
		;;
	esac
}

for minor in ${MINORS:-$(minors)}; do
	each_minor "$minor"
	[ "$what" != all ] || ways "$minor" refs each_way
done
[ "$what" = all ] || ways "$minor" refs each_way
build newest "$minor" refs && freeze "$tmp/newest" && files "$minor" "$tmp/newest"
done_testing
