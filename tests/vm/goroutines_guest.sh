# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In the guest: watch each program of /programs, let it work, and leave in /out what
# it says of itself and what gomemctl says of it.

# shellcheck source=tests/vm/record.sh
. /record.sh

# await COMMAND...: until it succeeds, for a minute
await()
{
	local tries=0

	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || { echo "goroutines: waited a minute for: $*" >&2; exit 1; }
		sleep 0.1
	done
}

# look NAME: with all workers waiting
look()
{
	local by

	for by in stack goroutine labels thread; do
		gomemctl stacks -p "$pid" --by $by --json >"/out/$1.$by.json"
		echo $? >"/out/$1.$by.status"
	done
	gomemctl stacks -p "$pid" --by labels >"/out/$1.txt"
	record_still "$1" 'stacks --by stack' 'stacks --by goroutine' 'stacks --by labels' \
		'stacks --by thread'
	grep "^ *$pid " /proc/gomem/targets >"/out/$1.target"
}

start()
{
	"/programs/$1" <>/tmp/commands >"/out/$1.said" &
	pid=$!
	gomemctl watch "$pid" || exit
}

# The child of a shell that is followed; its program is known once it called exec
start_child()
{
	mkfifo /tmp/start
	sh -c "read -r line </tmp/start
		/programs/$1 <>/tmp/commands >/out/$1.said
		:" &
	parent=$!
	gomemctl watch "$parent" --follow || exit
	echo go >/tmp/start
	rm /tmp/start
	await is_followed
	pid=$(awk -v parent="$parent" '$8 == parent { print $1 }' /proc/gomem/targets)
	gomemctl watch || exit
}

is_followed()
{
	awk -v parent="$parent" '$8 == parent && $5 > 0 { found = 1 } END { exit !found }' \
		/proc/gomem/targets
}

run()
{
	mkfifo /tmp/commands
	case $1 in
	*-child) start_child "$1" ;;
	*) start "$1" ;;
	esac
	echo go >/tmp/commands
	await grep -q ^done "/out/$1.said"
	look "$1"
	kill "$pid"
	wait
	rm /tmp/commands
}

echo never >/sys/kernel/mm/transparent_hugepage/enabled
insmod /gomem.ko || exit
echo 1 >/sys/module/gomem/parameters/stacks
for program in /programs/*; do
	run "${program##*/}"
done
rmmod gomem
