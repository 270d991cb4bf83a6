#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# CPUs that lack something: the module's parameter absent= makes it ignore
# capability bits. What is required is named and refused, without what is
# optional guests run. Also if it is one CPU alone. What kernel is there is no matter.
# MACHINE: --cpus 2
# KERNELS: 6.1
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

MODULE=/lib/minivmx/minivmx.ko
MARK='capabilities_test: from here'

# What the module says since it was last tried.
module_log() {
	dmesg | sed -n "/$MARK/h; /$MARK/!H; \${x; p}" | sed -n 's/.*\] \(minivmx: \)/\1/p'
}

# bit N: that bit of an MSR, in hex; the shell counts in 64 bits.
bit() { printf '0x%x' $((1 << $1)); }

# load PARAMETER...: a try.
load() {
	echo "<6>$MARK" >/dev/kmsg
	insmod "$MODULE" "$@"
}

# refused NAME MSR:BITS STATUS WORDS: without those bits, it does not load.
refused() {
	expect "without $1: refused" "$3" '' load "absent=$2"
	expect "without $1: named" 0 "$4" module_log
	expect "without $1: nothing is left" 1 '' test -e /dev/minivmx
	[ ! -d /sys/module/minivmx ] || rmmod minivmx
}

# To load a module takes an emulated machine seconds. So several bits are absent
# at once, each of which has to be named; one at a time with many rounds.
AT_ONCE=$(rounds 8 1)
absent='' nr=0
: >/tmp/words

# lacks MSR:BITS WORDS: one more.
lacks() {
	absent=$absent${absent:+,}$1
	nr=$((nr + 1))
	echo "$2" >>/tmp/words
	[ "$nr" -lt "$AT_ONCE" ] || refuse_these
}

refuse_these() {
	[ "$nr" -gt 0 ] || return
	expect "absent=$absent: refused" 95 '' load "absent=$absent"
	# Once: to read the log takes long as well.
	module_log >/tmp/module_log
	while read -r words; do
		expect "it $words" 0 "$words" cat /tmp/module_log
	done </tmp/words
	expect "absent=$absent: nothing is left" 1 '' test -e /dev/minivmx
	[ ! -d /sys/module/minivmx ] || rmmod minivmx
	absent='' nr=0
	: >/tmp/words
}

# The controls of an MSR, as the module calls them: some have a name in two words.
word_of() {
	case $1 in
	0x48d) echo pin-based ;;
	0x48e) echo primary processor-based ;;
	0x48b) echo secondary processor-based ;;
	0x48f) echo VM-exit ;;
	0x490) echo VM-entry ;;
	esac
}

# The bit of a control that may be 1 is in the upper half of its MSR.
required() { lacks "$1:$(bit $((32 + $2)))" "lacks the $(word_of "$1") control \"$3\""; }
required_ept() { lacks "0x48c:$(bit "$1")" "lacks \"$2\""; }

# optional MSR:BITS: without them a guest runs all the same.
optional() {
	absent=$absent${absent:+,}$1
	nr=$((nr + 1))
	[ "$nr" -lt "$AT_ONCE" ] || do_without_these
}

do_without_these() {
	[ "$nr" -gt 0 ] || return
	expect "absent=$absent: it loads" 0 '^$' load "absent=$absent"
	expect "absent=$absent: a guest runs" 0 '' minivmx run guest/cpuid_loop.bin
	expect "absent=$absent: it unloads" 0 '^$' rmmod minivmx
	absent='' nr=0
}

optional_control() { optional "$1:$(bit $((32 + $2)))"; }

rmmod minivmx

# The manual's "Definitions of Pin-Based VM-Execution Controls" and so on.
required 0x48d 0 'external-interrupt exiting'
required 0x48d 3 'NMI exiting'
required 0x48d 5 'virtual NMIs'

required 0x48e 2 'interrupt-window exiting'
required 0x48e 3 'use TSC offsetting'
required 0x48e 7 'HLT exiting'
required 0x48e 10 'MWAIT exiting'
required 0x48e 11 'RDPMC exiting'
required 0x48e 19 'CR8-load exiting'
required 0x48e 20 'CR8-store exiting'
required 0x48e 22 'NMI-window exiting'
required 0x48e 23 'MOV-DR exiting'
required 0x48e 24 'unconditional I/O exiting'
required 0x48e 28 'use MSR bitmaps'
required 0x48e 29 'MONITOR exiting'
required 0x48e 31 'activate secondary controls'

required 0x48b 1 'enable EPT'
required 0x48b 5 'enable VPID'
required 0x48b 6 'WBINVD exiting'
required 0x48b 7 'unrestricted guest'

required 0x48f 2 'save debug controls'
required 0x48f 9 'host address-space size'
required 0x48f 18 'save IA32_PAT'
required 0x48f 19 'load IA32_PAT'
required 0x48f 20 'save IA32_EFER'
required 0x48f 21 'load IA32_EFER'

required 0x490 2 'load debug controls'
required 0x490 9 'IA-32e mode guest'
required 0x490 14 'load IA32_PAT'
required 0x490 15 'load IA32_EFER'

