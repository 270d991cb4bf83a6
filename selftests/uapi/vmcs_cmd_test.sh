#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# minivmx vmcs and minivmx explain on guests that run.
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

cd /tmp || exit
GUESTS=/usr/lib/minivmx/selftests/guest

# On the first CPU: the others of Bochs 2.7 have fields that this one has not.
vmcs() { taskset 1 minivmx vmcs "$@"; }

# ---- vmcs ----
minivmx run --name spinner "$GUESTS/spin.bin" 2>errors &
runner=$!
expect 'a guest to look at' 0 '' await vmcs get rip

expect 'show' 0 '^PIN_BASED_CONTROLS +0x4000  0x000000[0-9a-f]+ +external-interrupt exiting, NMI exiting' \
	vmcs show
expect 'show of a register' 0 '^GUEST_CR0 +0x6800  0x00000000[0-9a-f]{8}  (PE, )?.*ET' \
	vmcs show spinner cr0
expect 'show of segments' 0 '^GUEST_CS_ACCESS +0x4816  0x[0-9a-f]{8} +(code readable|data writable) accessed, P' \
	vmcs show $runner '*_cs_*'
expect 'the activity' 0 '^GUEST_ACTIVITY .* active$' vmcs show activity
expect 'the host is shown to root' 0 '^HOST_CR0 .* PE, .*WP.*, PG$' vmcs show host_cr0
vmcs show >shown
expect 'what is not here is not shown' 1 '^$' grep 'not here' shown
expect 'but with --all' 0 '^GUEST_SSP .*  not here$' vmcs show --all
expect 'as JSON' 0 '"name":"GUEST_CR0"' vmcs show --json
expect 'get' 0 '^0x7c0[0-9a-f]$' vmcs get rip
expect 'get of two' 0 '^0x0$' vmcs get spinner --vcpu 0 GUEST_ACTIVITY 0x6820
expect 'a vCPU that is not there' 4 'there is no vCPU 1' vmcs get --vcpu 1 rip
expect 'a field that is none' 6 '^minivmx: 0x6801: the manual has no such field$' vmcs get 0x6801
expect 'a field that is not here' 6 '^minivmx: GUEST_SSP: this CPU does not have it$' vmcs get ssp

vmcs dump >before
expect 'set' 0 '^$' vmcs set tsc_offset=0x123456 'cpu_based_controls+=RDTSC exiting'
expect 'it is set' 0 '^0x123456$' vmcs get tsc_offset
expect 'the bit, too' 0 'RDTSC exiting' vmcs show cpu_based_controls
expect 'diff' 1 '^    became 1: "RDTSC exiting"$' vmcs diff before spinner
expect 'diff has the other field, too' 1 '^  \+ 0x0000000000123456$' vmcs diff before spinner:0
expect 'a bit less' 0 '^$' vmcs set spinner 'cpu_based_controls-=rdtsc exiting'
expect 'and it is gone' 1 '^$' sh -c 'minivmx vmcs show cpu_based_controls | grep RDTSC'
vmcs dump >after
expect 'nothing but the other field is different' 1 '^TSC_OFFSET' vmcs diff before after
expect 'a dump is like itself' 0 '^$' vmcs diff after after

expect 'a bit that is refused' 6 \
	'^minivmx: CPU_BASED_CONTROLS: minivmx.s own: has to stay 1: "HLT exiting"$' \
	vmcs set 'cpu_based_controls-=HLT exiting'
expect 'exceptions that are refused' 6 \
	'^minivmx: EXCEPTION_BITMAP: minivmx.s own: has to stay 1: #DB, #AC, #MC$' \
	vmcs set exception_bitmap=0
expect 'a field that is refused' 6 \
	'^minivmx: VPID: it is not for programs to write: minivmx.s own$' vmcs set vpid=77
expect 'the host is refused' 6 \
	'^minivmx: HOST_RIP: it is not for programs to write: the host.s$' vmcs set host_rip=0
expect 'exit information is refused' 6 '^minivmx: EXIT_REASON: read-only' vmcs set exit_reason=1
expect 'too wide' 6 '^minivmx: GUEST_CS_SELECTOR: 0x10000 is too wide for a 16-bit field$' \
	vmcs set cs_selector=0x10000
expect 'not here' 6 '^minivmx: GUEST_SSP: this CPU does not have it$' vmcs set ssp=0
expect 'no field' 6 '^minivmx: 0x6801: the manual has no such field$' vmcs set 0x6801=0
expect 'one is refused' 6 '^minivmx: no field was changed$' vmcs set tsc_offset=0 vpid=77
expect 'and no other is changed' 0 '^0x123456$' vmcs get tsc_offset
expect 'it runs on' 0 spinner minivmx list

# ---- explain ----
expect 'explain a guest that runs' 0 '^No rule is broken\.$' minivmx explain
expect 'by its name' 0 '^No rule is broken\.$' minivmx explain spinner:0
expect 'explain a dump' 0 '^No rule is broken\.$' minivmx explain after
# bit 1 of RFLAGS has to be 1
sed 's/"GUEST_RFLAGS": *"0x[0-9a-f]*"/"GUEST_RFLAGS": "0x0"/' after >broken
expect 'explain one that is broken' 6 '^GUEST_RFLAGS \(0x6820\) is 0$' minivmx explain broken
expect 'break the guest' 0 '' vmcs set rflags-=2
wait $runner
ok $(($? != 6)) 'its entry fails'
expect 'the runner says so' 0 '^minivmx: VM entry failed: the CPU refused the guest' cat errors
expect 'which field' 0 '^GUEST_RFLAGS \(0x6820\) is 0x?[0-9a-f]*$' cat errors
expect 'which rule' 0 '^  rule        RFLAGS_RESERVED$' cat errors
expect 'it is the only one' 0 '^VM entry fails: 1 rule is broken\.$' cat errors
finish
