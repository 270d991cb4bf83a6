#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The Debian packages in a Debian of this machine's release, made for it by mmdebstrap:
# they are installed, DKMS builds the module, a kernel is installed that it cannot be
# built for, and purging them leaves nothing behind.
#
# It takes minutes and downloads some 250 MB: selftests/run packages.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source-path=SCRIPTDIR/../../testbed
{
	. testbed/lib/common.sh
	. "$TESTBED/lib/verdict.sh"
	. "$TESTBED/lib/kernels.sh"
	. "$TESTBED/lib/suites.sh"
	. selftests/lib/lib.sh
}

mkdir -p "$WORK"
SCRATCH=$(mktemp -d "$WORK/.packages.XXXXXX")
# The root is root's.
trap 'as_root rm -rf --one-file-system "$SCRATCH"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
OUTPUT=$SCRATCH/output
ROOT=$SCRATCH/root
# What the packages and this test want there.
WANTED=(dkms openssl gcc libc6-dev pkg-config initramfs-tools linux-base
	libinih1 libjson-c5 libnbd0 libslirp0 liburing2 linux-libc-dev)

inside() {
	"$TESTBED/in-chroot" "$ROOT" env PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C "$@"
}

# All files, but what others keep of what they did: dpkg's and apt's records, the index
# that depmod makes, and the key of DKMS.
files() {
	(cd "$ROOT" && find . -path ./proc -prune -o -path "./${TOP#/}" -prune -o \
		-path ./var/lib/dpkg -prune -o -path ./var/log -prune -o -path ./var/cache -prune -o \
		! -path './lib/modules/*/modules.*' ! -path './usr/lib/modules/*/modules.*' \
		! -path './var/lib/dkms/mok.*' ! -path './tmp/*' -print | sort)
}

# installed RELEASE: the module that is there for a kernel.
installed() {
	find "$ROOT/usr/lib/modules/$1/updates" -name 'minivmx.ko*'
}

FIRST='' SECOND=''
find_kernels() {
	FIRST=$(newest_image_package 6.1)
	SECOND=$(newest_image_package 6.12)
	FIRST=${FIRST#linux-image-} SECOND=${SECOND#linux-image-}
	[[ -n $FIRST && -n $SECOND ]]
}

# An initramfs without drivers is made in no time.
make_root() {
	local suite wanted=("${WANTED[@]}" "linux-headers-$FIRST")
	suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
	make_sources "$SCRATCH/sources"
	# shellcheck disable=SC2016 # for mmdebstrap
	make_system "$suite" "$ROOT" "$SCRATCH/sources" --variant=apt \
		--include="$(IFS=, && echo "${wanted[*]}")" \
		--aptopt='APT::Install-Recommends "false"' \
		--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
		--essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d" &&
			echo MODULES=list >"$1/etc/initramfs-tools/conf.d/small"'
	mkdir -p "$ROOT$TOP"
}

# The second kernel, its headers and what these want come later, as an upgrade brings them.
download_second() {
	local package
	mapfile -t SECOND_PACKAGES < <(printf '%s\n' "linux-image-$SECOND" "linux-headers-$SECOND"
		apt-cache depends "linux-headers-$SECOND" |
			sed -nE 's/^ *Depends: (linux-.*-common|linux-kbuild-.*)/\1/p')
	mkdir "$ROOT/second"
	for package in "${SECOND_PACKAGES[@]}"; do
		download_package "$package" "$ROOT/second"
	done
}

expect 'make deb' 0 '' scripts/make-deb
expect 'apt knows two kernels' 0 '' find_kernels
expect 'a Debian system' 0 '' make_root
expect 'the next kernel' 0 '' download_second
files >"$SCRATCH/before"

cp build/deb/*.deb "$ROOT/tmp/"
expect 'dpkg -i minivmx libminivmx-dev' 0 '' inside sh -c \
	'dpkg -i /tmp/minivmx_*.deb /tmp/libminivmx-dev_*.deb'
expect 'the command' 0 '^minivmx ' inside minivmx --version
expect 'its engines' 1 '^$' inside sh -c \
	'ldd -r /usr/lib/minivmx/*.so | grep -E "undefined|not found"'
cat >"$ROOT/tmp/program.c" <<'END'
#include <libminivmx.h>
#include <stdio.h>

int main(void)
{
	return puts(minivmx_exit_name(10)) < 0;
}
END
# shellcheck disable=SC2016 # for the shell inside
expect 'a program' 0 '^CPUID$' inside sh -c \
	'cd /tmp && gcc -o program program.c $(pkg-config --cflags --libs libminivmx) && ./program'

expect 'dpkg -i minivmx-dkms' 0 '' inside sh -c 'dpkg -i /tmp/minivmx-dkms_*.deb'
expect 'the module is installed' 0 "minivmx/.*${FIRST//+/\\+}.*: installed" inside dkms status
expect 'for that kernel' 0 "^${FIRST//+/\\+} " inside modinfo -k "$FIRST" -F vermagic minivmx
expect 'signed' 0 '^DKMS module signing key' inside modinfo -k "$FIRST" -F signer minivmx

# A kernel that it cannot be built for comes by dpkg.
cp "$ROOT"/usr/src/minivmx-*/module/main.c "$SCRATCH/main.c"
echo 'int broken(' | tee -a "$ROOT"/usr/src/minivmx-*/module/main.c >/dev/null
expect 'a kernel that it cannot be built for' 0 '^minivmx: Linux .* goes without' \
	inside sh -c 'dpkg -i /second/*.deb'
# shellcheck disable=SC2016 # for dpkg-query
expect 'is installed' 0 '^install ok installed$' \
	inside dpkg-query -W -f '${Status}\n' "linux-image-$SECOND"
expect 'with its initramfs' 0 '' test -s "$ROOT/boot/initrd.img-$SECOND"
expect 'and no module' 0 '^$' sh -c "find $ROOT/usr/lib/modules/$SECOND -name 'minivmx*'"
expect 'the reason' 0 'main\.c:[0-9:]* error: ' \
	sh -c "cat $ROOT/var/lib/dkms/minivmx/*/build/make.log"

# And when it can be built, the hook of that kernel has it built.
cp "$SCRATCH/main.c" "$ROOT"/usr/src/minivmx-*/module/
expect 'configured again' 0 '' inside run-parts --exit-on-error --arg="$SECOND" \
	--arg="/boot/vmlinuz-$SECOND" /etc/kernel/postinst.d
expect 'it has the module' 0 "^${SECOND//+/\\+} " inside modinfo -k "$SECOND" -F vermagic minivmx

expect 'a kernel is removed' 0 '' inside dpkg -P "${SECOND_PACKAGES[@]}"
expect 'and its module' 0 '^$' sh -c "find $ROOT/usr/lib/modules/$SECOND -name 'minivmx*' 2>/dev/null || true"
expect 'purge' 0 '' inside dpkg -P minivmx-dkms minivmx libminivmx-dev
diff "$SCRATCH/before" <(files) | sed 's/^/# /' >"$SCRATCH/left"
expect 'leaves nothing behind' 0 '^$' cat "$SCRATCH/left"
finish
