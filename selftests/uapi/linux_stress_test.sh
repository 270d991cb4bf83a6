#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A Linux guest with four CPUs whose threads wake, interrupt and move each other for some
# seconds of its time (guest/linux_stress.c), or a minute (selftests/run --long): nothing
# is lost, its kernel has no complaint, and its clock goes as the host's.
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

HOW_LONG=$(rounds 2 60)
# What a kernel says, also while it boots, of CPUs that do not answer and of clocks that it
# does not trust.
STUCK='lockup|LOCKUP|detected.* stall|blocked for more than|csd: |No irq handler|APIC error'
STUCK="$STUCK|clocksource|[Uu]nstable|TSC warp|TSC ADJUST"
# What it may say under this load: it was kept waiting itself, by its host.
KEPT_WAITING='hrtimer: interrupt took'

[ -d /guests ] || skip_all 'there are no guests in this machine'
[ "$HOW_LONG" -gt 2 ] || [ "$(nproc)" -gt 1 ] ||
	skip_all 'for time, on hosts with more than one CPU only'

# The self-tests of its cryptography would take longer than all of this.
QUICK='cryptomgr.notests initcall_blacklist=jent_mod_init'
# A CPU that is stuck ends the guest, which would not end its program else.
PANIC='softlockup_panic=1 sysctl.kernel.panic_on_rcu_stall=1 panic=-1'
# The guests' initramfs, with a program and a script of ours over what it has.
TREE=/tmp/stress-tree INITRAMFS=/tmp/stress.cpio
mkdir -p $TREE/bin
cp guest/linux_stress $TREE/bin/
cat >$TREE/script.sh <<'SCRIPT'
cat /sys/devices/system/clocksource/clocksource0/current_clocksource
# Warnings and worse: before and meanwhile.
dmesg -r | grep '^<[0-4]>'
dmesg -c >/dev/null
linux_stress "$seconds"
status=$?
dmesg -r | sed -n 's/^<[0-4]>/meanwhile: /p'
grep -E 'LOC|RES|CAL|TLB' /proc/interrupts
exit $status
SCRIPT
{
	cat /guests/initramfs.cpio
	(cd $TREE && find . | cpio -o -H newc 2>/dev/null)
} >$INITRAMFS
rm -r $TREE

for dir in /guests/linux-*; do
	series=${dir#/guests/linux-}
done
linux_guest "$series" --cpus 4 --initrd $INITRAMFS \
	--append "console=ttyS0 quiet $QUICK $PANIC seconds=$HOW_LONG" "$dir/vmlinuz"
expect "$series: four CPUs for $HOW_LONG s" 0 "stress: 4 CPUs, $HOW_LONG s" cat $CONSOLE
expect "$series: nothing is lost" 0 '^stress: passed' cat $CONSOLE
# Its own clock, that is, and not one that the host keeps for it; and known so well that
# 500 ppm would be seen.
expect "$series: its clock is the TSC" 0 '^tsc' cat $CONSOLE
expect "$series: which drifts by less than 500 ppm" 0 \
	'^stress: clock: -?[1-4]?[0-9]?[0-9]\.[0-9] ppm .* within 1?[0-9]?[0-9]\.[0-9],' cat $CONSOLE
expect "$series: its kernel misses no CPU and trusts its clock" 1 '^$' grep -aE "$STUCK" $CONSOLE
# shellcheck disable=SC2317 # expect calls it
warnings() { grep -a "^meanwhile: " "$CONSOLE" | grep -vE "$KEPT_WAITING"; }
expect "$series: its kernel warns of nothing meanwhile" 1 '^$' warnings
rm $INITRAMFS
finish
