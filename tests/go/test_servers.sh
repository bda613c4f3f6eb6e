#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Servers that no one here wrote: Debian's Go packages, stripped, idle and under load.
# gomemctl report must know the Go that Debian says built them, find every invariant of
# their heap to hold, and say of at least 99.5 % of the resident memory what it is. TAP.
#
#	test_servers.sh [all]	those of tests/vm/servers that are for each time, or all
set -uo pipefail

# shellcheck source=tests/go/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
cd "$here/../.." || exit 1
what=${1:-}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
looks=5		# under load
clients=8

# command_of NAME PROGRAM PORT DIR: into $command, and into $url what it is asked for
command_of()
{
	local at=127.0.0.1:$3 peer=127.0.0.1:$(($3 + 1))

	case $1 in
	node-exporter)
		command=("$2" "--web.listen-address=$at")
		url=http://$at/metrics
		;;
	prometheus)
		cat >"$4/prometheus.yml" <<-END
			global: {scrape_interval: 1s}
			scrape_configs:
			  - {job_name: itself, static_configs: [{targets: ['$at']}]}
		END
		command=("$2" "--config.file=$4/prometheus.yml" "--storage.tsdb.path=$4/data"
			"--web.listen-address=$at")
		url="http://$at/api/v1/query?query=go_memstats_heap_alloc_bytes"
		;;
	etcd)
		command=("$2" --data-dir "$4/data" --listen-client-urls "http://$at"
			--advertise-client-urls "http://$at" --listen-peer-urls "http://$peer"
			--initial-advertise-peer-urls "http://$peer"
			--initial-cluster "default=http://$peer")
		url=http://$at/metrics
		;;
	caddy)
		seq 100000 >"$4/numbers"
		command=("$2" file-server --listen "$at" --root "$4")
		url=http://$at/numbers
		;;
	esac
}

# What is wrong with a report, where $version is what Debian says built it; else, in
# millionths, how much of the resident memory has a name
# shellcheck disable=SC2016 # jq's variables
verdict='.reports[0] |
	if .go_problem then .go_problem
	elif .go_version != $version then
		"expected \($version), from Built-Using; came \(.go_version)"
	else ([.resident[]] | add) * 1000000 / .rss_bytes | floor end'

# look PID VERSION: a line
look()
{
	local said

	said=$(./gomemctl report -p "$1" --json 2>&1) || { echo "$said"; return; }
	jq -r --arg version "$2" "$verdict" <<<"$said" 2>&1
}

# lost_stacks PID: goroutines whose callers are not known although they did not run. It is stopped
# meanwhile: one that can run may go through its next request, and be back where it was seen
# first, of which nothing tells.
lost_stacks()
{
	local said

	kill -STOP "$1"
	said=$(./gomemctl goroutines -p "$1" --list --json 2>&1)
	kill -CONT "$1"
	jq -r '.processes[0].list[] | select(.stack == "lost" or .stack == "unreadable") |
		"goroutine \(.goid), \(.state): \(.stack) after \([.frames[].function] | join(" "))"' \
		<<<"$said" 2>&1
}

# judge NAME, after looks on stdin. A server under load grows and shrinks by more than 0.5 %
# while it is looked at: what counts is the median.
judge()
{
	local shares bad

	mapfile -t shares < <(sort -n)
	bad=$(printf '%s\n' "${shares[@]}" | grep -vxE '[0-9]+')
	if [ -z "$bad" ] && [ "${shares[${#shares[@]} / 2]}" -lt 995000 ]; then
		bad="expected names for 995000 millionths of RSS; came ${shares[*]}"
	fi
	result "$1" "$bad"
}

# version_of NAME: "golang-1.19 (= 1.19.8-2)" is go1.19.8
version_of()
{
	grep -oP 'golang-1\.[0-9]+ \(= \K[0-9.]+' "$cache/servers/$1/built-using" | sed 's/^/go/'
}

# try NAME PID VERSION: under load, then idle
try()
{
	local name="$1, $3" up i

	coproc load { exec "$tmp/load" "$url" "$clients" 2>"$tmp/load.log"; }
	# shellcheck disable=SC2154 # coproc sets them
	read -r up <&"${load[0]}"
	if [ "$up" != up ]; then
		result "$name answers" "$(tail -n 20 "$tmp/load.log" "$tmp/log")"
		return
	fi
	for ((i = 0; i < looks; i++)); do
		sleep 0.5
		look "$2" "$3"
	done >"$tmp/looks"
	judge "$name: under load" <"$tmp/looks"
	result "$name: every stack that stands still, to its end" "$(
		for ((i = 0; i < looks; i++)); do
			lost_stacks "$2"
		done | head -n 10)"
	# shellcheck disable=SC2154 # coproc sets it
	kill "$load_PID"
	wait "$load_PID" 2>/dev/null
	sleep 2
	look "$2" "$3" >"$tmp/looks"
	judge "$name: idle" <"$tmp/looks"
}

server()
{
	local name=$1 program=$cache/servers/$1/$4 command url pid port dir=$tmp/$1

	[ "$5" = check ] || [ "$what" = all ] || return
	mkdir "$dir"
	port=$((20000 + RANDOM % 20000))
	command_of "$name" "$program" "$port" "$dir"
	HOME=$dir "${command[@]}" >"$tmp/log" 2>&1 </dev/null &
	pid=$!
	try "$name" $pid "$(version_of "$name")"
	kill $pid
	wait $pid 2>/dev/null
}

newest=$(minors | tail -n 1)
build load "$newest" load || { done_testing; exit 1; }
while read -ra entry <&3; do
	server "${entry[@]}"
done 3< <(grep -v '^#' "$here/../vm/servers")
done_testing
