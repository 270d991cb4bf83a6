#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make install-user below a folder: what is there works, a program outside of this tree
# builds against it, and make uninstall leaves nothing behind. The module: dkms_test.sh.
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=selftests/lib/lib.sh
. lib/lib.sh
TOP=$(cd .. && pwd)

SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
OUTPUT=$SCRATCH/output
ROOT=$SCRATCH/root

make_it() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$TOP" DESTDIR="$ROOT" PREFIX=/usr "$@"
}

# Compare the files below $ROOT with a list on stdin.
files_are() {
	diff <(grep . | sort) <(cd "$ROOT" && find . ! -type d | cut -c 3- | sort)
}

# ---- the versions ----

VERSION=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$TOP/dkms.conf")
expect 'the version of the command' 0 "^minivmx $VERSION " "$TOP/build/bin/minivmx" --version
expect 'of the module' 0 '' grep -qxF "MODULE_VERSION(\"$VERSION\");" "$TOP/module/main.c"
expect 'of the Debian packages' 0 "^$VERSION\$" dpkg-parsechangelog -l "$TOP/debian/changelog" \
	-S Version

# ---- the programs and the library ----

expect 'make install-user' 0 '' make_it install-user
files_are <<-END
	usr/bin/minivmx
	usr/include/libminivmx.h
	usr/include/minivmx.h
	usr/lib/libminivmx.a
	usr/lib/minivmx/curses.so
	usr/lib/minivmx/nbd.so
	usr/lib/minivmx/slirp.so
	usr/lib/pkgconfig/libminivmx.pc
	usr/lib/udev/rules.d/60-minivmx.rules
	usr/share/bash-completion/completions/minivmx
	$(find "$TOP"/build/man -name '*.[1-8]' 2>/dev/null |
		sed 's,.*/\([^/]*\.\(.\)\)$,usr/share/man/man\2/\1,')
END
ok $? 'all is there, and nothing else'
expect 'the command runs' 0 '^usage: minivmx' "$ROOT/usr/bin/minivmx" --help
# They find their libraries, and need nothing of the command.
for engine in nbd slirp; do
	expect "the engine $engine" 1 '^$' sh -c \
		"ldd -r $ROOT/usr/lib/minivmx/$engine.so 2>&1 | grep -E 'undefined|not found'"
done

cat >"$SCRATCH/program.c" <<'END'
#include <libminivmx.h>
#include <stdio.h>

int main(void)
{
	struct minivmx_sregs sregs;
	struct minivmx_regs regs;

	minivmx_set_real(&sregs, &regs, 0, 0x7c00);
	printf("%s 0x%llx\n", minivmx_exit_name(10), (unsigned long long)regs.rip);
	return 0;
}
END
# build_program COMPILER...: as others would.
build_program() {
	# shellcheck disable=SC2046 # words
	PKG_CONFIG_SYSROOT_DIR=$ROOT PKG_CONFIG_LIBDIR=$ROOT/usr/lib/pkgconfig \
		PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 sh -c '
		exec "$@" $(pkg-config --cflags --libs libminivmx)' sh "$@"
}
expect 'a program in C builds' 0 '^$' build_program gcc -std=c11 -Wall -Wextra -Werror -pedantic \
	-o "$SCRATCH/program" "$SCRATCH/program.c"
expect 'and runs' 0 '^CPUID 0x7c00$' "$SCRATCH/program"
expect "pkg-config's version" 0 "^$VERSION\$" \
	env PKG_CONFIG_LIBDIR="$ROOT/usr/lib/pkgconfig" pkg-config --modversion libminivmx

# ---- and away ----

touch "$ROOT/usr/bin/another"
expect 'make uninstall' 0 '' make_it uninstall
files_are <<<usr/bin/another
ok $? 'nothing is left of it, and all else is'
expect 'nor its own folder' 1 '' test -e "$ROOT/usr/lib/minivmx"
expect 'a second time' 0 '' make_it uninstall

# ---- what DKMS needs ----

expect 'make install-dkms' 0 '' make_it install-dkms
expect 'the source' 0 '' test -e "$ROOT/usr/src/minivmx-$VERSION/module/main.c"
expect 'the hooks' 0 '' test -x "$ROOT/etc/kernel/postinst.d/minivmx-dkms" -a \
	-x "$ROOT/etc/kernel/header_postinst.d/minivmx-dkms"
expect 'make uninstall-dkms' 0 '' make_it uninstall-dkms
expect 'leaves nothing' 1 '^$' grep -r . "$ROOT/usr/src" "$ROOT/etc"
finish
