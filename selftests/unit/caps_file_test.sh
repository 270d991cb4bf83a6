#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# minivmx caps: capabilities from files, good ones and others.
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=selftests/lib/lib.sh
. lib/lib.sh

MINIVMX=../build/bin/minivmx
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
OUTPUT=$SCRATCH/output

# A dump for minivmx explain does as well; "fields" are not looked at.
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
  "fields": { "GUEST_CR0": "0x30" }
}
END

caps() { $MINIVMX caps "$@"; }

# with EDIT: that file after a sed script, and what caps says of it.
with() {
	sed "$1" "$SCRATCH/valid" >"$SCRATCH/edited"
	shift
	caps --file "$SCRATCH/edited" "$@"
}

expect 'a file' 0 '^IA32_VMX_BASIC \(0x480\)  0x00d810000000002b$' with ''
expect 'a control that is used' 0 '^  3  0 1     set      NMI exiting  +NMIs are' with ''
expect 'a default' 0 '^ +linear addresses +48 bits$' with ''
expect 'an MSR that is not there' 0 '^IA32_VMX_EXIT_CTLS2 \(0x493\)  not on this CPU$' with ''
expect 'as JSON' 0 '"use":"dynamic"' with '' --json
expect 'from a pipe' 0 'NMI exiting' sh -c "cat $SCRATCH/valid | $MINIVMX caps --file /dev/stdin"
NO_HLT_EXITING=s/0xf7f9fffe04006172/0xf7f9ff7e04006172/
expect 'another value' 0 '^  7  0 -     unfit    HLT exiting ' with "$NO_HLT_EXITING"
expect 'which counts' 0 'does not load on this CPU: 1 unfit\.$' with "$NO_HLT_EXITING"
expect 'a CPU of nothing' 0 'does not load on this CPU: [0-9]+ unfit' with '/"0x48/d; s/^.*"0x49.*"0x491".*$//'

# What is saved comes back.
caps --file "$SCRATCH/valid" --json >"$SCRATCH/saved"
expect 'saved again' 0 '' sh -c "$MINIVMX caps --file $SCRATCH/saved --json | cmp - $SCRATCH/saved"

expect 'no such file' 4 'minivmx: .*/none: .*No such file' caps --file "$SCRATCH/none"
expect 'not JSON' 4 'edited: not a JSON object' with 's/^{$/}/'
expect 'no CPU' 4 'edited: there is no object "cpu"' with 's/"cpu"/"CPU"/'
expect 'no MSRs' 4 'no object "vmx_msrs"' with 's/vmx_msrs/msrs/'
expect 'an MSR that is none' 4 '0x480 to 0x493: 0x47f' with 's/"0x480"/"0x47f"/'
expect 'a value that is no number' 4 '0x491: not a number.*: true' with 's/"0x491": 1/"0x491": true/'
expect 'a flag that is none' 4 'perf_global: neither true nor false' \
	with 's/: 40,/: 40, "perf_global": 1,/'
expect 'no file named' 2 'minivmx caps --help' caps --file
expect 'an argument' 2 'caps takes no arguments' caps "$SCRATCH/valid"
expect 'an option that is none' 2 'minivmx caps --help' caps --frobnicate
expect 'help' 0 '^Examples:$' caps --help

# Without the module it says what info says.
if [ -e /dev/minivmx ]; then
	skip 'without the module' 'it is here'
else
	$MINIVMX info >"$SCRATCH/info" 2>&1
	expect 'without the module' 4 '^minivmx: ' caps
	expect 'it says what info says' 0 '' sh -c "$MINIVMX caps 2>&1 | cmp - $SCRATCH/info"
fi
finish
