#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the commands say with --from of a recording against what they said of the process at that
# moment, a quiet one; and recorders that are killed, of which no more than the last sample may
# be lost. And what diff says of a program that grows by what is known. TAP.
set -uo pipefail

# shellcheck source=tests/go/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
cd "$here/../.." || exit 1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
attempts=20	# to find a moment at which the runtime's background work rests
kills=12

start()
{
	coproc fixture { exec "$1" 2>/dev/null; }
	# shellcheck disable=SC2154 # coproc sets them
	pid=$fixture_PID
	read -r said <&"${fixture[0]}"
}

stop()
{
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

# What the tables say, against the same commands: query SQL, of $tmp/recording, as JSON
query()
{
	sqlite3 -json "$tmp/recording" "$1" 2>&1
}

tables()
{
	result "$1: table totals" "$(diff \
		<(query 'SELECT * FROM totals' | jq '.[0] | del(.sample)' 2>&1) \
		<(jq '.totals[0] | del(.pid, .version, .layout, .flux_spans)' "$tmp/spans.live"))"
	result "$1: table bill" "$(diff \
		<(query "SELECT class, sum(bytes) AS bytes FROM bill WHERE state NOT IN
			('absent', 'zero', 'swap') GROUP BY class" |
			jq 'map({key: .class, value: .bytes}) | from_entries' 2>&1) \
		<(jq '.reports[0].resident | to_entries | sort_by(.key) | from_entries' \
			"$tmp/report.live"))"
	result "$1: table size_classes" "$(diff \
		<(query 'SELECT elem_bytes, spans, objects FROM size_classes ORDER BY 1' |
			jq -c '.[]' 2>&1) \
		<(jq -c '.spans | sort_by(.elem_bytes)[] | {elem_bytes, spans, objects}' \
			"$tmp/spans.live"))"
	# The fixture left 100 goroutines that receive from channels of their own
	result "$1: table goroutines" "$(query "SELECT sum(count) AS count FROM goroutines WHERE
		state = 'chan receive' AND function = 'main.deep'" | jq -r '.[0].count |
		select(. != 100) | "expected 100, by construction; came \(.)"' 2>&1)"
}

commands=(report spans vmas classes huge goroutines)

# Into $tmp/COMMAND.live, and one sample into $tmp/recording, while the program said the same
quiet_look()
{
	local again i command

	for ((i = 0; i < attempts; i++)); do
		rm -f "$tmp/recording"
		for command in "${commands[@]}"; do
			./gomemctl "$command" -p "$pid" --json >"$tmp/$command.live" 2>"$tmp/log" ||
				return
		done
		./gomemctl record -p "$pid" -o "$tmp/recording" --for 0 2>"$tmp/log" || return
		echo >&"${fixture[1]}"
		read -r again <&"${fixture[0]}"
		[ "$said" = "$again" ] && return
		said=$again
		sleep 0.3
	done
	echo 'the program was never quiet' >"$tmp/log"
	return 1
}

# Goroutines but for how long they wait, and for the runtime's own, which never rest
still='del(.processes[]?.process.moved) | del(.processes[]? | (.list, .groups)[]? | select(.system)) |
	del(.processes[]? | (.list, .groups)[]?.wait_about_ns)'
# What looking took, and what the cgroup of this script has meanwhile
not_figures="del(.reports[]?.cost[\"pages_ns\", \"spans_ns\"], .reports[]?.host.cgroup_bytes) |
	$still"

one()
{
	local command

	start "$2"
	if quiet_look; then
		for command in "${commands[@]}"; do
			result "$1: $command" "$(diff <(jq "$not_figures" "$tmp/$command.live" 2>&1) \
				<(./gomemctl "$command" --from "$tmp/recording" --json \
				2>/dev/null | jq "$not_figures" 2>&1) | head -n 20)"
		done
		tables "$1"
	else
		result "$1" "$(cat "$tmp/log")"
	fi
	stop
}

# Samples that $1 has, each of which must open
samples()
{
	local n=0

	while ./gomemctl spans --from "$1" --sample $((n + 1)) --raw >/dev/null 2>"$tmp/log"; do
		n=$((n + 1))
	done
	echo "$n"
}

