#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# minivmx vmcs and minivmx trace where there is no guest: fields by name, dumps
# compared, and mistakes on the command line.
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=selftests/lib/lib.sh
. lib/lib.sh

MINIVMX=../build/bin/minivmx
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
OUTPUT=$SCRATCH/output
# Another than root has no runners there, either.
XDG_RUNTIME_DIR=$SCRATCH
export XDG_RUNTIME_DIR

vmcs() { $MINIVMX vmcs "$@"; }
trace() { $MINIVMX trace "$@"; }

# dump NAME [EDIT]: a dump, after a sed script.
dump() {
	sed "${2-}" >"$SCRATCH/$1" <<-'END'
		{
		  "cpu": { "vmx_msrs": { "0x480": "0x00d810000000002b" } },
		  "fields": {
		    "CPU_BASED_CONTROLS": "0x84006172", "GUEST_CR0": "0x30",
		    "GUEST_CS_ACCESS": "0x9b", "GUEST_RIP": "0xfff0"
		  }
		}
	END
}

# ---- list ----
FIELDS=$(grep -c '^FIELD(' ../module/fields.def)
expect 'all fields' 0 "^$((FIELDS + 1))$" sh -c "$MINIVMX vmcs list | wc -l"
expect 'the first' 0 '^0x0000    16-bit   control           minivmx.s own  +VPID ' vmcs list vpid
expect 'one of them' 0 \
	'^0x6800    natural  guest             free  +GUEST_CR0  +guest CR0$' vmcs list guest_cr0
expect 'a control word' 0 \
	'^0x4002    32-bit   control           some controls are free  +CPU_BASED_CONTROLS ' \
	vmcs list cpu_based
expect 'by a pattern' 0 '^3$' sh -c "$MINIVMX vmcs list 'guest_[cd]s_base' | wc -l"
expect 'by two' 0 '^3$' sh -c "$MINIVMX vmcs list guest_cs_base 0x6800 | wc -l"
expect 'no such field' 2 "no VMCS field matches 'frobnicator'" vmcs list cr0 frobnicator
expect 'no colours in a file' 1 '^$' sh -c "TERM=xterm $MINIVMX vmcs list | grep '\[1m'"

# ---- diff ----
dump a
dump b
dump c 's/"0x30"/"0x80000031"/; s/0x84006172/0x84007172/; s/"0x9b"/"0x10000"/'
dump d '/"GUEST_CS/d; s/"GUEST_CR0": "0x30",/"GUEST_CR0": 48/'
expect 'the same' 0 '^$' vmcs diff "$SCRATCH/a" "$SCRATCH/b"
expect 'different' 1 '^GUEST_CR0 \(0x6800\)$' vmcs diff "$SCRATCH/a" "$SCRATCH/c"
expect 'what was' 1 '^  - 0x0000000000000030  ET, NE$' vmcs diff "$SCRATCH/a" "$SCRATCH/c"
expect 'what is' 1 '^  \+ 0x0000000080000031  PE, ET, NE, PG$' vmcs diff "$SCRATCH/a" "$SCRATCH/c"
expect 'bits that became 1' 1 '^    became 1: PE, PG$' vmcs diff "$SCRATCH/a" "$SCRATCH/c"
expect 'bits that became 0' 1 '^    became 0: PE, PG$' vmcs diff "$SCRATCH/c" "$SCRATCH/a"
expect 'a control' 1 '^    became 1: "RDTSC exiting"$' vmcs diff "$SCRATCH/a" "$SCRATCH/c"
expect 'one that is missing' 1 '^  \+ not there$' vmcs diff "$SCRATCH/a" "$SCRATCH/d"
expect 'one alone' 2 'diff takes two VMCSs' vmcs diff "$SCRATCH/a"
expect 'no such file' 4 'none: cannot open' vmcs diff "$SCRATCH/a" "$SCRATCH/none"
expect 'no such runner' 4 "there is no runner 'nobody-is-called-so'" \
	vmcs diff nobody-is-called-so:1 "$SCRATCH/a"
expect 'not a dump' 4 'not a JSON object' vmcs diff "$SCRATCH/a" Makefile

# ---- without a guest ----
expect 'show' 4 'there is no runner: minivmx run starts one' vmcs show
expect 'show of fields' 4 'there is no runner: ' vmcs show cr0 '*_cs_*' 0x6820
expect 'show of a runner' 4 "there is no runner 'nobody-is-called-so'" \
	vmcs show nobody-is-called-so cr0
expect 'show of what may be meant as a pattern' 4 "in the first place write '\*cpu_based\*'" \
	vmcs show cpu_based
expect 'get' 4 'there is no runner: ' vmcs get cr0
expect 'get of a runner' 4 "there is no runner '999999'" vmcs get 999999 cr0
expect 'set' 4 'there is no runner: ' vmcs set cr0=1
expect 'set of a runner' 4 "there is no runner 'nobody-is-called-so'" \
	vmcs set nobody-is-called-so 'cr0+=PE' --vcpu 0
expect 'dump' 4 'there is no runner' vmcs dump
expect 'trace' 4 'there is no runner' trace
expect 'trace of a runner' 4 "there is no runner 'nobody-is-called-so'" \
	trace nobody-is-called-so --count 3

# ---- the command line ----
expect 'vmcs help' 0 '^usage: minivmx vmcs list' vmcs --help
expect 'the same of a subcommand' 0 '^usage: minivmx vmcs list' vmcs set --help
expect 'no subcommand' 2 'see minivmx vmcs --help' vmcs
expect 'another subcommand' 2 'no such subcommand: fly' vmcs fly
expect 'an option of another subcommand' 2 'get has no such option' vmcs get --json cr0
expect 'an option of none' 2 'minivmx vmcs show: unrecognized option' vmcs show --fly
expect 'get of nothing' 2 'which FIELD to get' vmcs get
expect 'get of a runner and nothing' 2 'which FIELD to get' vmcs get nobody-is-called-so
expect 'get of no field' 2 "no VMCS field is called 'crx'" vmcs get cr0 crx
expect 'set of nothing' 2 'which FIELD=VALUE to set' vmcs set
expect 'set of no value' 2 'not FIELD=VALUE' vmcs set cr0=1 cr4
expect 'set of no bit' 2 "neither a number nor the name of a bit there: 'PAE'" vmcs set cr0+=PAE
expect 'show of no field' 2 "no VMCS field matches 'y\*'" vmcs show 'y*'
expect 'no such vCPU' 2 "not a number of a vCPU, 0 to 63: '64'" vmcs show --vcpu 64
expect 'dump of two' 2 'dump takes one RUNNER' vmcs dump nobody-is-called-so cr0
expect 'trace help' 0 '^usage: minivmx trace' trace --help
expect 'trace of two' 2 'trace takes one RUNNER' trace a b
expect 'no such reason' 2 "neither a basic exit reason nor its number: 'CPUIDS'" \
	trace --reason HLT,CPUIDS
expect 'no count' 2 "not a number from 1 on: '0'" trace --count 0
expect 'not a power of two' 2 "not a power of two from 64 to 65536: '100'" trace --records 100
expect 'too many records' 2 'not a power of two' trace --records 131072
expect 'no such vCPU to trace' 2 "not a number of a vCPU, 0 to 63: 'x'" trace --vcpu x
finish
