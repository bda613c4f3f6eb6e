#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Boots a kernel under QEMU and runs a command as root in it.
#
#	run.sh -k KERNEL [-m MIB] [-s CPUS] [-i] [-n] [-t SECONDS] [-a ARG]... [-M MODULE]...
#	       [-f FILE[:GUESTPATH]]... [-o OUTDIR] -- COMMAND...
#
#	-k	a name of tests/vm/kernels, or debug: that one gets some times the memory
#		and the seconds that are asked for (tests/vm/debug/machine)
#	-m	memory; under 640 MiB the kernel turns transparent huge pages off
#	-i	one CPU whose clock counts its instructions, a nanosecond each, and
#		skips what it idles: what is timed then is the same in every run
#	-n	two NUMA nodes, half of the memory and a CPU each
#	-a	appended to the kernel's command line
#	-M	a module of that kernel to load first, with what it depends on
#	-f	a file for the guest, with the shared libraries it needs; at
#		/NAME, or GUESTPATH
#	-o	where to leave what the command wrote to /out, and the kernel's log
#		as dmesg
#
# COMMAND is given to sh -c. Its output is printed, on a terminal as it comes; its status
# is the exit status. A warning of the kernel, or a taint beyond that of an unsigned module
# from outside of its tree, is a failure (125); so is a guest that dies or that is still
# there after SECONDS (124). One that stands still is booted again, once.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
cache=${GOMEM_CACHE:-$HOME/.cache/gomem}
kernel='' mib=1024 cpus=2 seconds=600 append='' outdir='' count='' nodes='' status=0 still=''
modules=() files=()

# What the kernel says when something is wrong with it or with our module
trouble='WARNING:|BUG:|Oops|Call Trace:|INFO: task .* blocked|possible (circular|recursive)'
trouble+='|suspicious RCU|detected stall|soft lockup|general protection|Bad (page|rss-counter)'
trouble+='|refcount_t:|list_(add|del) corruption|KASAN|UBSAN|unreferenced object|Kernel panic'
trouble+='|leak detector disabled'
allowed_taint=$((4096 | 8192))	# out of tree, unsigned

die()
{
	echo "run: $*" >&2
	exit 2
}

options()
{
	local option

	while getopts k:m:s:int:a:M:f:o: option; do
		case $option in
		k) kernel=$OPTARG ;;
		m) mib=$OPTARG ;;
		s) cpus=$OPTARG ;;
		i) count=yes ;;
		n) nodes=yes ;;
		t) seconds=$OPTARG ;;
		a) append+=" $OPTARG" ;;
		M) modules+=("$OPTARG") ;;
		f) files+=("$OPTARG") ;;
		o) outdir=$OPTARG ;;
		*) exit 2 ;;
		esac
	done
	shift $((OPTIND - 1))
	command=$*
	[ -n "$command" ] || die "no command given; see the head of $0"
	dir=$cache/kernels/$kernel
	if [ -z "$kernel" ] || [ ! -e "$dir/vmlinuz" ]; then
		die "no kernel '$kernel' in $cache; run tests/vm/setup.sh"
	fi
	if [ -e "$dir/machine" ]; then
		# shellcheck source=tests/vm/debug/machine
		. "$dir/machine"
		seconds=$((seconds * slower)) mib=$((mib * larger / 100))
	fi
}

# put FILE GUESTPATH
put()
{
	mkdir -p "$root/$(dirname "$2")"
	cp -L "$1" "$root/$2"
}

put_libraries()
{
	local library

	for library in $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*'); do
		[ -e "$root/$library" ] || put "$library" "$library"
	done
}

put_files()
{
	local file path

	for file in ${files[@]+"${files[@]}"}; do
		path=/$(basename "$file")
		case $file in *:*) path=${file#*:} file=${file%%:*} ;; esac
		[ -r "$file" ] || die "cannot read $file, which is to go into the guest"
		put "$file" "$path"
		put_libraries "$file"
	done
}

put_modules()
{
	local module path release

	mkdir -p "$root/modules"
	release=$(cat "$dir/release")
	for module in ${modules[@]+"${modules[@]}"}; do
		/sbin/modprobe -d "$(readlink -f "$dir")" -S "$release" --show-depends "$module"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$tmp/modules"
	while read -r path; do
		cp "$path" "$root/modules"
	done <"$tmp/modules"
	find "$root/modules" -name '*.xz' -exec xz -d {} +
	sed 's,.*/,,; s,\.xz$,,' "$tmp/modules" >"$root/modules/order"
}

make_initramfs()
{
	root=$tmp/root
	put /bin/busybox /bin/busybox
	cp "$here/init" "$root/init"
	printf '%s\n' "$command" >"$root/command"
	put_files
	put_modules
	(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) >"$tmp/initramfs"
}

