#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# minivmx explain: VMCSs in files, good, broken, and not VMCSs at all.
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=selftests/lib/lib.sh
. lib/lib.sh

MINIVMX=../build/bin/minivmx
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
OUTPUT=$SCRATCH/output

# Real mode on an unrestricted guest, without paging.
cat >"$SCRATCH/valid" <<'END'
{
  "cpu": {
    "physical_address_bits": 40,
    "vmx_msrs": {
      "0x480": "0x00d810000000002b", "0x481": "0x0000007f00000016",
      "0x482": "0xf7f9fffe0401e172", "0x483": "0x007fffff00036dff",
      "0x484": "0x0000ffff000011ff", "0x485": "0x600401e0",
      "0x486": "0x80000021", "0x487": "0xffffffff",
      "0x488": "0x2000", "0x489": "0x3727ff",
      "0x48a": "0x34", "0x48b": "0x02177fff00000000", "0x48c": "0x00000f0106334141",
      "0x48d": "0x0000007f00000016", "0x48e": "0xf7f9fffe04006172",
      "0x48f": "0x007fffff00036dfb", "0x490": "0x0000ffff000011fb", "0x491": 1
    }
  },
  "fields": {
    "PIN_BASED_CONTROLS": "0x3f", "CPU_BASED_CONTROLS": "0x84006172",
    "SECONDARY_CONTROLS": "0xa2", "VM_EXIT_CONTROLS": "0x236fff",
    "VM_ENTRY_CONTROLS": "0x91ff", "VPID": 1, "EPT_POINTER": "0x105e",
    "CR3_TARGET_COUNT": 0, "VM_EXIT_MSR_STORE_COUNT": 0, "VM_EXIT_MSR_LOAD_COUNT": 0,
    "VM_ENTRY_MSR_LOAD_COUNT": 0, "VM_ENTRY_INTR_INFO": 0,
    "VMCS_LINK_POINTER": "0xffffffffffffffff",
    "GUEST_CR0": "0x30", "GUEST_CR3": 0, "GUEST_CR4": "0x2000", "GUEST_IA32_EFER": 0,
    "GUEST_IA32_DEBUGCTL": 0, "GUEST_DR7": "0x400", "GUEST_RIP": "0xfff0",
    "GUEST_RFLAGS": 2, "GUEST_SYSENTER_ESP": 0, "GUEST_SYSENTER_EIP": 0,
    "GUEST_CS_SELECTOR": "0xf000", "GUEST_CS_BASE": "0xffff0000",
    "GUEST_CS_LIMIT": "0xffff", "GUEST_CS_ACCESS": "0x9b",
    "GUEST_SS_SELECTOR": 0, "GUEST_SS_BASE": 0, "GUEST_SS_LIMIT": "0xffff", "GUEST_SS_ACCESS": "0x93",
    "GUEST_DS_SELECTOR": 0, "GUEST_DS_BASE": 0, "GUEST_DS_LIMIT": "0xffff", "GUEST_DS_ACCESS": "0x93",
    "GUEST_ES_SELECTOR": 0, "GUEST_ES_BASE": 0, "GUEST_ES_LIMIT": "0xffff", "GUEST_ES_ACCESS": "0x93",
    "GUEST_FS_SELECTOR": 0, "GUEST_FS_BASE": 0, "GUEST_FS_LIMIT": "0xffff", "GUEST_FS_ACCESS": "0x93",
    "GUEST_GS_SELECTOR": 0, "GUEST_GS_BASE": 0, "GUEST_GS_LIMIT": "0xffff", "GUEST_GS_ACCESS": "0x93",
    "GUEST_LDTR_SELECTOR": 0, "GUEST_LDTR_BASE": 0, "GUEST_LDTR_LIMIT": "0xffff", "GUEST_LDTR_ACCESS": "0x82",
    "GUEST_TR_SELECTOR": 0, "GUEST_TR_BASE": 0, "GUEST_TR_LIMIT": "0xffff", "GUEST_TR_ACCESS": "0x8b",
    "GUEST_GDTR_BASE": 0, "GUEST_GDTR_LIMIT": "0xffff",
    "GUEST_IDTR_BASE": 0, "GUEST_IDTR_LIMIT": "0xffff",
    "GUEST_ACTIVITY": 0, "GUEST_INTERRUPTIBILITY": 0, "GUEST_PENDING_DEBUG": 0
  }
}
END

explain() { $MINIVMX explain "$@"; }

# with EDIT: that VMCS after a sed script, and what explain says of it.
with() {
	sed "$1" "$SCRATCH/valid" >"$SCRATCH/edited"
	shift
	explain "$@" "$SCRATCH/edited"
}

