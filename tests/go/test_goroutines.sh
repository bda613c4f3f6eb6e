#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What gomemctl goroutines reads from outside against what runtime.Stack says inside of the same
# goroutines, frame by frame, and against how the program made them; for each Go of
# tests/vm/toolchains, stripped or not. As PIE, with cgo, and as a library in a C program: of the
# newest, and of each with "all". TAP.
#
#	test_goroutines.sh [all]
set -uo pipefail

# shellcheck source=tests/go/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
cd "$here/../.." || exit 1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
what=${1:-}
export GOGC=off	# the program collects when it is told
export GOTRACEBACK=crash	# and leaves a core when it is killed

# A goroutine a line, "ID STATE|FUNCTION FILE:LINE|...|by FUNCTION FILE:LINE", sorted; but for
# the one that was running, as it asked, and for frames of the runtime, of which Go 1.15 has those
# that were inlined elsewhere
said_lines()
{
	awk '
	/^goroutine / {
		match($0, /\[[^],]*/)
		line = $2 " " substr($0, RSTART + 1, RLENGTH - 1)
		next
	}
	/^runtime\.[a-z]/ { getline; next }
	/^\t/ { sub(/ \+0x.*/, ""); line = line " " substr($0, 2); next }
	/^created by / { sub(/ in goroutine .*/, ""); line = line "|by " $3; next }
	/^end / { exit }
	/^$/ { if (line) print line; line = ""; next }
	{ sub(/\([^()]*\)$/, ""); line = line "|" $0 }' | grep -v '^[0-9]* running' | sort
}

# The same of what gomemctl says: a panic, too, leaves out what the runtime does
came_lines()
{
	jq -r --argjson asker "$asker" '.processes[0].list[] |
		select((.system | not) and .goid != $asker) |
		"\(.goid) \(.state)" + ([.frames[] | select(.function |
			test("^runtime[.]([^A-Z(]|[(][*]?[^A-Z])") | not) |
			"|\(.function) \(.file):\(.line)"] | join("")) +
		(.created_by | if . then "|by \(.function) \(.file):\(.line)" else "" end)' |
		sort
}

# ask NAME FLAG...: JSON of the program that runs, into $tmp/NAME
ask()
{
	./gomemctl goroutines -p "$pid" --json "${@:2}" >"$tmp/$1"
}

# is WHAT CAME EXPECTED SOURCE
is()
{
	result "$1" "$([ "$2" = "$3" ] || echo "expected $3, $4; came $2")"
}

# of FILTER [FILE]
of()
{
	jq -r ".processes[0] | $1" "$tmp/${2:-list}"
}

# Pages present in [from, to), from pagemap
present_bytes()
{
	dd if="/proc/$pid/pagemap" bs=8 skip=$(($1 / 4096)) count=$((($2 - $1) / 4096)) \
		status=none | od -An -v -t u8 -w8 |
		awk '{ n += $1 >= 9223372036854775808 } END { print n * 4096 }'
}

# run COMMAND...: until it stands still; what it says is in $tmp/said, its last words in
# $goroutines, $stack_inuse, $before and $after; which goroutine spoke in $asker
run()
{
	coproc program { cd "$tmp" && exec "$@" 2>panic; }
	# shellcheck disable=SC2154 # coproc sets them
	pid=$program_PID
	sed '/^end /q' <&"${program[0]}" >"$tmp/said"
	asker=$(sed -n 's/^goroutine \([0-9]*\) \[running.*/\1/p' "$tmp/said")
	read -r _ goroutines stack_inuse before after <<<"$(tail -n 1 "$tmp/said")"
}

stop()
{
	kill "$pid"
	wait "$pid" 2>/dev/null
}

# The runtime's clock of what waits starts at the end of the GC before the one that first saw
# it wait; /proc/uptime has 10 ms
check_waits()
{
	result "$1: how long they wait" "$(of "
		(($asked - $after / 1e9 - 0.02) * 1e9) as \$least |
		(($answered - $before / 1e9 + 0.02) * 1e9) as \$most |
		[.list[] | select((.system | not) and .state != \"syscall\") | .wait_about_ns |
			select(. == null or . < \$least or . > \$most)] | select(length > 0) |
		\"expected \(\$least) to \(\$most) ns, since the first GC; came \(.[0]) and \(
			length - 1) more\"")"
}

check_stacks()
{
	local low high

	is "$1: deep stacks" \
		"$(of '[.list[] | select((.frames | length) > 90) | .stack_bytes] | unique | join(" ")')" 131072 \
		'since 90 frames of over 1 KiB have no room in 64 KiB'
	result "$1: what is used of them" "$(of '.list[] | select((.frames | length) > 90) |
		select(.used_bytes < 90 * 1024 or .used_bytes >= .stack_bytes) |
		"expected 92160 to 131072, by construction; came \(.used_bytes)"')"
	result "$1: all are within StackInuse" "$(of "[.list[].stack_bytes] | add |
		select(. > $stack_inuse) |
		\"expected at most $stack_inuse, from runtime.MemStats; came \(.)\"")"
	read -r low high <<<"$(of '[.list[] | select((.frames | length) > 90)][0] |
		"\(.stack_low) \(.stack_high)"')"
	is "$1: resident bytes of a stack" \
		"$(of "[.list[] | select(.stack_low == \"$low\")][0].resident_bytes")" \
		"$(present_bytes "$low" "$high")" 'from pagemap'
}