# Does KVM boot this kernel? /dev/kvm is there on machines where it does not. Asked
# once per boot of this machine.
kvm_works()
{
	local answer

	answer=$cache/kvm-$(cat /proc/sys/kernel/random/boot_id)
	[ -w /dev/kvm ] || return 1
	if [ ! -e "$answer" ]; then
		rm -f "$cache"/kvm-*
		if (timeout 5 qemu-system-x86_64 -accel kvm -cpu host -nodefaults -display none \
			-no-reboot -m 512 -kernel "$dir/vmlinuz" -append panic=-1) 2>/dev/null; then
			echo yes >"$answer"
		else
			echo no >"$answer"
		fi
	fi
	[ "$(cat "$answer")" = yes ]
}

# cpu_time PID: in clock ticks
cpu_time()
{
	local stat

	read -r stat 2>/dev/null <"/proc/$1/stat" || return
	# shellcheck disable=SC2086 # its fields, those after the name
	set -- ${stat##*) }
	echo $((${12} + ${13}))
}

# watch PID: until that timeout of a QEMU ends, whose status is returned. Under load, TCG of
# QEMU 7.2 may lose a wakeup and sleep for good; a guest that only idles has its timers still.
watch()
{
	local used last=''

	while sleep 60 & wait -n "$1" $! 2>/dev/null; kill -0 "$1" 2>/dev/null; do
		used=$(cpu_time "$(pgrep -P "$1")") || break
		if [ "$used" = "$last" ]; then
			still=yes
			pkill -KILL -P "$1"
		fi
		last=$used
	done
	kill $!
	wait "$1" 2>/dev/null
}

boot()
{
	# One thread for all CPUs: with one each, QEMU 7.2 may run code that another CPU
	# has patched since (kprobes, static keys), and the guest dies of a stale int3.
	local accel=(-accel "tcg,thread=single" -cpu max) output=stdio watch=watch status=0 pid

	if [ -n "$count" ]; then
		# The plain CPU: one with ERMS clears a page by 4096 instructions
		accel=(-accel "tcg,thread=single" -icount "shift=0,sleep=off")
		cpus=1
	elif kvm_works; then
		accel=(-accel kvm -cpu host) watch=wait
	fi
	[ -z "$nodes" ] || accel+=(-object "memory-backend-ram,id=a,size=$((mib / 2))M" -numa
		"node,memdev=a,cpus=0" -object "memory-backend-ram,id=b,size=$((mib / 2))M" -numa
		"node,memdev=b,cpus=1")
	[ -t 1 ] || output=file:$tmp/output
	timeout "$seconds" qemu-system-x86_64 "${accel[@]}" -nodefaults -display none -no-reboot \
		-m "$mib" -smp "$cpus,sockets=$cpus" -kernel "$dir/vmlinuz" -initrd "$tmp/initramfs" \
		-append "console=ttyS0 panic=-1 oops=panic no_timer_check ignore_loglevel$append" \
		-serial "file:$tmp/dmesg" -serial "$output" -serial "file:$tmp/out.tar" </dev/null &
	pid=$!
	trap 'kill $pid $! 2>/dev/null; exit 2' INT TERM
	$watch $pid || status=$?
	trap - INT TERM
	return $status
}

collect()
{
	mkdir -p "$tmp/out" ${outdir:+"$outdir"}
	tar -C "$tmp/out" -xf "$tmp/out.tar" 2>/dev/null || true
	[ -z "$outdir" ] && return
	cp -r "$tmp/out/." "$outdir"
	cp "$tmp/dmesg" "$outdir/dmesg"
}

# fail STATUS WHAT: after the end of the kernel's log
fail()
{
	tail -n 40 "$tmp/dmesg" >&2
	echo "run: kernel $kernel: $2; the end of its log is above" >&2
	exit "$1"
}

# The kernel's log, without what it says of memory that a test made it go without
log()
{
	sed -E '/(test_failures|kworker\/[^ ]*): vmalloc error: /,/<\/TASK>/d' "$tmp/dmesg"
}

judge()
{
	local tainted warning

	[ -z "$still" ] || fail 124 "the guest stood still once more"
	[ "$1" = 124 ] && fail 124 "the guest was still running after $seconds s"
	warning=$(log | grep -E "$trouble" | head -n 3 || true)
	[ -z "$warning" ] || fail 125 "the kernel warned: $warning"
	[ -s "$tmp/out/status" ] || fail 125 "the guest ended before its command did (qemu: $1)"
	tainted=$(cat "$tmp/out/tainted")
	[ $((tainted & ~allowed_taint)) = 0 ] || fail 125 "the kernel is tainted: $tainted"
	return "$(cat "$tmp/out/status")"
}

# However this ends: what the last guest said is of use
finish()
{
	[ ! -e "$tmp/output" ] || cat "$tmp/output"
	rm -rf "$tmp"
}

options "$@"
tmp=$(mktemp -d)
trap finish EXIT
make_initramfs
boot || status=$?
if [ -n "$still" ]; then
	tail -n 3 "$tmp/dmesg" >&2
	echo "run: kernel $kernel: the guest stood still: QEMU used no CPU for a minute. Once more" >&2
	status=0 still=''
	boot || status=$?
fi
collect
judge "$status"