# Host state, which needs a privilege to see, is not in it.
expect 'a valid VMCS' 0 'No rule is broken\.$' explain "$SCRATCH/valid"
expect 'what is not there is counted' 0 '^[0-9]+ rules were not judged' explain "$SCRATCH/valid"

BROKEN='s/"GUEST_CR0": "0x30"/"GUEST_CR0": "0x80000010"/; s/"VPID": 1/"VPID": 0/; s/0x3f/0x39/'
expect 'a broken one' 6 '^VM entry fails: 4 rules are broken' with "$BROKEN"
expect 'the field and its value' 6 '^GUEST_CR0 \(0x6800\) is 0x80000010$' with "$BROKEN"
expect 'the rule' 6 '^  rule +PAGING_NEEDS_PROTECTION$' with "$BROKEN"
expect 'what is legal' 6 '^  legal +1 in PE where PG is 1$' with "$BROKEN"
expect 'a wrong bit' 6 '^  bit 5 +must be 1$' with "$BROKEN"
expect 'a wrong bit with a name' 6 '^  bit 24 +"unconditional I/O exiting" must be 0$' \
	with 's/0xf7f9fffe04006172/0xf6f9fffe04006172/; s/0x84006172/0x85006172/'
expect 'where the manual says so' 6 '^  manual +VM-Execution Control Fields$' with "$BROKEN"
expect 'how the CPU tells' 6 '^  ends with +VM exit with reason 33' with "$BROKEN"
expect 'as JSON' 6 '"field":"VPID"' with "$BROKEN" --json
expect 'a valid one as JSON' 0 '"broken":\[' with '' --json
expect 'from a pipe' 0 'No rule is broken' sh -c "cat $SCRATCH/valid | $MINIVMX explain /dev/stdin"

expect 'no such file' 4 'minivmx: .*/none: .*No such file' explain "$SCRATCH/none"
expect 'a folder' 4 'is a directory' explain "$SCRATCH"
expect 'not JSON' 4 'not a JSON object \(.* at byte 0\)' with 's/^{$/}/'
expect 'not all of it' 4 'not a JSON object' with 's/^}$//'
expect 'something behind it' 4 'not a JSON object' with 's/^}$/} 1/'
expect 'nothing' 4 'not a JSON object' with d
expect 'an array' 4 'not a JSON object' with '1s/.*/[]/; 1!d'
expect 'no CPU' 4 'no object "cpu"' with 's/"cpu"/"CPU"/'
expect 'no fields' 4 'no object "fields"' with 's/"fields"/"FIELDS"/'
expect 'no MSRs' 4 'no object "vmx_msrs"' with 's/vmx_msrs/msrs/'
expect 'a field that is none' 4 'no VMCS field is called GUEST_CRO' with 's/GUEST_CR0/GUEST_CRO/'
expect 'an MSR that is none' 4 '0x480 to 0x493: 0x494' with 's/"0x491"/"0x494"/'
expect 'a value that is no number' 4 'GUEST_CR0: not a number.*: paging' with 's/"0x30"/"paging"/'
expect 'a negative value' 4 'GUEST_CR0: not a number.*: -1' with 's/"0x30"/-1/'
expect 'a value with a sign' 4 'GUEST_CR0: not a number.*: -1' with 's/"0x30"/"-1"/'
expect 'a fraction' 4 'GUEST_CR0: not a number' with 's/"0x30"/1.5/'
expect 'an octal one is decimal' 6 '^GUEST_CR0 \(0x6800\) is 0xa$' with 's/"0x30"/"010"/'
expect 'an empty value' 4 'GUEST_CR0: not a number' with 's/"0x30"/""/'
expect 'a value over 64 bits' 4 'GUEST_CR0: not a number' with 's/"0x30"/"0x10000000000000000"/'
expect 'no value' 4 'GUEST_CR0: not a number.*: null' with 's/"0x30"/null/'
expect 'too wide an address' 4 'physical_address_bits: not a number from 0 to 0x34: 53' with 's/: 40,/: 53,/'
expect 'too narrow an address' 4 'physical_address_bits: not a width.*: 31' with 's/: 40,/: 31,/'
expect 'a flag that is none' 4 'rtm: neither true nor false' with 's/: 40,/: 40, "rtm": 1,/'
expect 'a name of neither a file nor a runner' 4 "there is no runner 'nobody-is-called-so'" \
	explain nobody-is-called-so
expect 'a vCPU that is none' 4 "not a number of a vCPU, 0 to 63: '64'" explain nobody-is-called-so:64
expect 'a name that no runner has' 4 'no.such: cannot open' explain no.such
expect 'two of them' 2 'explain takes one VMCS' explain "$SCRATCH/valid" "$SCRATCH/valid"
expect 'an option that is none' 2 'explain --help' explain --frobnicate "$SCRATCH/valid"
finish
