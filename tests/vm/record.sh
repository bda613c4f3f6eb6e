# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In the guest: what commands say of a process, and of a recording of it. To be sourced.

# say SUFFIX NAME COMMAND...: of the process, or where SUFFIX is "from" of the recording, but for
# how long ago it was
say()
{
	# shellcheck disable=SC2154 # the caller's
	local suffix=$1 name=$2 number=0 command source="-p $pid"

	shift 2
	[ "$suffix" != from ] || source='--from /tmp/recording'
	for command; do
		# shellcheck disable=SC2086 # words
		gomemctl $command $source --json 2>/dev/null |
			sed 's/"since_ms":[0-9]*/"since_ms":0/' >"/out/$name.$number.$suffix"
		number=$((number + 1))
	done
}

# rests NAME COUNT: the process is as it was
rests()
{
	local number=0

	while [ $number -lt "$2" ]; do
		cmp -s "/out/$1.$number.live" "/out/$1.$number.again" || return
		number=$((number + 1))
	done
}

# record_still NAME COMMAND...: each COMMAND, such as "stacks --by labels", of the process $pid, of
# a recording, and of the process again, until nothing has happened meanwhile. The host compares
# /out/NAME.0.live with /out/NAME.0.from and so on.
record_still()
{
	local tries=0

	while [ $tries -lt 20 ]; do
		rm -f /tmp/recording
		say live "$@"
		gomemctl record -p "$pid" -o /tmp/recording --for 0 || return
		say again "$@"
		rests "$1" $(($# - 1)) && break
		tries=$((tries + 1))
	done
	say from "$@"
}
