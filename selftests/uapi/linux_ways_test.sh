#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Debian's kernels as guests with one, two and four CPUs, told to do without some of the
# machine, and with a module that does without some of the CPU. All of it takes long
# (selftests/run --long); else the first two ways stand for the others.
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

MODULE=/lib/minivmx/minivmx.ko
WAYS=$(rounds 2 1000)

[ -d /guests ] || skip_all 'there are no guests in this machine'
[ "$WAYS" -gt 2 ] || [ "$(nproc)" -eq 1 ] || skip_all 'for time, on hosts with one CPU only'

# boots CPUS PARAMETERS RUN: a guest gets to its script's end with RUN CPUs online.
boots() {
	[ "$WAYS" -gt 0 ] || return 0
	WAYS=$((WAYS - 1))
	way="$series, $1 CPUs${2:+, $2}${loaded:+, $loaded}"
	linux_guest "$way" --cpus "$1" --append "console=ttyS0 $2" "$dir/vmlinuz"
	expect "$way: $3 of them run" 0 "minivmx-guest: $3 CPUs" cat "$CONSOLE"
}

loaded=''
for dir in /guests/linux-*; do
	series=${dir#/guests/linux-}
	boots 4 nox2apic 4
	boots 2 nolapic 1
	boots 1 '' 1
	boots 2 '' 2
	boots 4 '' 4
	boots 2 nosmp 1
	boots 2 acpi=off 1
	boots 1 nolapic 1
	boots 2 'nox2apic acpi=off' 1
done
[ "$WAYS" -gt 0 ] || finish

for loaded in tpr_shadow=0 x2apic=0 apic_accesses=0 apic_registers=0 virtual_interrupts=0; do
	expect "$loaded" 0 '^$' rmmod minivmx
	expect "$loaded" 0 '^$' insmod $MODULE "$loaded"
	boots 2 '' 2
	boots 4 nox2apic 4
done
expect 'as it was' 0 '^$' rmmod minivmx
expect 'as it was' 0 '^$' insmod $MODULE
finish