# wait_samples FILE COUNT: until it has as many; a busy machine may take its time
wait_samples()
{
	local i

	for ((i = 0; i < 300; i++)); do
		./gomemctl spans --from "$1" --sample "$2" --raw >/dev/null 2>&1 && return
		sleep 0.1
	done
}

# Each recorder lives a little longer than the one before; the file must have what it said
killed()
{
	local i kept recorder wrong=''

	for ((i = 1; i <= kills; i++)); do
		rm -f "$tmp"/kill*
		./gomemctl record -p "$pid" -o "$tmp/kill" --every 20ms 2>/dev/null &
		recorder=$!
		wait_samples "$tmp/kill" 2
		sleep 0.0$((i * 7))
		kill -KILL $recorder
		wait $recorder 2>/dev/null
		kept=$(samples "$tmp/kill")
		grep -qE 'has no sample|no samples yet' "$tmp/log" ||
			wrong+="after $kept samples: $(cat "$tmp/log")"$'\n'
		[ "$kept" -ge 2 ] || wrong+="the recorder had made 2 samples, $kept are left"$'\n'
	done
	result "recorders killed by SIGKILL $kills times" "$wrong"
}

ends()
{
	local said status=0

	./gomemctl record -p "$pid" -o "$tmp/ends" --every 50ms 2>"$tmp/ends.log" &
	said=$!
	wait_samples "$tmp/ends" 3
	stop
	wait $said || status=$?
	said=
	[ "$status" = 0 ] && grep -q 'samples of process' "$tmp/ends.log" &&
		[ "$(samples "$tmp/ends")" -ge 3 ] || said=$(cat "$tmp/ends.log")
	result 'a process that ends: its recording is whole' "${said:+exit $status: $said}"
	status=0
	./gomemctl record -p "$pid" -o "$tmp/none" 2>"$tmp/log" || status=$?
	said=
	[ "$status" = 1 ] && [ ! -e "$tmp/none" ] || said=$(cat "$tmp/log")
	result 'a process that is gone is an error, and no file is left' "$said"
}

# The same program, but another heap: what follows would be told of the one before
executes()
{
	local recorder status=0

	coproc fixture { exec "$1"; }
	pid=$fixture_PID
	read -r _ <&"${fixture[0]}"
	./gomemctl record -p "$pid" -o "$tmp/executes" --every 50ms --for 20 2>"$tmp/log" &
	recorder=$!
	wait_samples "$tmp/executes" 3
	echo again >&"${fixture[1]}"
	read -r _ <&"${fixture[0]}"
	wait $recorder || status=$?
	stop
	result 'a process that executes itself: its recording ends' "$([ $status = 0 ] &&
		grep -q "process $pid executed its program anew" "$tmp/log" ||
		echo "exit $status: $(cat "$tmp/log")")"
}

# sample FILE: one, once the program rests
sample()
{
	read -r _ <&"${fixture[0]}"
	./gomemctl record -p "$pid" -o "$1" --for 0 "${@:2}" 2>/dev/null
}

# Growth that is known: 10240 objects of 1 KiB a line, with a few of the runtime's at most
grows()
{
	local diff

	coproc fixture { exec "$1"; }
	pid=$fixture_PID
	sample "$tmp/before" --holders
	echo >&"${fixture[1]}"
	sample "$tmp/after" --holders
	echo >&"${fixture[1]}"
	sample "$tmp/without"
	stop
	diff=$(./gomemctl diff "$tmp/before" "$tmp/after" --json 2>&1)
	result 'diff: what grew, by size class' "$(jq -r '.size_classes[0] |
		(.objects_after - .objects_before) as $more |
		select(.size != "1024" or $more < 10240 or $more > 10260) |
		"expected 10240 objects of 1024 B, by construction; came \(.)"' <<<"$diff" 2>&1)"
	result 'diff: by class' "$(jq -r '.classes[] | select(.class == "live") | .change_bytes |
		select(. < 10 * 1048576 or . > 10.2 * 1048576) |
		"expected 10 MiB live, by construction; came \(.)"' <<<"$diff" 2>&1)"
	result 'diff: by VMA' "$(jq -r '.vmas[0] | select(.start != "0xc000000000" or
		.change_bytes < 9 * 1048576) | "expected the heap to grow; came \(.)"' \
		<<<"$diff" 2>&1)"
	diff=$(./gomemctl diff "$tmp/after" "$tmp/before@1" 2>&1)
	result 'diff: what shrank, in words' \
		"$(grep -qE -- '-10\.[0-9] MiB +live' <<<"$diff" || echo "$diff")"
	diff=$(./gomemctl diff "$tmp/after@2" 2>&1)
	result 'diff: a sample that is not there' \
		"$([ $? = 1 ] && grep -q 'has no sample 2' <<<"$diff" || echo "$diff")"
	holders
	since
}

