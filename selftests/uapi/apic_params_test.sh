#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The tests of the local APIC, with each part that the CPU does for it turned off, and
# with one turned on that is not trusted here (module/ctls.c): they see no difference.
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

[ "$(rounds few many)" = many ] || [ "$(nproc)" -eq 1 ] ||
	skip_all 'for time, on hosts with one CPU only'

MODULE=/lib/minivmx/minivmx.ko

# retest PARAMETER VARIABLE=CONTROL: on a module loaded with it, in guests without that
# control (APIC_WITHOUT) or with it (APIC_WITH). A timer of the host is no control.
retest() {
	export "${2?}"
	rmmod minivmx && insmod "$MODULE" "$1" && ./vmx/apic_test && ./vmx/doors_test
}

expect_same() { expect "$1" 0 '' retest "$@"; }

expect_same tpr_shadow=0 APIC_WITHOUT=TPR_SHADOW
expect_same x2apic=0 APIC_WITHOUT=VIRTUALIZE_X2APIC
expect_same apic_accesses=0 APIC_WITHOUT=VIRTUALIZE_APIC
expect_same apic_registers=0 APIC_WITHOUT=APIC_REGISTERS
expect_same virtual_interrupts=0 APIC_WITHOUT=VIRTUAL_INTERRUPTS
expect_same virtual_interrupts=7 APIC_WITHOUT=VIRTUAL_INTERRUPTS
unset APIC_WITHOUT
expect_same apic_timer=0 TIMER=HOST
expect_same virtual_interrupts=2 APIC_WITH=VIRTUAL_INTERRUPTS
expect 'it can go' 0 '^$' rmmod minivmx
expect 'and be as it was' 0 '^$' insmod "$MODULE"
finish
