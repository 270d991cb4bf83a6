# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
# The end of a host whose CPUs run guests: what its tests have in common.
# Sourced by them, in the folder above. Whether minivmx owns VMX or borrows it
# from KVM is the boot's choice (# MODES: in the test).
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

PROBE=/sys/kernel/debug/probe
NEXT=/tmp/next

# Guests that spin, and one that exits all the time, on both CPUs.
start_guests() {
	expect 'there are two CPUs' 0 '^2$' nproc
	expect 'the probe is there' 0 '^$' insmod ./probe.ko
	taskset -c 0 minivmx run guest/spin.bin >/tmp/guest0 2>&1 </dev/null &
	taskset -c 1 minivmx run guest/spin.bin >/tmp/guest1 2>&1 </dev/null &
	minivmx run guest/io_loop.bin >/tmp/guest2 2>&1 </dev/null &
	# Until each has memory, and some time to run.
	while [ "$(cat /sys/kernel/debug/minivmx/vcpus)" -lt 3 ]; do
		sleep 0.1
	done
	sleep 1
	expect 'three guests run' 0 '^3$' cat /sys/kernel/debug/minivmx/vms
	expect 'VMX is on on both CPUs' 1 '^$' grep -v ' 1$' $PROBE/vmxe
	if [ -d /sys/module/kvm_intel ]; then
		expect 'they borrow it' 0 'borrowing it' cat /tmp/guest0
	else
		expect 'minivmx has it' 0 'VMX .*taken by minivmx' minivmx info
	fi
}

# The initramfs of the kernel that comes next. Its init is the script on stdin,
# after a beginning that makes it speak for this test: its output goes on where
# this one's ends, behind the result of loading it, and it reports to testbed/run in
# the place of machine/init.
make_next() {
	mkdir -p $NEXT/bin $NEXT/testbed $NEXT/proc $NEXT/dev $NEXT/tmp $NEXT/sys
	cp /bin/busybox $NEXT/bin/
	cp /testbed/channel $NEXT/testbed/
	cp lib.sh $NEXT/
	{
		cat <<-END
			#!/bin/busybox sh
			/bin/busybox --install -s /bin
			export PATH=/bin
			mount -t proc proc /proc
			mount -t sysfs sysfs /sys
			mount -t devtmpfs dev /dev
			. /lib.sh
			NUMBER=$((NUMBER + 1)) BAD=$BAD
			main() {
		END
		cat
		cat <<-END
			finish
			}
			(main) >/tmp/says 2>&1
			status=\$?
			{ cat /tmp/says; echo; echo "== end $1 \$status"; } | /testbed/channel 1
			echo "exit \$status" | /testbed/channel 2
			dmesg | sed 's/^/log /' | /testbed/channel 2
			sleep 1
			poweroff -f
		END
	} >$NEXT/init
	chmod +x $NEXT/init
	(cd $NEXT && find . | cpio -o -H newc 2>/dev/null) >/tmp/next.cpio
}
