#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every habit of the house that a machine can check, as TAP: a line each.
#
# checkpatch knows no tree but the kernel's. Left out of --strict are:
#	everywhere: what lists of X(column, type) cannot satisfy; and CAMELCASE, which
#		knows PageAnon and its like from a kernel tree only
#	in user space and the tests: the kernel's own types, macros and attributes, which
#	are not there; and the rule against split strings, since those are sentences
# shellcheck disable=SC2317 # the checks are called by name
set -uo pipefail

cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
cache=${GOMEM_CACHE:-$HOME/.cache/gomem}
logs=build/lint
count=0 failed=0

ignore=COMPLEX_MACRO,MACRO_ARG_REUSE,MULTISTATEMENT_MACRO_USE_DO_WHILE,TRAILING_SEMICOLON
ignore+=,MACRO_ARG_PRECEDENCE,CAMELCASE
ignore_user=$ignore,PREFER_KERNEL_TYPES,PREFER_DEFINED_ATTRIBUTE_MACRO,ARRAY_SIZE,BIT_MACRO
ignore_user+=,EMBEDDED_FUNCTION_NAME,STATIC_CONST_CHAR_ARRAY,SPLIT_STRING,VOLATILE
ignore_user+=,PREFER_FALLTHROUGH,CONSTANT_COMPARISON,NEW_TYPEDEFS,SSCANF_TO_KSTRTO

# The files of the project that match the patterns, also those not yet committed
files()
{
	local file

	git ls-files -co --exclude-standard -- "$@" | while read -r file; do
		[ -f "$file" ] && echo "$file"
	done
}

# check NAME COMMAND...: passes when the command does and says nothing
check()
{
	local log="$logs/${1// /-}"

	count=$((count + 1))
	if "${@:2}" >"$log" 2>&1 && [ ! -s "$log" ]; then
		echo "ok $count - $1"
		return
	fi
	echo "not ok $count - $1"
	sed 's/^/# /' "$log" | head -n 60
	failed=$((failed + 1))
}

# quietly COMMAND...: one whose talk matters only when it fails
quietly()
{
	local talk

	talk=$("$@" 2>&1) || { echo "$talk"; return 1; }
}

checkpatch()
{
	"$cache/lint/scripts/checkpatch.pl" --no-tree --strict --terse --show-types \
		--no-summary --max-line-length=100 --ignore "$1" -f "${@:2}"
}

checkpatch_kernel()
{
	mapfile -t list < <(files 'kmod/*.[ch]' include)
	checkpatch "$ignore" "${list[@]}"
}

checkpatch_user()
{
	mapfile -t list < <(files 'userland/*.[ch]' 'tests/*.[ch]')
	checkpatch "$ignore_user" "${list[@]}"
}

layout()
{
	mapfile -t list < <(files '*.[ch]')
	clang-format --style="file:$cache/lint/clang-format" --dry-run -Werror "${list[@]}"
}

# module KERNEL: build it from scratch; only what is said of our files counts
module()
{
	local log=$logs/$1.log

	rm -rf "build/kmod-lint-$1"
	make -s -j2 module KDIR="$cache/kernels/$1/build" KNAME="lint-$1" \
		KFLAGS='W=1 C=2 KCFLAGS=-Werror' >"$log" 2>&1 || { cat "$log"; return 1; }
	grep -E '(warning|error):' "$log"
	return 0
}

user()
{
	quietly make -s -j2 CC="$1" BUILD="build/$1" "build/$1/gomemctl"
}

cpp()
{
	cppcheck --quiet --enable=warning,performance,portability --inline-suppr -Iinclude \
		--suppress=missingIncludeSystem --error-exitcode=1 "$@"
}

# What the contract lists and the manual does not have
columns()
{
	sed -n 's/^\tX(\([a-z_0-9]*\).*/\1/p' include/gomem.h | sort -u | while read -r name; do
		grep -qw "$name" userland/man/gomem.4 || echo "$name"
	done
}

# The kernel's loops, which cppcheck cannot know: as far as it goes, each runs once
cpp_kernel()
{
	cat >"$logs/loops.h" <<-END
		#define once(at, head) for (at = (void *)(head); at; at = NULL)
		#define list_for_each_entry(at, head, member) once(at, head)
		#define list_for_each_entry_safe(at, next, head, member) once(at, head)
		#define list_for_each_entry_rcu(at, head, member) once(at, head)
		#define hlist_for_each_entry(at, head, member) once(at, head)
		#define hlist_for_each_entry_rcu(at, head, member) once(at, head)
		#define hlist_for_each_entry_safe(at, next, head, member) once(at, head)
		#define xa_for_each(array, index, at) once(at, array)
		#define for_each_possible_cpu(cpu) for (cpu = 0; cpu < 1; cpu++)
	END
	cpp -D__KERNEL__ --include="$logs/loops.h" kmod
}

# A test that gets no memory dies, and one that grows its stack means to
cpp_user()
{
	cpp -Iuserland -Itests/kselftest -j2 --suppress=memleakOnRealloc:tests/kselftest/* \
		--suppress=allocaCalled:tests/kselftest/* userland tests
}

scripts()
{
	mapfile -t list < <(files '*.sh' tests/vm/init .ci/run userland/completion)
	printf '%s\n' "${list[@]}" | xargs -P 2 -n 8 shellcheck --external-sources
}

go_files()
{
	local newest

	newest=$(grep -v '^#' tests/vm/toolchains | tail -1 | cut -f1)
	mapfile -t list < <(files '*.go')
	"$cache/go/$newest/usr/lib/go-$newest/bin/gofmt" -l "${list[@]}"
}

versions()
{
	local version

	version=$(sed -n 's/^#define GOMEM_VERSION "\(.*\)"/\1/p' include/gomem.h)
	grep -q "^PACKAGE_VERSION=\"$version\"$" dkms.conf ||
		echo "dkms.conf and include/gomem.h disagree on the version"
}

mkdir -p "$logs"
check 'arrows between rooms' tests/arrows.sh
check 'clang-format' layout
check 'checkpatch, kernel' checkpatch_kernel
check 'checkpatch, user space' checkpatch_user
check 'shellcheck' scripts
check 'gofmt' go_files
check 'mandoc' mandoc -Tlint -Wwarning userland/man/gomemctl.8 userland/man/gomem.4
check 'gomem(4) names every column and kind' columns
check 'one version' versions
check 'gomemctl by gcc' user gcc
check 'gomemctl by clang' user clang
while read -r name _; do
	check "module on $name, W=1 and sparse" module "$name"
done < <(grep -v '^#' tests/vm/kernels)
check 'cppcheck, kernel' cpp_kernel
check 'cppcheck, user space' cpp_user

echo "1..$count"
exit $((failed != 0))
