#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The same runner on KVM: a guest with a virtio disk, and Linux with one and two CPUs; what
# KVM cannot give is refused in one line. And KVM's guests take the ways of minivmx's.
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

PC=$PWD/guest/pc.elf

[ -e /testbed/ko/kvm-intel.ko ] || skip_all 'there is no KVM in this machine'
cd /tmp || exit
truncate -s 8M disk
dmesg -c >/dev/null

# row NAME: of the table that minivmx compare has printed, N for what was measured.
row() { grep "^$1 " table | tr -s ' ' | sed 's/ [0-9.]\+%\?/ N/g'; }

# compared HOW PATTERN OPTION...: of an operation inside and of one to the program.
compared() {
	how=$1 columns=$2
	shift 2
	minivmx compare --rounds 1 cpuid out "$@" </dev/null >table 2>&1
	ok $? "compare, $how: it measures"
	sed 's/^/# /' table
	expect "compare, $how: CPUID" 0 "^cpuid $columns\$" row cpuid
	expect "compare, $how: OUT" 0 "^out $columns\$" row out
}

# On a host of its own KVM is not there yet; else it stays as it is.
loaded=''
[ -e /sys/module/kvm_intel ] || compared 'without KVM' 'N - - - - N -'
for module in irqbypass kvm kvm-intel; do
	[ -e "/sys/module/$(echo $module | tr - _)" ] && continue
	[ -n "$loaded" ] || expect 'without KVM' 4 'load KVM: modprobe kvm_intel' \
		minivmx run --backend kvm "$PC"
	insmod /testbed/ko/$module.ko
	loaded="$module $loaded"
done

expect 'check says whose VMX is' 0 '^note +owner +KVM is loaded: VMX is KVM.s' minivmx check
compared 'beside KVM' '- N - N N N N'
expect 'no operation of that name' 2 'no such operation: cpu' minivmx compare cpu
if [ -n "$loaded" ]; then
	compared 'on its own' 'N N N N N N N' --own=/testbed/ko/kvm-intel.ko
	expect 'and KVM is there again' 0 '' [ -e /sys/module/kvm_intel ]
fi
expect 'a guest of another word' 2 "not minivmx or kvm: 'qemu'" minivmx run --backend qemu "$PC"
expect 'no gdb' 2 'gdb: not with --backend kvm' minivmx run --backend kvm --gdb 0 "$PC"
expect 'no statistics' 2 'stats: not with --backend kvm' minivmx run --backend kvm --stats "$PC"

# pc COMMAND
pc() {
	minivmx run --backend kvm --mem 16M --timeout 300 --disk disk --append "$1" "$PC"
}

expect 'it writes and reads its disk' 0 'all is as it should be' pc 'disk 20'

# ---- what others ask of it ----
minivmx run --backend kvm --name slow --timeout 300 --disk disk --mem 16M \
	--append 'disk 0' "$PC" >slow.out 2>slow.err &
await grep -q '\.' slow.out
expect 'it is among the guests' 0 '"backend": *"kvm"' minivmx list --json
expect 'it has no VMCS' 4 'runs on KVM' minivmx vmcs get slow guest_rip
expect 'it is paused' 0 '' minivmx pause slow
expect 'and goes on' 0 '' minivmx resume slow
expect 'it is killed' 0 '' minivmx kill slow
wait

# ---- Linux ----
if [ -d /guests ]; then
	for dir in /guests/linux-*; do
		series=${dir#/guests/linux-}
		linux_guest "$series on KVM" --backend kvm "$dir/vmlinuz"
	done
	linux_guest 'two CPUs on KVM' --backend kvm --verbose --cpus 2 \
		--append 'console=ttyS0 end=poweroff' "$dir/vmlinuz"
	expect "two CPUs on KVM: both run" 0 'smp: Brought up 1 node, 2 CPUs' cat "$CONSOLE"
	expect "two CPUs on KVM: the clock of both" 0 'kvm-clock: Using msrs' cat "$CONSOLE"
	expect "two CPUs on KVM: interrupts by the I/O APIC" 0 'IO-APIC .*ttyS0' cat "$CONSOLE"
	expect "two CPUs on KVM: turns the power off" 0 'turned the power off' cat "$ERRORS"
else
	skip 'Linux' 'there are no guests in this machine'
fi

for module in $loaded; do
	rmmod "$(echo "$module" | tr - _)"
done
expect 'the kernel has nothing to say' 1 '^$' sh -c "dmesg | grep -E '$COMPLAINTS'"
finish
