#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module by DKMS (with --long for both of Debian's kernels), as its hook has it built when a kernel is
# installed; what becomes of that kernel if it cannot be built; and make install-module.
# All trees are this test's own.
cd "$(dirname "$0")/.." || exit 1

# DKMS makes the key that it signs with in /var/lib/dkms: a place that is private here.
if [[ ${1-} != inside ]]; then
	options=(--mount)
	[[ $EUID -eq 0 ]] || options+=(--map-root-user)
	exec unshare "${options[@]}" "./unit/${0##*/}" inside
fi

# shellcheck source=selftests/lib/lib.sh
. lib/lib.sh
TOP=$(cd .. && pwd)
# shellcheck source=selftests/lib/module.sh
. lib/module.sh

SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
OUTPUT=$SCRATCH/output
ROOT=$SCRATCH/root
SOURCE=$ROOT/usr/src
MODULES=$ROOT/lib/modules
TREE=$SCRATCH/dkms
HOOK=$ROOT/etc/kernel/postinst.d/minivmx-dkms
VERSION=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$TOP/dkms.conf")

mount -t tmpfs tmpfs /var/lib/dkms || skip_all 'DKMS is not installed: make setup'
mkdir -p "$SCRATCH/bin" "$TREE" "$SOURCE" "$MODULES"
cat >"$SCRATCH/bin/dkms" <<END
#!/bin/sh
exec /usr/sbin/dkms --dkmstree "$TREE" --sourcetree "$SOURCE" --installtree "$MODULES" \\
	--no-depmod "\$@"
END
chmod +x "$SCRATCH/bin/dkms"
PATH=$SCRATCH/bin:$PATH

make_it() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$TOP" DESTDIR="$ROOT" "$@"
}

# $MODULE is the module that DKMS has installed for a kernel, unpacked.
take_module() {
	local installed=$MODULES/$1/updates/dkms/minivmx.ko
	MODULE=$SCRATCH/minivmx.ko
	if [[ -e $installed.xz ]]; then
		xz -dc "$installed.xz" >"$MODULE"
	else
		cp "$installed" "$MODULE"
	fi
}

# What DKMS wrote of a build that failed.
make_log() {
	cat "$TREE/minivmx/$VERSION/build/make.log"
}

# Each takes a minute of a CPU.
for kernel in $(rounds 6.12 '6.12 6.1'); do
	release=$(kernel_says "$kernel" kernel_release)
	mkdir "$MODULES/$release"
	releases+=("$release")
done
FIRST=${releases[0]}

# ---- a kernel is installed ----

expect 'make install-dkms' 0 '' make_it install-dkms
expect 'the hook before dkms add' 0 '^$' "$HOOK" "$FIRST"
expect 'dkms add' 0 '' dkms add -m minivmx -v "$VERSION"
for release in "${releases[@]}"; do
	expect "a kernel: $release" 0 'Signing module' "$HOOK" "$release" "/boot/vmlinuz-$release"
	take_module "$release"
	expect 'has the module' 0 "^${release//+/\\+} SMP" modinfo -F vermagic "$MODULE"
	expect 'of that version' 0 "^$VERSION\$" modinfo -F version "$MODULE"
	expect 'signed by the key of DKMS' 0 '^DKMS module signing key' \
		modinfo -F signer "$MODULE"
	expect 'with symbols that every module may have' 0 '' ./symbols "$MODULE" \
		"/lib/modules/$release/build/Module.symvers"
	expect 'once is enough' 0 'already installed' "$HOOK" "$release" "/boot/vmlinuz-$release"
done
expect 'a kernel without headers' 0 'install linux-headers-0.0-none' "$HOOK" 0.0-none

# ---- make install-module, with what DKMS has built ----

mkdir -p "$SCRATCH/build/module/$FIRST"
take_module "$FIRST"
cp "$MODULE" "$SCRATCH/build/module/$FIRST/"
install_module() {
	make_it -o module install-module "BUILD=$SCRATCH/build" "KERNEL=$FIRST"
}
expect 'make install-module beside it' 2 'make uninstall-dkms' install_module
expect 'dkms remove' 0 '' dkms remove -m minivmx -v "$VERSION" --all
expect 'leaves no module' 0 '^0$' sh -c "find $MODULES $TREE -name 'minivmx*' | wc -l"
expect 'make install-module' 0 '' install_module
expect 'depmod takes it' 0 '' depmod -b "$ROOT" "$FIRST"
expect 'so that modprobe finds it' 0 '/updates/minivmx\.ko' \
	modprobe -d "$ROOT" -S "$FIRST" --show-depends minivmx