# IA32_VMX_EPT_VPID_CAP.
required_ept 6 'EPT page walk of 4 levels'
required_ept 14 'write-back EPT paging structures'
# Two bits of each, of which it names neither.
required_ept 20 'single-context INVEPT'
required_ept 32 'single-context INVVPID'
refuse_these
required_ept 25 'single-context INVEPT'
required_ept 41 'single-context INVVPID'
refuse_these

optional_control 0x48d 6	# VMX-preemption timer
optional_control 0x48b 3	# RDTSCP
optional_control 0x48b 12	# INVPCID
optional_control 0x48b 15	# ENCLS exiting
optional_control 0x48b 17	# PML
optional_control 0x48f 12	# PERF_GLOBAL_CTRL, exit
optional_control 0x490 13	# PERF_GLOBAL_CTRL, entry
optional "0x48c:$(bit 0)"	# execute-only pages
optional "0x48c:$(bit 16)"	# 2M pages
optional "0x48c:$(bit 17)"	# 1G pages
optional "0x48c:$(bit 21)"	# accessed and dirty bits
do_without_these

# IA32_VMX_BASIC: memory type 0 instead of 6, and what has a bit.
refused 'write-back VMCS regions' 0x480:0x3c000000000000 95 'VMCS regions in uncached memory'
refused 'INS and OUTS information' "0x480:$(bit 54)" 95 'does not report INS and OUTS'
refused 'controls that can be cleared' "0x480:$(bit 55)" 95 'cannot clear .* "CR3-load exiting"'
# IA32_FEATURE_CONTROL: the firmware has locked VMX out.
refused 'VMX outside SMX' 0x3a:0x4 13 'VT-x is off'
expect 'a parameter that is none' 22 '' load absent=nonsense

# ---- one CPU unlike the others ----

# Bits that CPU 1 lacks.
EPT=0x48b:$(bit 33)@1
TIMER=0x48d:$(bit 38)@1

# no_vm_with BITS WORDS: it loads on CPU 0, and then there are no VMs.
no_vm_with() {
	expect "CPU 1 without $1: it loads" 0 '' taskset -c 0 insmod $MODULE "absent=$1"
	echo "<6>$MARK" >/dev/kmsg
	expect "CPU 1 without $1: no VM" 4 '' minivmx run guest/cpuid_loop.bin
	expect "CPU 1 without $1: named" 0 "$2" module_log
	expect "CPU 1 without $1: and again" 4 '' minivmx run guest/cpuid_loop.bin
	rmmod minivmx
}

# moved_to_cpu_1 PID: that runner, which writes to /tmp/spin, until it ends.
moved_to_cpu_1() {
	for task in /proc/"$1"/task/*; do
		taskset -pc 1 "${task##*/}" >/dev/null
	done
	wait "$1"
	status=$?
	cat /tmp/spin
	return "$status"
}

# late_with BITS WORDS: it comes online when there is a VM, which goes on.
late_with() {
	echo 0 >/sys/devices/system/cpu/cpu1/online
	expect "CPU 1 late, without $1: it loads" 0 '' insmod $MODULE "absent=$1"
	taskset -c 0 minivmx run guest/spin.bin >/tmp/spin 2>&1 </dev/null &
	while [ "$(cat /sys/kernel/debug/minivmx/vms)" -eq 0 ]; do
		sleep 0.1
	done
	echo "<6>$MARK" >/dev/kmsg
	expect "CPU 1 late, without $1: it comes" 0 '' \
		sh -c 'echo 1 >/sys/devices/system/cpu/cpu1/online && grep -qx 0-1 /sys/devices/system/cpu/online'
	expect "CPU 1 late, without $1: named" 0 "$2" module_log
	sleep 1
	expect "CPU 1 late, without $1: the guest goes on" 0 '^1$' \
		cat /sys/kernel/debug/minivmx/vms
	expect "CPU 1 late, without $1: on CPU 0 others run, too" 0 '' \
		taskset -c 0 minivmx run guest/cpuid_loop.bin
	expect "CPU 1 late, without $1: on CPU 1 none starts" 4 'No such device.*taskset' \
		taskset -c 1 minivmx run guest/cpuid_loop.bin
	expect "CPU 1 late, without $1: nor goes on" 6 'No such device.*taskset' moved_to_cpu_1 $!
	rmmod minivmx
}

no_vm_with "$EPT" 'CPU 1 lacks the .* control "enable EPT"'
no_vm_with "$TIMER" 'CPU 1 has other VMX capabilities'
late_with "$EPT" 'CPU 1 lacks the .* control "enable EPT"'
late_with "$TIMER" 'CPU 1 has other VMX capabilities'

# What is not used may differ; and what is told is what the module goes by.
AD=0x48c:$(bit 21)
SIPI=0x485:$(bit 8)@1
expect 'CPU 1 without activity states: it loads' 0 '' taskset -c 0 insmod $MODULE "absent=$AD,$SIPI"
expect 'CPU 1 without activity states: guests run there' 0 '' \
	taskset -c 1 minivmx run guest/cpuid_loop.bin
expect 'caps: without what is absent' 0 'accessed and dirty flags for EPT +no$' minivmx caps
expect 'caps: of the CPU that loaded it' 0 'activity state wait-for-SIPI +yes$' \
	taskset -c 1 minivmx caps
rmmod minivmx

insmod $MODULE
expect 'with all of it again' 0 '' minivmx run guest/cpuid_loop.bin
finish
