#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Checks that the rooms include each other only along the arrows:
#
#	base <- {os, elf, graph, out};  {os, elf, graph} <- go;
#	{os, go} <- join <- {verdict, recording}
#	hooks -> ledger <- proc, hooks and proc never meet, the ledger sees neither;
#	walk and target know nothing of either
#
# "room: what it may include". A room may always include itself; cmd_*.c and
# gomemctl.c may include everything, and nothing may include them.
set -eu
cd "$(dirname "$0")/.."

userland_arrows='
base:
os: base
elf: base
out: base
graph: base
go: base os elf graph
join: base os go
verdict: base os go join
recording: base os go join
'
kmod_arrows='
compat:
probe:
rows:
words:
ring:
want: words
stream: ring want words
ledger: compat records
records: compat ledger
page: compat view
runs: compat page view
view: compat page runs
walk: compat view
vec:
snapshot: compat ledger vec view walk
go: words
unwind: go
pool:
stacks: compat pool target unwind
target: blocks compat go ledger snapshot target_set
target_set: target cgroups
target_add: target_set cgroups
target_exit: target_set cgroups
target_life: target_set cgroups
cgroups: target_set
retry: compat
blocks: ledger vec walk
resident: compat page walk
zap: ledger resident walk
event: ledger stacks stream target
setting:
zeros: compat walk
frag: compat setting target
hook: compat event
slot: hook
peek: compat
on: compat
on_collapse: compat hook on slot
on_fault: compat hook on peek retry
on_huge: compat hook on peek
on_life: hook on
on_rmap: compat hook on peek slot
on_vma: compat hook on zap
hooks: canary compat hook on probe setting
pages: compat target walk words
proc: frag target probe pages proc_files stream
proc_files: probe
proc_counts: event rows proc_files proc_cursor
proc_cursor: target
proc_fields: target
proc_huge: blocks zeros words target rows proc_files proc_cursor proc_fields
proc_frag: frag rows proc_files proc_cursor
proc_probes: probe rows proc_files
proc_stacks: event rows stacks unwind proc_files proc_cursor
proc_stats: probe stacks stream target walk rows proc_files proc_cursor
proc_summary: target rows proc_files proc_cursor proc_fields
proc_targets: target cgroups rows words proc_files proc_cursor proc_fields
proc_version: rows proc_files
proc_vmas: target rows proc_files proc_cursor proc_fields
main: compat ledger stacks target walk hooks proc
'
bad=0

# check ROOM FILE ALLOWED INCLUDED...: complains of each include that no arrow allows
check() {
	room=$1 file=$2 allowed=" $1 $3 "
	shift 3
	for included; do
		case $allowed in
		*" $included "*) ;;
		*)
			echo "$file: $room may not include $included"
			bad=1
			;;
		esac
	done
}

# includes FILE: the quoted includes of FILE
includes() {
	sed -n 's/^#[[:space:]]*include "\(.*\)"/\1/p' "$1"
}

allowed_of() {
	printf '%s' "$1" | sed -n "s/^$2: *//p"
}

for file in userland/*/*.[ch]; do
	room=$(basename "$(dirname "$file")")
	[ "$room" != man ] || continue
	names=$(includes "$file" | sed -n 's,^\(.*\)/.*,\1,p; /^cmd/p; /^gomemctl/p')
	# shellcheck disable=SC2086 # a list of names
	check "$room" "$file" "$(allowed_of "$userland_arrows" "$room")" $names
done

for file in kmod/*.[ch] kmod/compat/*.[ch]; do
	case $file in
	kmod/compat/*) room=compat ;;
	*) room=$(basename "${file%.*}") ;;
	esac
	names=$(includes "$file" | grep -v '^gomem\.h$' | sed 's,^compat/.*,compat,; s,\.h$,,' || :)
	# shellcheck disable=SC2086 # a list of names
	check "$room" "$file" "$(allowed_of "$kmod_arrows" "$room")" $names
done

if grep -rnE 'KERNEL_VERSION|LINUX_VERSION_CODE' kmod --include='*.[ch]' | grep -v '^kmod/compat/'; then
	echo "kmod: only compat/ may know kernel versions"
	bad=1
fi
exit $bad
