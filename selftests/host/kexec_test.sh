#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Another kernel by kexec while guests run. It brings up its second CPU with an
# INIT, which a CPU in VMX operation ignores.
# MACHINE: --cpus 2 --mem 768 --guest 6.1 --timeout 400
# MODES: own borrow
# ENDS: kernel
# shellcheck source=selftests/host/end.sh
. ./host/end.sh

start_guests
make_next host/kexec_test.sh <<'END'
	expect 'the next kernel has both CPUs' 0 '^0-1$' cat /sys/devices/system/cpu/online
	expect 'which have VT-x' 0 '^2$' grep -c '^flags.* vmx ' /proc/cpuinfo
END
expect 'the next kernel is loaded' 0 '^$' \
	./host/next_kernel load /guests/linux-6.1/vmlinuz /tmp/next.cpio "$(cat /proc/cmdline)"
sleep 1 # for the last words to get out
./host/next_kernel go
ok 1 'the next kernel is started'
finish
