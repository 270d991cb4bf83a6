#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Guests find the same CPU on minivmx, on KVM, and on minivmx with KVM's VMX: programs made
# by chance, of a new seed each time, which is printed.
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

KVM=/testbed/ko/kvm-intel.ko
PROGRAMS=$(rounds 40 2000)

[ -e $KVM ] || skip_all 'there is no KVM in this machine'
cd /tmp || exit
dmesg -c >/dev/null

# check NAME PATTERN OPTION...: programs on all sides there are; nothing differs, and what
# is printed matches PATTERN.
check() {
	sides=$1 says=$2
	shift 2
	minivmx equal "$@" </dev/null >equal.out 2>&1
	ok $? "$sides: nothing differs"
	sed 's/^/# /' equal.out
	expect "$sides: the last line says so" 0 ': 0 differ$' tail -n 1 equal.out
	expect "$sides: these were compared" 0 "$says" cat equal.out
}

loaded=''
[ -e /sys/module/kvm_intel ] || expect 'without KVM there is nothing to compare' 4 \
	'kvm: /dev/kvm' minivmx equal
for module in irqbypass kvm kvm-intel; do
	[ -e "/sys/module/$(echo $module | tr - _)" ] && continue
	insmod /testbed/ko/$module.ko
	loaded="$module $loaded"
done

expect 'no number' 2 'not a number from 1 to' minivmx equal --programs 0
expect 'no argument' 2 'takes no arguments' minivmx equal cpuid
check 'beside KVM' '^minivmx is not compared: VMX is KVM.s' --programs "$PROGRAMS"
expect 'a known difference is told, with its reason' 0 'VMCALL: rax .*, on kvm ' cat equal.out
if [ -n "$loaded" ]; then
	check 'on its own' "^$PROGRAMS programs of " --own=$KVM --programs "$PROGRAMS"
	expect 'and KVM is there again' 0 '' [ -e /sys/module/kvm_intel ]
fi
minivmx equal --seed 5 --first 3 --programs 2 >first.out 2>&1
minivmx equal --seed 5 --first 3 --programs 2 >second.out 2>&1
expect 'the same seed says the same' 0 '^$' cmp first.out second.out

for module in $loaded; do
	rmmod "$(echo "$module" | tr - _)"
done
expect 'the kernel has nothing to say' 1 '^$' sh -c "dmesg | grep -E '$COMPLAINTS'"
finish
