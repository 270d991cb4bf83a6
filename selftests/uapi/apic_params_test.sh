#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The tests of the local APIC, with each part that the CPU does for it turned off, and
# with one turned on that is not trusted here (module/ctls.c): they see no difference.
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

[ "$(rounds few many)" = many ] || [ "$(nproc)" -eq 1 ] ||
	skip_all 'for time, on hosts with one CPU only'

MODULE=/lib/minivmx/minivmx.ko

# retest PARAMETER [CONTROL]: on a module loaded with it, in guests without that control.
retest() {
	export APIC_WITHOUT="${2-}"
	rmmod minivmx && insmod "$MODULE" "$1" && ./vmx/apic_test && ./vmx/doors_test
}

expect_same() { expect "$1" 0 '' retest "$@"; }

expect_same tpr_shadow=0 TPR_SHADOW
expect_same x2apic=0 VIRTUALIZE_X2APIC
expect_same apic_registers=0 APIC_REGISTERS
expect_same virtual_interrupts=0 VIRTUAL_INTERRUPTS
expect_same virtual_interrupts=2
expect 'it can go' 0 '^$' rmmod minivmx
expect 'and be as it was' 0 '^$' insmod "$MODULE"
finish
