#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A panic while guests run: the crash kernel comes up, which with a CPU in VMX
# operation it would not, because that CPU may not write the new CR4.
# MACHINE: --cpus 2 --mem 768 --guest 6.1 --append crashkernel=192M --expect-panic --timeout 400
# MODES: own borrow
# ENDS: kernel
# shellcheck source=selftests/host/end.sh
. ./host/end.sh

start_guests
make_next host/panic_test.sh <<'END'
	expect 'the crash kernel reaches its init' 0 ' crash-kernel$' cat /proc/cmdline
END
expect 'the crash kernel is loaded' 0 '^$' \
	./host/next_kernel crash /guests/linux-6.1/vmlinuz /tmp/next.cpio \
	"$(sed 's/crashkernel=[^ ]*//' /proc/cmdline) nr_cpus=1 crash-kernel"
sleep 1 # for the last words to get out
echo c >/proc/sysrq-trigger
ok 1 'the host panics'
finish
