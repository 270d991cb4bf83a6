#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# On the host of the CPUID experiment: run the guest, watch its CPUID exits by the
# tracepoint and by the record ring, and print both, in lines
#	ring TICKS RIP
#	tracepoint TICKS RIP
# Ticks are those of the time-stamp counter.
set -eu
cd /tmp

TRACING=/sys/kernel/tracing
EVENT=$TRACING/events/minivmx/minivmx_exit

[ -e $TRACING/trace ] || mount -t tracefs tracefs $TRACING
echo x86-tsc >$TRACING/trace_clock
# The basic exit reason of CPUID (the manual's appendix "VMX Basic Exit Reasons").
echo 'reason == 10' >$EVENT/filter

minivmx run --name clock --timeout 600 --initrd /guests/clock.cpio \
	/guests/linux-6.1/vmlinuz </dev/null >console 2>errors &
until grep -aq 'clock: ready' console; do
	if ! kill -0 $!; then
		cat console errors >&2
		exit 1
	fi
	sleep 0.1
done
echo 1 >$EVENT/enable
minivmx trace --records 65536 --reason CPUID clock >ring
echo 0 >$EVENT/enable

minivmx info
awk '$3 == "CPUID" { print "ring", $2, $4 }' ring
tail -n 1 ring
awk '/minivmx_exit:/ {
	for (i = 1; i < NF; i++) {
		if ($i == "minivmx_exit:")
			ticks = $(i - 1)
		if ($i == "rip")
			rip = $(i + 1)
	}
	print "tracepoint", ticks + 0, rip
}' $TRACING/trace
