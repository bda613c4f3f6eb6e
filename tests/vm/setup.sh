#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Installs and downloads what the build, the demo and the tests need and this
# machine lacks: Debian packages, kernels, Go toolchains, the kernel's checkpatch.
# With everything there it runs nothing and takes no time.
#
#	setup.sh [demo|debug|bench|kernels|go]
#				only what that make target needs; debug and bench want
#				packages that the others do not, kernels the kernel's
#				own selftests, go all servers
#
# Layout of the cache, ${GOMEM_CACHE:-$HOME/.cache/gomem}:
#	kernels/NAME/{vmlinuz,modules/,build/,release}, and of the debug kernel what
#				it was made from: config, and machine for run.sh
#	go/MINOR/bin/go		sets GOROOT, GOCACHE and forbids downloads
#	servers/NAME/{usr/,built-using}	a Go server of Debian's, unpacked, and what built it
#	lint/{scripts/checkpatch.pl,clang-format}	the kernel's, and its clang-format
#				file with lines of 100, as checkpatch allows them
#	selftests/NAME/		the kernel's own mm selftests, in their place in its tree
#	apt/SUITE/		an apt state of our own: the suites that we download
#				from need not be in this machine's sources
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
cache=${GOMEM_CACHE:-$HOME/.cache/gomem}
what=${1:-all}
refresh_days=7		# how old package lists may be before a newer kernel is looked for
linux_source='bookworm-security linux-source-6.1'

die()
{
	echo "setup: $*" >&2
	exit 1
}

