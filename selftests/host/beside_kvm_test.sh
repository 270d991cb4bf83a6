#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Guests of minivmx and of KVM, at once and on the same CPUs: Debian's kernel
# boots under QEMU and under the runner, again and again.
# MACHINE: --cpus 2 --mem 768 --append mitigations=off --qemu --guest 6.1
# MODES: borrow
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

BOOTS=$(rounds 2 20)
KERNEL=/guests/linux-6.1/vmlinuz
INITRD=/guests/initramfs.cpio
# What takes an emulated guest long and is not looked at.
APPEND='console=ttyS0 quiet mitigations=off noxsave cryptomgr.notests initcall_blacklist=jent_mod_init'
TRACING=/sys/kernel/tracing

# on_cpus CPUS COMMAND...: there alone, if it is not empty.
on_cpus() {
	cpus=$1
	shift
	if [ -n "$cpus" ]; then
		taskset -c "$cpus" "$@"
	else
		"$@"
	fi
}

boot_kvm() {
	on_cpus "$1" qemu-system-x86_64 -accel kvm -cpu host -machine pc -m 128 -nodefaults \
		-display none -no-reboot -serial stdio \
		-kernel $KERNEL -initrd $INITRD -append "$APPEND" </dev/null >/tmp/kvm 2>&1
	echo $? >/tmp/kvm.status
}

boot_minivmx() {
	on_cpus "$1" minivmx run --mem 128M --timeout 900 --initrd $INITRD --append "$APPEND" \
		$KERNEL </dev/null >/tmp/minivmx 2>/tmp/minivmx.errors
	echo $? >/tmp/minivmx.status
}

# ---- VM exits, counted by each hypervisor's own tracepoint ----

count_exits_of() {
	mkdir $TRACING/instances/"$1"
	echo 16 >$TRACING/instances/"$1"/buffer_size_kb
	echo 1 >$TRACING/instances/"$1"/events/"$2"/enable
}

# exits WHO CPU: how many there were until now; on all CPUs if that is *.
exits() {
	# shellcheck disable=SC2086 # a pattern
	cat $TRACING/instances/"$1"/per_cpu/cpu$2/stats |
		awk '/^(entries|overrun):/ { n += $2 } END { print n }'
}

# overlap CPU: while a boot of each runs, in how many quarters of a second did
# both have exits?
overlap() {
	while [ ! -e /tmp/minivmx.status ] && [ ! -e /tmp/kvm.status ]; do
		echo "$(exits kvm "$1") $(exits minivmx "$1")"
		sleep 0.25
	done | awk '
		NR > 1 && $1 > kvm && $2 > minivmx { both++ }
		{ kvm = $1; minivmx = $2 }
		END { print both + 0 }'
}

# ---- what a boot must have done ----

# judge WHO WHICH: of the output /tmp/WHO.
judge() {
	expect "$2 $1: exit status 0" 0 '^0$' cat /tmp/"$1".status
	expect "$2 $1: reaches its init" 0 'minivmx-guest: init reached, kernel 6\.1\.' cat /tmp/"$1"
	expect "$2 $1: its script passes" 0 'minivmx-guest: script done, status 0' cat /tmp/"$1"
	expect "$2 $1: complains of nothing" 1 '^$' grep -aE "$COMPLAINTS" /tmp/"$1"
}

count_exits_of kvm kvm/kvm_exit
count_exits_of minivmx minivmx/minivmx_exit
boot=1
while [ "$boot" -le "$BOOTS" ]; do
	rm -f /tmp/kvm.status /tmp/minivmx.status
	# Every second time on one CPU, where they have to take turns.
	if [ $((boot % 2)) -eq 1 ]; then
		cpus=1 which="boot $boot, on CPU 1,"
	else
		cpus='' which="boot $boot"
	fi
	boot_kvm "$cpus" &
	boot_minivmx "$cpus" &
	overlap "${cpus:-*}" >/tmp/overlap
	expect "$which both run at the same time" 0 '^[1-9][0-9]+$' cat /tmp/overlap
	echo "# quarters of a second in which both had exits: $(cat /tmp/overlap)"
	wait
	judge kvm "$which"
	judge minivmx "$which"
	expect "$which it was borrowed" 0 "VMX is KVM's: borrowing it" cat /tmp/minivmx.errors
	boot=$((boot + 1))
done
expect 'afterwards VMX is not borrowed' 1 '^$' sh -c 'minivmx info | grep "VMX .*borrowed"'
expect 'and KVM can be unloaded' 0 '^$' rmmod kvm_intel
finish
