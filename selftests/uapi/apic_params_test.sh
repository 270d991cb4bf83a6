#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The tests of the local APIC, with each part that the CPU does for it turned off, and
# with one turned on that is not trusted here (module/ctls.c): they see no difference.
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

MODULE=/lib/minivmx/minivmx.ko

# expect_same PARAMETER CONTROL: the module is loaded with it, and a guest is without
# that control.
expect_same() {
	expect "$1" 0 '' env APIC_WITHOUT="$2" sh -c '
		rmmod minivmx && insmod '$MODULE' "$1" &&
		./vmx/apic_test && ./vmx/doors_test' sh "$1"
}

expect_same tpr_shadow=0 TPR_SHADOW
expect_same x2apic=0 VIRTUALIZE_X2APIC
expect_same apic_registers=0 APIC_REGISTERS
expect_same virtual_interrupts=0 VIRTUAL_INTERRUPTS
expect_same virtual_interrupts=2 ''
expect 'as it was' 0 '^$' sh -c "rmmod minivmx && insmod $MODULE"
finish