check_groups()
{
	ask groups
	is "$1: a group of a thousand" \
		"$(of '[.groups[] | select(.function == "main.receiver") | .count] | join(" ")' groups)" \
		1000 'made so'
	ask groups --by state
	is "$1: counts by state" \
		"$(of '.groups[] | select((.system | not) and .state != "syscall") |
			"\(.count) \(.state)"' groups | sort | paste -sd,)" \
		"$(sed -E -n 's/^goroutine [0-9]+ \[([^],]*).*/\1/p' "$tmp/said" | sort | uniq -c |
			sed 's/^ *//' | grep -vE 'running|syscall' | sort | paste -sd,)" \
		'from runtime.Stack'
	ask groups --by labels
	is "$1: by labels" \
		"$(of '.groups[] | select(.labels != {}) | "\(.count) \(.labels | tojson)"' groups |
			sort | paste -sd' ')" \
		'30 {"endpoint":"/a","tenant":"a"} 30 {"endpoint":"/b","tenant":"b"}' 'made so'
	ask groups --label tenant=b
	is "$1: with one label" "$(of .process.goroutines groups)" 30 'made so'
}

# check NAME COMMAND...
check()
{
	run "${@:2}" gc
	asked=$(cut -d' ' -f1 /proc/uptime)
	ask list --list
	answered=$(cut -d' ' -f1 /proc/uptime)
	is "$1: goroutines" "$(of .process.goroutines)" "$goroutines" 'from runtime.NumGoroutine'
	is "$1: that moved meanwhile" "$(of .process.moved)" 0 'as they all wait'
	result "$1: state, frames and creator of each" \
		"$(diff <(said_lines <"$tmp/said") <(came_lines <"$tmp/list") | cut -c1-400 |
			head -n 10)"
	check_waits "$1"
	check_stacks "$1"
	check_groups "$1"
	stop
}

# each NAME MINOR [FLAG...]
each()
{
	build "$1" "$2" blocked "${@:3}" && try "$1" "$tmp/$1"
}

# try NAME COMMAND...
try()
{
	check "$@"
	[ "$what" != all ] || cored "$@"
	# A library of Go 1.15 cannot stop a goroutine that works for ever
	[[ $1 != go1.15-c-shared* ]] || return
	[[ $what != all && $minor != "$newest" ]] || spinning "$@"
}

# Ten goroutines more each second, by construction: the program of tests/go/leaking
growing()
{
	build "$1" "$2" leaking || return
	coproc program { exec "$tmp/$1"; }
	pid=$program_PID
	sleep 1
	ask groups --by function --growth 3
	is "$1: what does not grow" "$(of '.groups[] | select(.function == "main.worker") |
		"\(.count_before) \(.count)"' groups)" '20 20' 'made so'
	result "$1: what grows" "$(of '.groups[] | select(.function == "main.leak") |
		.count - .count_before | select(. < 15 or . > 45) |
		"expected about 30, 10 a second; came \(.)"' groups)"
	is "$1: what is new" "$(of '.groups[] | select(.function == "main.late") |
		"\(.count_before) \(.count)"' groups)" '0 3' 'made so'
	stop
}

# spinning NAME COMMAND...: one runs, so has no stack to be read, and no GC has seen
# the others; where its thread keeps it is what gomemctl watch says to the module
spinning()
{
	local g look runs

	run "${@:2}" spin
	# Between two turns of it, it is runnable, and the thread has the scheduler's own
	for ((look = 0; look < 20; look++)); do
		ask list --list
		runs=$(of '.list[] | select(.began_with == "main.spin") |
			"\(.state) \(.stack) \(.frames | length)"')
		[[ $runs = runnable* ]] || break
	done
	is "$1: one that runs" "$runs" 'running runs 0' 'made so'
	g=$(of '.list[] | select(.began_with == "main.spin") | .g')
	for ((look = 0; look < 20; look++)); do
		build/user/tests/go/current "$pid" >"$tmp/current" 2>&1
		grep -qx "$g" "$tmp/current" && break
	done
	result "$1: its thread knows it" "$(grep -qx "$g" "$tmp/current" || {
		echo "expected $g, from runtime.allgs; threads have"
		cat "$tmp/current"
	})"
	is "$1: who created main" "$(of '[.list[] | select(.goid == 1 and .created_by)] | length')" \
		0 'nobody'
	is "$1: no GC, no waiting time" \
		"$(of '[.list[].wait_about_ns] | unique | tojson')" '[null]' 'as GOGC is off'
	stop
}

# What was read of each, but for the clock, which stands still in a core
timeless()
{
	jq -S '.processes[0].list | map(del(.wait_about_ns))' "$1"
}

# cored NAME COMMAND...: the kernel's core of it tells what the process did
cored()
{
	run "${@:2}" gc
	ask list --list
	leave_core "$pid" "$1, from a core" || { stop; return; }
	./gomemctl goroutines --core "$tmp/left" --json --list >"$tmp/cored"
	result "$1, from a core: all of each" \
		"$(diff <(timeless "$tmp/list") <(timeless "$tmp/cored") | head -n 10)"
	is "$1, from a core: no waiting time" \
		"$(of '[.list[].wait_about_ns] | unique | tojson' cored)" '[null]' 'as its clock is gone'
}

make -s build/user/tests/go/current || exit 1
ulimit -c unlimited
newest=$(minors | tail -n 1)
for minor in ${MINORS:-$(minors)}; do
	each "go$minor" "$minor"
	each "go$minor-stripped" "$minor" '-ldflags=-s -w'
	[ "$what" != all ] || ways "$minor" blocked try
done
growing "go$minor-leaking" "$minor"
if [ "$what" != all ]; then
	cored "go$minor-stripped" "$tmp/go$minor-stripped"
	ways "$minor" blocked try
fi
done_testing