# All of the growth is main.kept's
holders()
{
	local diff

	diff=$(./gomemctl diff "$tmp/before" "$tmp/after" --json 2>&1)
	result 'diff: by holder' "$(jq -r '.holders[0] |
		select(.holder != "main.kept" or .kind != "variable" or
			.objects_after - .objects_before != 10240 or .change_bytes != 10485760 or
			.retained_after_bytes - .retained_before_bytes != 10485760) |
		"expected 10240 objects, 10 MiB of main.kept, by construction; came \(.)"' \
		<<<"$diff" 2>&1)"
	diff=$(./gomemctl diff "$tmp/before" "$tmp/after" 2>&1)
	result 'diff: by holder, in words' \
		"$(grep -qE -- '\+10\.0 MiB +\+10240 +variable +main\.kept' <<<"$diff" || echo "$diff")"
	diff=$(./gomemctl diff "$tmp/after" "$tmp/without" 2>&1 >"$tmp/log")
	result 'diff: how to get it by holder' \
		"$(grep -q 'without.*record --holders' <<<"$diff" && [ -s "$tmp/log" ] ||
			echo "$diff")"
	diff=$(./gomemctl refs --from "$tmp/without" 2>&1)
	result 'refs: how to get it' \
		"$([ $? = 1 ] && grep -q 'record --holders' <<<"$diff" || echo "$diff")"
}

# The same growth as spans --since has it: 1280 spans of 8 KiB that were none, or free
since()
{
	local sum each

	sum=$(./gomemctl spans --from "$tmp/after" --since "$tmp/before" --json 2>&1)
	result 'spans --since: what became spans' "$(jq -r 'def used: IN("in-use", "full", "cached");
		[.moves[] | select((.to | used) and (.from | used | not)) | .bytes] | add |
		select(. < 10485760 or . > 1.05 * 10485760) |
		"expected 10 MiB, by construction; came \(.)"' <<<"$sum" 2>&1)"
	each=$(./gomemctl spans --from "$tmp/after" --since "$tmp/before" --list --json 2>&1)
	result 'spans --since --list: the sum of what moved' "$(diff \
		<(jq '[.moves[] | select(.from != .to or .what == "other span") | .bytes] | add' \
			<<<"$sum" 2>&1) <(jq '[.moved[].bytes] | add' <<<"$each" 2>&1))"
	result 'spans --since itself' "$(./gomemctl spans --from "$tmp/after" \
		--since "$tmp/after" --list 2>&1 | grep -v '^nothing has changed$')"
}

# A name that a terminal would obey is one that anybody may have given to a file
hostile()
{
	local escape=$'\033'

	sqlite3 "$tmp/after" "UPDATE vmas SET name = '/x' || char(27) || '[2J' WHERE kind = 'file'"
	./gomemctl addr --from "$tmp/after" 400000 >"$tmp/log" 2>&1
	result 'a name with an escape sequence is printed without' "$(grep "$escape" "$tmp/log"
		grep -q '/x?\[2J' "$tmp/log" || echo 'expected /x?[2J')"
}

# Goroutines in all states, with labels and deep stacks, that stand still
blocked()
{
	coproc fixture { GOGC=off exec "$1" gc 2>/dev/null; }
	pid=$fixture_PID
	sed '/^end /q' <&"${fixture[0]}" >"$tmp/said"
	rm -f "$tmp/recording"
	./gomemctl record -p "$pid" -o "$tmp/recording" --every 100ms --for 0.5 \
		--holders 2>"$tmp/log"
	for by in stack function state creator labels; do
		same "--by $by" --by $by
	done
	same '--list' --list
	same '--label' --label tenant=b
	refs
	result 'goroutines of the first sample' "$(diff <(timeless -p "$pid" --list) \
		<(timeless --from "$tmp/recording" --sample 1 --list) | head -n 10)"
	stop
	result 'what is the same is kept once' "$(query 'SELECT (SELECT count(*) FROM labels
		WHERE sample = 1) AS labels, (SELECT count(*) FROM code) - (SELECT count(*) FROM
		(SELECT DISTINCT address, place FROM code)) AS code' | jq -r '.[0] |
		select(.labels != 4 or .code != 0) | "expected two labels of two tenants each, " +
		"and no code twice, by construction; came \(.)"' 2>&1)"
	damaged
}

