#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The udev rule: whose /dev/minivmx is. udev applies it to another device of the kernel's
# class "misc", by whose name it is told here, with a /dev, /etc and /run of the test's own.
cd "$(dirname "$0")/.." || exit 1
if [[ ${1-} != inside && $EUID -eq 0 ]]; then
	exec unshare --mount "./unit/${0##*/}" inside
fi
# shellcheck source=selftests/lib/lib.sh
. lib/lib.sh

[[ $EUID -eq 0 ]] || skip_all 'only root may make a device node'
command -v udevadm >/dev/null || skip_all 'udev is not installed: make setup'
DEVICE=$(find /sys/class/misc -mindepth 1 -printf '%f\n' -quit 2>/dev/null)
[[ -n $DEVICE ]] || skip_all 'this kernel has no device of the class misc'

SCRATCH=$(mktemp -d)
trap 'cd / && umount -l /dev && rm -rf "$SCRATCH"' EXIT
OUTPUT=$SCRATCH/output
mkdir -p "$SCRATCH"/{dev,etc}
cp -a /dev/null "$SCRATCH/dev/"
cp -a /etc/passwd /etc/group /etc/nsswitch.conf "$SCRATCH/etc/"
sed -i '/^minivmx:/d' "$SCRATCH/etc/group"
mount --bind "$SCRATCH/dev" /dev
mount --bind "$SCRATCH/etc" /etc
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /usr/lib/udev/rules.d
sed "s/\"minivmx\", GOTO/\"$DEVICE\", GOTO/" ../packaging/60-minivmx.rules \
	>/usr/lib/udev/rules.d/60-minivmx.rules

# is NAME WANTED [DEVICE]: mode, owner and group, after udev has seen the device.
is() {
	local device=${3:-$DEVICE} number
	number=$(<"/sys/class/misc/$device/dev")
	rm -f "/dev/$device"
	mknod -m 666 "/dev/$device" c "${number%:*}" "${number#*:}"
	udevadm test --action=add "/sys/class/misc/$device" >"$SCRATCH/said" 2>&1
	expect "$1" 0 "^$2\$" stat -c '%a %u %g' "/dev/$device"
	sed 's/^/# /' "$SCRATCH/said"
}

is "root's alone, whatever it was" '600 0 0'
# Of the file itself, lines that do not begin with the device.
expect 'with no complaint of udev' 1 '^$' grep '^/.*60-minivmx\.rules:' "$SCRATCH/said"
echo 'minivmx:x:4321:' >>/etc/group
is 'a group of that name opens it to nobody' '600 0 0'
mkdir /etc/minivmx
touch /etc/minivmx/group-access
is 'an administrator opens it to that group' '660 0 4321'
sed -i '/^minivmx:/d' /etc/group
is 'which there must be' '600 0 0'
other=$(find /sys/class/misc -mindepth 1 ! -name "$DEVICE" -printf '%f\n' -quit)
[[ -z $other ]] || is 'no other device is touched' '666 0 0' "$other"
finish
