#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Debian's kernels as guests: they boot to their init, run its script, and end.
# The testbed's option --guest puts them there.
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

[ -d /guests ] || skip_all 'there are no guests in this machine'

for dir in /guests/linux-*; do
	series=${dir#/guests/linux-}
	linux_guest "$series" "$dir/vmlinuz"
	expect "$series: reaches its init" 0 "minivmx-guest: init reached, kernel $series\\." cat "$CONSOLE"
	expect "$series: ends by a reset" 0 'guest asked for a reset' cat "$ERRORS"
done

# Two CPUs, found by ACPI's tables, started by the APIC; and turned off by ACPI.
linux_guest 'two CPUs' --verbose --cpus 2 --append 'console=ttyS0 end=poweroff' "$dir/vmlinuz"
expect "two CPUs: both run" 0 'smp: Brought up 1 node, 2 CPUs' cat "$CONSOLE"
expect "two CPUs: a clock it knows" 0 'kvm-clock: Using msrs 4b564d01 and 4b564d00' cat "$CONSOLE"
expect "two CPUs: interrupts by the I/O APIC" 0 'IO-APIC .*ttyS0' cat "$CONSOLE"
expect "two CPUs: each has a timer" 0 'LOC: +[1-9][0-9]* +[1-9]' cat "$CONSOLE"
expect "two CPUs: turns the power off" 0 'turned the power off' cat "$ERRORS"
finish
