#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# minivmx top on a terminal, and its command line, with files in the place of the module's.
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=selftests/lib/lib.sh
. lib/lib.sh

MINIVMX=$PWD/../build/bin/minivmx
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
OUTPUT=$SCRATCH/output
SHOWN=$SCRATCH/shown
STATS=$SCRATCH/sys/kernel/debug/minivmx

mkdir -p "$STATS/4711-1" "$STATS/4712-2"
{
	echo 'reason count to_user ticks worst name'
	echo '10 1234567 0 0 0 CPUID'
} >"$STATS/4711-1/vcpu0"
cp "$STATS/4711-1/vcpu0" "$STATS/4712-2/vcpu3"

# screen TERM KEY...: what it shows on a terminal of that type while these are pressed,
# without what moves the cursor; and its status.
screen() {
	term=$1
	shift
	rm -f "$SCRATCH/raw"
	# Ctrl-C is top's: a shell that waits for it would end by it, were that not said.
	keys "$@" | timeout 60 script -qec "trap : INT; stty rows 12 cols 100; TERM=$term $MINIVMX top \
		--delay 0.2 --root $SCRATCH; status=\$?; echo; echo status \$status
		stty -a | grep -o ' -\?echo '" /dev/null | tee "$SCRATCH/raw" |
		sed 's/\x1b[[(][0-9;?]*[a-zA-Z]//g' | tee "$SHOWN"
}

# Once something is shown: before, it is not top that gets them.
keys() {
	await grep -q minivmx "$SCRATCH/raw"
	for key; do
		sleep 0.3
		# shellcheck disable=SC2059 # keys are escapes
		printf "$key"
	done
	sleep 0.3
}

expect 'its first page' 0 'VMs 2, vCPUs 2, exits/s 0\.0; every 0\.2 s' screen xterm q
expect 'has the machines' 0 '4711 .* 1234567' cat "$SHOWN"
expect 'q ends it' 0 '^status 0' cat "$SHOWN"
expect 'and the terminal is as it was' 0 '^ echo ' cat "$SHOWN"
expect 'into a machine, its vCPU, and back' 0 'vcpus of VM 2' screen xterm '\033OB' '\r' '\r' '\b' q
expect 'of which it shows the reasons' 0 'easons of vCPU 3 of VM 2' cat "$SHOWN"
expect 'help' 0 'Backspace' screen xterm h q
expect 'a terminal of another type' 0 'VMs 2' screen vt100 q
expect 'of none' 0 'set TERM, or use --batch' screen nonsense q
expect 'is an error' 0 '^status 4' cat "$SHOWN"
expect 'Ctrl-C' 0 '^status 0' screen xterm '\003'
expect 'with the terminal as it was' 0 '^ echo ' cat "$SHOWN"
# The engine is beside the program, or it is not there.
mkdir "$SCRATCH/bin"
cp "$MINIVMX" "$SCRATCH/bin/"
MINIVMX=$SCRATCH/bin/minivmx
expect 'without the engine' 0 'needs the package libncurses6' screen xterm q

top() { "$MINIVMX" top --root "$SCRATCH" "$@"; }
expect 'without a terminal' 4 'no terminal: use --batch' top
expect 'a batch needs no engine' 0 '^   2    4712      1 ' top --batch --count 1 --delay 0.01
expect 'by number' 0 '^   1    4711      1 ' top --sort number --batch --count 1 --delay 0.01
expect 'vCPUs' 0 '^   2    4712      3 ' top --view vcpus --batch --count 1 --delay 0.01
expect 'JSON' 0 '^{"seconds":0\.[0-9]+,"vms":\[\{"number":1,"pid":4711,' \
	top --json --count 1 --delay 0.01
expect 'as often as asked for' 0 '^3$' \
	sh -c "$MINIVMX top --root $SCRATCH --json --count 3 --delay 0.01 | wc -l"
expect 'a reader that goes away' 4 'cannot write to stdout' \
	sh -c "$MINIVMX top --root $SCRATCH --json --delay 0.01 >/dev/full"
expect 'no such view' 2 ' --view: there is no guests' top --view guests
expect 'no such order' 2 ' --sort: there is no size' top --sort size
expect 'no delay' 2 ' --delay: not a number of seconds' top --delay 0
expect 'no tables' 2 ' --count: not a number from 1' top --count 0
expect 'arguments' 2 'takes no arguments' top web
echo x >"$STATS/4712-2/vcpu3"
expect 'a file of another kind' 4 'vcpu3 is not what this program knows' top --batch
rm -r "$STATS"
expect 'no module' 4 'load minivmx.ko' top --batch
finish