say()
{
	echo "setup: $*" >&2
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

entries()
{
	grep -hv '^#' "${@/#/$here/}"
}

# install_packages LIST...
install_packages()
{
	local missing=() name why

	while read -r name why; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] &&
			continue
		say "installing $name for $why"
		missing+=("$name")
	done < <(entries "$@")
	[ ${#missing[@]} = 0 ] && return
	as_root apt-get -qq update
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
		install "${missing[@]}" >&2
}

# The mirror that this machine itself uses for suites like $1
mirror()
{
	local like='^[a-z]+$'

	case $1 in *-security) like='-security$' ;; esac
	# shellcheck disable=SC2016 # apt expands these
	apt-get indextargets --format '$(CODENAME) $(REPO_URI)' |
		awk -v like="$like" '$1 ~ like { print $2; exit }'
}

# suite_init SUITE: an apt state that knows SUITE alone
suite_init()
{
	local dir=$cache/apt/$1 uri

	mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"
	uri=$(mirror "$1")
	if [ -z "$uri" ]; then
		as_root apt-get -qq update
		uri=$(mirror "$1")
	fi
	[ -n "$uri" ] || die "apt's own sources name no mirror that could have $1; add Debian's"
	echo "deb $uri $1 main" >"$dir/sources.list"
	cat >"$dir/apt.conf" <<-END
		Dir::State "$dir/state";
		Dir::State::status "/var/lib/dpkg/status";
		Dir::Cache "$dir/cache";
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		Acquire::Check-Valid-Until "false";
		Acquire::Languages "none";
		APT::Architecture "amd64";
		APT::Sandbox::User "root";
	END
}

in_suite()
{
	APT_CONFIG=$cache/apt/$1/apt.conf "${@:2}"
}

fresh()
{
	[ -n "$(find "$cache/apt/$1/updated" -mtime "-$refresh_days" 2>/dev/null)" ]
}

# suite_update SUITE: at most once a run
suite_update()
{
	[ -e "$tmp/updated-$1" ] && return
	say "reading the package lists of $1"
	suite_init "$1"
	in_suite "$1" apt-get -qq update || return
	touch "$tmp/updated-$1" "$cache/apt/$1/updated"
}

# field SUITE PACKAGE FIELD: of the newest version
field()
{
	in_suite "$1" apt-cache show --no-all-versions "$2" | sed -n "s/^$3: //p"
}

# unpack SUITE DIR PACKAGE...: download and unpack into a directory that must not exist
unpack()
{
	local suite=$1 dir=$2 deb

	say "downloading ${*:3}"
	rm -rf "$tmp/debs"
	mkdir "$tmp/debs"
	(cd "$tmp/debs" && in_suite "$suite" apt-get -qq download "${@:3}")
	for deb in "$tmp"/debs/*.deb; do
		dpkg-deb -x "$deb" "$dir"
	done
	rm -rf "$tmp/debs"
}

# wanted LINK SUITE: is LINK missing, or might there be a newer one
wanted()
{
	[ -e "$1" ] && fresh "$2" && return 1
	suite_update "$2" && return 0
	[ -e "$1" ] || die "cannot read the package lists of $2, which $1 comes from; is there a network?"
	say "offline: keeping $1 as it is"
	return 1
}

# publish TREE DIR LINK: the last step, so that a broken download is never taken for good
publish()
{
	mv -T "$1" "$2"
	ln -sfn "$(basename "$2")" "$3"
}

# needs SUITE REGEX PACKAGE...: the packages, and what of that name they depend on, and so on
needs()
{
	local suite=$1 regex=$2 package todo=("${@:3}")
	local -A seen=()

	while [ ${#todo[@]} != 0 ]; do
		package=${todo[0]}
		todo=("${todo[@]:1}")
		[ -n "${seen[$package]:-}" ] && continue
		seen[$package]=1
		echo "$package"
		mapfile -t -O ${#todo[@]} todo < <(field "$suite" "$package" Depends |
			grep -oP "(?<![^ ])$regex")
	done
}

# The headers' makefiles point into /usr/src of the machine they were meant for
relocate_headers()
{
	local tree=$1 final=$2 release=$3 headers

	headers=$tree/usr/src/linux-headers-$release
	sed -i "s,/usr/src,$final/usr/src,g" "$headers/Makefile"
	ln -s "usr/src/linux-headers-$release" "$tree/build"
}

# Headers name the compiler of their suite. This machine's does as well, without what it
# has not learned yet, and without BTF, for which it would take that suite's pahole. What
# C sees of that option stays: it is in the layout of struct module.
adapt_compiler()
{
	local build=$1/build gcc

	gcc=$(grep -o 'gcc-[0-9]*' "$build/.kernelvariables")
	command -v "$gcc" >/dev/null && return
	sed -i "s/$gcc/gcc/" "$build/.kernelvariables"
	# shellcheck disable=SC2016 # make expands it
	echo 'override PAHOLE_VERSION = $(CONFIG_PAHOLE_VERSION)' >>"$build/.kernelvariables"
	sed -i '/CONFIG_DEBUG_INFO_BTF_MODULES=/d' "$build/include/config/auto.conf"
	sed -Ei '/CONFIG_CC_HAS_(MIN_FUNCTION_ALIGNMENT|COUNTED_BY)/d' \
		"$build/include/config/auto.conf" "$build/include/generated/autoconf.h"
}

# The build's tools that ask for a newer libc than this machine's get their suite's
adapt_tools()
{
	local suite=$1 tree=$2 final=$3 kbuild=$4 tool lib=usr/lib/x86_64-linux-gnu libraries=()

	while read -r tool; do
		ldd "$tool" 2>&1 | grep -q 'GLIBC.* not found' || continue
		if [ ${#libraries[@]} = 0 ]; then
			mapfile -t libraries < <(needs "$suite" 'z?lib[^ ,]*' "$kbuild" | tail -n +2)
			unpack "$suite" "$tree" "${libraries[@]}"
		fi
		mv "$tool" "$tool.there"
		cat >"$tool" <<-END
			#!/bin/sh
			lib=$final/$lib
			exec "\$lib/ld-linux-x86-64.so.2" --library-path "\$lib" "\$0.there" "\$@"
		END
		chmod +x "$tool"
	done < <(find "$tree/usr/lib/$kbuild" -type f -perm -1)
}

# Where the image and the modules are, before and after /lib went into /usr
link_image()
{
	local tree=$1 release=$2

	if [ -e "$tree/boot/vmlinuz-$release" ]; then
		ln -s "boot/vmlinuz-$release" "$tree/vmlinuz"
	else
		ln -s usr/lib "$tree/lib"
		ln -s "lib/modules/$release/vmlinuz" "$tree/vmlinuz"
	fi
	ln -s "lib/modules/$release" "$tree/modules"
	/sbin/depmod -b "$tree" "$release"
	echo "$release" >"$tree/release"
}

# release_of NAME SUITE IMAGE: nothing when the suite has left that minor behind
release_of()
{
	field "$2" "$3" Depends | grep -oP "(?<=linux-image-)$1\.[^ ,]*" || true
}

kernel()
{
	local name=$1 suite=$2 image=$3 headers=$4
	local link=$cache/kernels/$name version final release packages tree=$tmp/kernel

	wanted "$link" "$suite" || return 0
	release=$(release_of "$name" "$suite" "$image")
	if [ -z "$release" ]; then
		[ -e "$link" ] || die "$suite has no Linux $name (any more); see tests/vm/kernels"
		say "$suite has no Linux $name any more: keeping the one that is here"
		return
	fi
	version=$(field "$suite" "$image" Version)
	final=$link-$version
	[ -e "$final" ] && return
	mapfile -t packages < <(needs "$suite" \
		'linux-(image|base|binary|modules|headers|kbuild)-[^ ,]*' "$image" "$headers")
	rm -rf "$tree"
	unpack "$suite" "$tree" "${packages[@]}"
	relocate_headers "$tree" "$final" "$release"
	adapt_compiler "$tree"
	adapt_tools "$suite" "$tree" "$final" \
		"$(printf '%s\n' "${packages[@]}" | grep '^linux-kbuild-')"
	link_image "$tree" "$release"
	publish "$tree" "$final" "$link"
}

# The debug kernel, from the source package that lint_files() knows: another configuration
# is another kernel
debug_kernel()
{
	local suite=$1 package=$2 link=$cache/kernels/debug file version final

	for file in config machine; do
		cmp -s "$here/debug/$file" "$link/$file" || rm -rf "$(readlink -m "$link")" "$link"
	done
	wanted "$link" "$suite" || return 0
	version=$(field "$suite" "$package" Version)
	final=$link-$version
	[ -e "$final" ] && return
	unpack "$suite" "$tmp/source" "$package"
	say "building the debug kernel, about 10 minutes of two cores"
	"$here/debug/build.sh" "$tmp/source/usr/src/$package.tar.xz" "$tmp/kernel"
	publish "$tmp/kernel" "$final" "$link"
}

toolchain()
{
	local minor=$1 suite=$2
	local link=$cache/go/$minor version final tree=$tmp/go

	wanted "$link" "$suite" || return 0
	version=$(field "$suite" "golang-$minor-go" Version)
	final=$link-$version
	[ -e "$final" ] && return
	rm -rf "$tree"
	unpack "$suite" "$tree" "golang-$minor-go" "golang-$minor-src"
	mkdir "$tree/bin"
	cat >"$tree/bin/go" <<-END
		#!/bin/sh
		export GOROOT=$final/usr/lib/go-$minor GOCACHE=$cache/go/build-$minor
		export GOTOOLCHAIN=local GOPROXY=off GOFLAGS=-mod=mod
		exec "\$GOROOT/bin/go" "\$@"
	END
	chmod +x "$tree/bin/go"
	publish "$tree" "$final" "$link"
}

# server NAME SUITE PACKAGE PROGRAM WHEN: the program alone, to be run where it lies
server()
{
	local name=$1 suite=$2 package=$3
	local link=$cache/servers/$name version final tree=$tmp/server

	[ "$5" = check ] || [ "$what" = go ] || return 0
	wanted "$link" "$suite" || return 0
	version=$(field "$suite" "$package" Version)
	final=$link-$version
	[ -e "$final" ] && return
	rm -rf "$tree"
	unpack "$suite" "$tree" "$package"
	# Its name changed after bookworm
	field "$suite" "$package" '\(Static-\)\?Built-Using' >"$tree/built-using"
	publish "$tree" "$final" "$link"
}

lint_files()
{
	local suite=$1 package=$2
	local link=$cache/lint version final tree=$tmp/source
	local files=(.clang-format scripts/checkpatch.pl scripts/spelling.txt
		scripts/const_structs.checkpatch)

	wanted "$link" "$suite" || return 0
	version=$(field "$suite" "$package" Version)
	final=$link-$version
	[ -e "$final" ] && return
	rm -rf "$tree"
	unpack "$suite" "$tree" "$package"
	mkdir "$tmp/lint"
	(
		cd "$tmp/lint"
		tar --strip-components=1 -xJf "$tree/usr/src/$package.tar.xz" "${files[@]/#/$package/}"
		sed 's/^ColumnLimit: .*/ColumnLimit: 100/' .clang-format >clang-format
	)
	rm -rf "$tree"
	publish "$tmp/lint" "$final" "$link"
}