# refs of a program that stands still, but for how long it took
refs()
{
	local format

	result 'refs' "$(diff <(bare_refs -p "$pid") <(bare_refs --from "$tmp/recording") |
		head -n 10)"
	for format in pprof dot; do
		./gomemctl refs -p "$pid" --$format "$tmp/$format.live" >/dev/null 2>"$tmp/log"
		./gomemctl refs --from "$tmp/recording" --$format "$tmp/$format.from" >/dev/null \
			2>>"$tmp/log"
	done
	result 'refs --pprof' "$(diff <(pprof_lines "$tmp/pprof.live") \
		<(pprof_lines "$tmp/pprof.from") 2>&1 | head -n 10)"
	result 'refs --dot' "$(diff <(sort "$tmp/dot.live") <(sort "$tmp/dot.from") 2>&1 |
		head -n 10)"
}

pprof_lines()
{
	"$cache/go/1.27/bin/go" tool pprof -raw "$1" 2>&1 | grep -v '^Time' | sort
}

bare_refs()
{
	./gomemctl refs --json "$@" 2>&1 | jq 'del(.totals[] |
		(.heap_us, .roots_us, .edges_us, .types_us, .tree_us, .peak_bytes))' 2>&1
}

timeless()
{
	./gomemctl goroutines --json "$@" 2>&1 | jq "$still" 2>&1
}

# same WHAT OPTION...: goroutines says the same of the recording as of the process
same()
{
	result "goroutines $1" "$(diff <(timeless -p "$pid" "${@:2}") \
		<(timeless --from "$tmp/recording" "${@:2}") | head -n 10)"
}

# Each is refused in a sentence
damaged()
{
	local sql said status

	for sql in 'DELETE FROM goroutine_states' \
		"UPDATE goroutine_states SET bytes = x'28b52ffd200361000061'" \
		"UPDATE goroutine_states SET bytes = substr(bytes, 1, length(bytes) - 1)" \
		'UPDATE holdings SET type = 1000000' 'UPDATE holders SET holder = NULL' \
		'DELETE FROM refs' 'UPDATE refs SET version = NULL' \
		'UPDATE labels SET key = NULL' 'UPDATE wait_reasons SET number = 7'; do
		cp "$tmp/recording" "$tmp/damaged"
		sqlite3 "$tmp/damaged" "$sql"
		said=$(./gomemctl goroutines --from "$tmp/damaged" 2>&1)
		status=$?
		result "$sql" "$([ $status = 1 ] && grep -q 'cannot' <<<"$said" ||
			echo "expected exit status 1, came $status: $said")"
	done
}

# A disk that is full before there are tables, and one with no room for the whole of a sample
full()
{
	local kib said status left

	./gomemctl record -p "$pid" -o "$tmp/full" --for 0 2>/dev/null
	left=$(stat -c %s "$tmp/full")
	rm "$tmp/full"
	for kib in 8 $((left / 1024 - 4)); do
		said=$(trap '' XFSZ && ulimit -f $kib &&
			./gomemctl record -p "$pid" -o "$tmp/full" --for 0 2>&1)
		status=$?
		left=$(ls "$tmp"/full* 2>/dev/null)
		result "record: $kib KiB of disk: an error, and no file" "$([ $status = 1 ] &&
			grep -q 'cannot use' <<<"$said" && [ -z "$left" ] ||
			echo "expected exit status 1 and no file, came $status: $said $left")"
		rm -f "$tmp"/full*
	done
}

for minor in 1.19 1.24 1.27; do
	build "go$minor" "$minor" fixture && one "go$minor" "$tmp/go$minor"
done
build stripped 1.27 fixture -ldflags=-s -buildmode=pie && one 'go1.27 stripped PIE' "$tmp/stripped"
start "$tmp/go1.27"
full
killed
ends
build grow 1.24 grow && executes "$tmp/grow" && grows "$tmp/grow" && hostile
build blocked 1.27 blocked && blocked "$tmp/blocked"
done_testing
