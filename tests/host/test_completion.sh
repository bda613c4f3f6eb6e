#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What bash completes for gomemctl: every command that it has, and the options and words of one.
# TAP. Needs gomemctl to be built.
set -uo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
# shellcheck source=userland/completion/gomemctl
. userland/completion/gomemctl
count=0 failed=0

# completes WHAT EXPECTED WORD...: the last word is the one to complete; each of EXPECTED must
# come, none that begins otherwise
completes()
{
	local what=$1 expected=$2 word missing='' came

	COMP_WORDS=(./gomemctl "${@:3}")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_gomemctl ./gomemctl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
	came=" ${COMPREPLY[*]} "
	for word in $expected; do
		[[ $came == *" $word "* ]] || missing+=" $word"
	done
	for word in "${COMPREPLY[@]}"; do
		[[ $word == "${COMP_WORDS[COMP_CWORD]}"* ]] || missing+=" (wrong: $word)"
	done
	count=$((count + 1))
	if [ -z "$missing" ] && [ ${#COMPREPLY[@]} -gt 0 ]; then
		echo "ok $count - $what"
	else
		echo "not ok $count - $what"
		echo "# missing:$missing; came:$came"
		failed=$((failed + 1))
	fi
}

# The table in gomemctl.c is what there is
commands=$(sed -n 's/^\t{ "\([a-z]*\)", .*/\1/p' userland/gomemctl.c)
completes 'all commands' "$commands" ''
completes 'commands by their beginning' 'spans stacks' s
completes 'commands after help' "$commands" help ''
completes 'options of a command' '--json --raw --all -n -p --help' huge -
completes 'options of another' '--list --since --json' spans --
completes 'words of an option' 'goroutine' stacks --by g
completes 'pids' $$ report -p $$
completes 'a pid without -p' $$ addr $$
echo "1..$count"
exit $((failed != 0))
