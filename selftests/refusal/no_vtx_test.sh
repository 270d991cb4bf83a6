#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A machine without VT-x: the module refuses, in one line that says why, and
# leaves nothing behind; the command says what is wrong.
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

MODULE=/lib/minivmx/minivmx.ko

if grep -qw vmx /proc/cpuinfo; then
	skip_all 'this machine has VT-x'
fi

# What the module said since it was last asked for, but that it taints.
module_log() {
	dmesg | sed -n 's/.*\] \(minivmx: \)/\1/p' | grep -v taint
}

# busybox's insmod ends with the errno: EOPNOTSUPP.
expect 'insmod fails' 95 'Operation not supported' insmod $MODULE
expect 'and the log says why' 0 'minivmx: CPU [0-9]+ has no VT-x' module_log
# It may have been tried in two ways, by two system calls.
module_log | sort -u >/tmp/lines
expect 'in one line' 0 '^1 ' wc -l /tmp/lines

for path in /dev/minivmx /sys/module/minivmx /sys/class/misc/minivmx \
	/sys/kernel/debug/minivmx /sys/kernel/tracing/events/minivmx; do
	expect "no $path is left" 1 '' test -e $path
done
expect 'it is in no list of modules' 1 '' grep -w minivmx /proc/modules

# What a failed load keeps would be in the way of the next.
for _ in 1 2 3 4 5 6 7 8 9 10; do
	insmod $MODULE 2>&1
done | sort | uniq -c >/tmp/tries
expect 'it refuses every time' 0 '^ *10 .*Operation not supported' cat /tmp/tries

expect 'minivmx check says so' 4 '^bad +vmx ' minivmx check
expect 'minivmx info says so' 4 'this CPU has no VT-x' minivmx info
expect 'minivmx run says so' 4 'this CPU has no VT-x' minivmx run guest/cpuid_loop.bin
finish