# The kernel's own mm selftests and what they include, where its source package has them
selftests()
{
	local name=$1 suite=$2 package=linux-source-$1
	local link=$cache/selftests/$name version final tree=$tmp/source

	wanted "$link" "$suite" || return 0
	version=$(field "$suite" "$package" Version)
	final=$link-$version
	[ -e "$final" ] && return
	rm -rf "$tree"
	unpack "$suite" "$tree" "$package"
	mkdir -p "$tmp/selftests"
	tar -C "$tmp/selftests" --strip-components=1 -xJf "$tree/usr/src/$package.tar.xz" --wildcards \
		"$package/tools/testing/selftests/*.h" "$package/tools/testing/selftests/[vm]m/*" \
		"$package/tools/include/uapi" "$package/tools/arch/x86/include/uapi" \
		"$package/mm/gup*"
	rm -rf "$tree"
	publish "$tmp/selftests" "$final" "$link"
}

each()
{
	local entry

	while read -ra entry; do
		"$1" "${entry[@]}" </dev/null
	done
}

main()
{
	local lists=(packages)

	case $what in
	all | demo | kernels | go) ;;
	debug) lists+=(debug/packages) ;;
	bench) lists+=(../bench/packages) ;;
	*) die "unknown argument '$what'; there are 'demo', 'debug', 'bench', 'kernels' and 'go'" ;;
	esac
	[ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] ||
		die "this is not an amd64 Debian; the tests know only that"
	install_packages "${lists[@]}"
	mkdir -p "$cache/kernels" "$cache/go" "$cache/selftests" "$cache/servers"
	exec 9>"$cache/lock"
	flock 9
	tmp=$(mktemp -d "$cache/tmp.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	if [ "$what" = demo ]; then
		each kernel < <(entries kernels | head -1)
		each toolchain < <(entries toolchains | tail -1)
		return
	fi
	if [ "$what" = debug ]; then
		# shellcheck disable=SC2086 # two words
		debug_kernel $linux_source
		each toolchain < <(entries toolchains | tail -1)
		return
	fi
	if [ "$what" = go ]; then
		each toolchain < <(entries toolchains)
		each server < <(entries servers)
		return
	fi
	each kernel < <(entries kernels)
	[ "$what" = bench ] && return
	[ "$what" = kernels ] && each selftests < <(entries kernels)
	each toolchain < <(entries toolchains)
	each server < <(entries servers)
	# shellcheck disable=SC2086 # two words
	lint_files $linux_source
	ln -sfn "$cache/lint/clang-format" "$here/../../.clang-format"
}

main
