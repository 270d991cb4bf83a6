#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make deb: the packages are built, what belongs into each is there, and lintian, which
# knows Debian's rules, has nothing against them. packages/chroot_test.sh installs them.
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=selftests/lib/lib.sh
. lib/lib.sh

SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
OUTPUT=$SCRATCH/output
DEB=../build/deb

# in_package NAME FILE: NAME has FILE.
in_package() {
	dpkg-deb --fsys-tarfile "$DEB/$1"_*.deb | tar -t "./$2"
}

expect 'make deb' 0 'minivmx-dkms_.*_all.deb' ../scripts/make-deb
while read -r package file; do
	expect "$package has $file" 0 '' in_package "$package" "$file"
done <<-END
	minivmx usr/bin/minivmx
	minivmx usr/lib/minivmx/slirp.so
	minivmx usr/lib/udev/rules.d/60-minivmx.rules
	minivmx usr/share/bash-completion/completions/minivmx
	minivmx-dkms usr/src/minivmx-$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' ../dkms.conf)/dkms.conf
	libminivmx-dev usr/include/libminivmx.h
	libminivmx-dev usr/lib/x86_64-linux-gnu/libminivmx.a
END
dpkg-deb -e "$DEB"/minivmx-dkms_*.deb "$SCRATCH/control"
expect 'an administrator may change the hooks' 0 '^/etc/kernel/postinst.d/minivmx-dkms$' \
	cat "$SCRATCH/control/conffiles"
expect 'lintian' 0 '^$' lintian --allow-root --fail-on error --fail-on warning "$DEB"/*.changes
finish