rm "$MODULES/$FIRST"/modules.*

# ---- sign-module ----

INSTALLED=$MODULES/$FIRST/updates/minivmx.ko
KEYS=$SCRATCH/keys
sign_module() {
	"$TOP/scripts/sign-module" --keys "$KEYS" --kernel "$FIRST" "$@"
}
# The signature stands behind the module, then 12 bytes, of which the last four are its
# size, and a line of 28.
signature_is_right() {
	local size signed
	signed=$(stat -c %s "$INSTALLED")
	size=$((16#$(tail -c 32 "$INSTALLED" | head -c 4 | od -An -tx1 | tr -d ' ')))
	head -c $((signed - 40 - size)) "$INSTALLED" >"$SCRATCH/body"
	tail -c $((40 + size)) "$INSTALLED" | head -c "$size" >"$SCRATCH/signature"
	openssl x509 -inform DER -in "$KEYS/mok.pub" -out "$SCRATCH/certificate"
	openssl cms -verify -binary -inform DER -in "$SCRATCH/signature" -content "$SCRATCH/body" \
		-certfile "$SCRATCH/certificate" -nointern -noverify -out /dev/null
}
expect 'sign-module makes a key' 0 "mokutil --import $KEYS/mok.pub" sign_module "$INSTALLED"
expect 'that is for root alone' 0 '^600$' stat -c %a "$KEYS/mok.key"
expect 'and signs with it' 0 'Verification successful' signature_is_right
cp "$KEYS/mok.key" "$SCRATCH/key"
expect 'a second time' 0 '^signed .*: minivmx module signing key' sign_module "$INSTALLED"
expect 'with the same key' 0 '' cmp "$KEYS/mok.key" "$SCRATCH/key"
expect 'instead of the first' 0 'Verification successful' signature_is_right
expect 'leaving nothing else' 0 '^2$' sh -c "ls -A $KEYS | wc -l"
echo text >"$SCRATCH/text.ko"
expect 'what is no module' 1 'give it an unpacked .ko' sign_module "$SCRATCH/text.ko"
expect 'what is not there' 1 'make install puts one there' sign_module "$SCRATCH/nothing.ko"
rm "$KEYS/mok.pub"
expect 'half a key' 1 'one is missing' sign_module "$INSTALLED"

# ---- make uninstall ----

touch "$MODULES/$FIRST/updates/another.ko"
expect 'make uninstall' 0 '' make_it uninstall
expect 'leaves what is not its own' 0 '^another.ko$' ls "$MODULES/$FIRST/updates"

# ---- it cannot be built ----

echo 'int broken(' >>"$SOURCE/minivmx-$VERSION/module/main.c"
expect 'dkms add of what does not compile' 0 '' dkms add -m minivmx -v "$VERSION"
expect 'a kernel is installed all the same' 0 '^minivmx: Linux .* goes without' \
	"$HOOK" "$FIRST" "/boot/vmlinuz-$FIRST"
cp "$OUTPUT" "$SCRATCH/said"
expect 'DKMS says where it stands why' 0 'Consult .*/make.log' cat "$SCRATCH/said"
expect 'and it does' 0 'main\.c:[0-9:]* error: ' make_log
expect "dkms' own hook has nothing to do" 0 '' dkms autoinstall -k "$FIRST"
expect 'dkms remove' 0 '' dkms remove -m minivmx -v "$VERSION" --all

# A kernel without MMU notifiers: headers that say so.
cp "$TOP/module/main.c" "$SOURCE/minivmx-$VERSION/module/"
HEADERS=$(readlink -f "/lib/modules/$FIRST/build")
cp -r "$HEADERS" "$SCRATCH/headers"
for link in scripts tools; do
	ln -sfn "$(readlink -f "$HEADERS/$link")" "$SCRATCH/headers/$link"
done
sed -i '/ CONFIG_MMU_NOTIFIER /d' "$SCRATCH/headers/include/generated/autoconf.h"
expect 'dkms add' 0 '' dkms add -m minivmx -v "$VERSION"
expect 'a kernel without MMU notifiers' 10 'Bad return status' dkms build -m minivmx \
	-v "$VERSION" -k "$FIRST" --kernelsourcedir "$SCRATCH/headers"
expect 'why' 0 'error.*needs a kernel with CONFIG_MMU_NOTIFIER' make_log
expect 'dkms remove' 0 '' dkms remove -m minivmx -v "$VERSION" --all
expect 'leaves nothing' 0 '^$' ls "$TREE"
finish
