#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# build.sh SOURCE TREE: the kernel of the file config, from Debian's source of one.
# SOURCE is a tar file, TREE, which must not exist, becomes what setup.sh's cache has
# of a kernel; of the build there is what building a module takes.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
source=$(readlink -f "$1")
tree=$(readlink -m "$2")

# An option that the kernel's own rules took back is a check that we believe is there
configure()
{
	local line

	make -s tinyconfig
	KCONFIG_CONFIG=.config scripts/kconfig/merge_config.sh -m .config "$here/config"
	make -s olddefconfig
	while read -r line; do
		case $line in *=n) line="# ${line%=n} is not set" ;; esac
		grep -qxF "$line" .config || {
			echo "$here/config: this kernel cannot have: $line"
			return 1
		}
	done < <(grep ^CONFIG "$here/config")
}

compile()
{
	nice -n 19 make -s -j"$(nproc)" bzImage modules_prepare
	cp vmlinux.symvers Module.symvers
}

# What scripts/package/builddeb takes for a package of headers
needed()
{
	find . -type f \( -name 'Makefile*' -o -name 'Kconfig*' \)
	find ./include ./scripts \( -type f -o -type l \)
	find ./arch/x86 -type f \( -path '*/include/*' -o -path '*/scripts/*' \)
	echo ./.config
	echo ./Module.symvers
	echo ./tools/objtool/objtool
}

keep()
{
	local release modules

	release=$(cat include/config/kernel.release)
	modules=lib/modules/$release
	mkdir -p "$tree/build" "$tree/$modules"
	needed | sort -u | tar -cf - -T - | tar -xf - -C "$tree/build"
	cp arch/x86/boot/bzImage "$tree/vmlinuz"
	cp modules.builtin modules.builtin.modinfo "$tree/$modules"
	: >"$tree/$modules/modules.order"
	/sbin/depmod -b "$tree" "$release"
	ln -s "$modules" "$tree/modules"
	echo "$release" >"$tree/release"
	cp "$here/config" "$here/machine" "$tree"
}

finish()
{
	[ "$1" = 0 ] || tail -n 30 "$work/build.log" >&3
	rm -rf "$work"
}

work=$(mktemp -d "$tree.XXXXXX")
exec 3>&2 >"$work/build.log" 2>&1
trap 'finish $?' EXIT
cd "$work"
tar --strip-components=1 -xJf "$source"
configure
compile
keep
