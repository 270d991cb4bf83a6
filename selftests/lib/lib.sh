# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
# Tests in shell, on the testbed's machine (busybox): what they have in common.
# Output is TAP, the plan at its end.

NUMBER=0 BAD=0

# rounds FEW MANY: how often to repeat what has to go well every time; many
# with SELFTEST_ROUNDS=full in the environment (selftests/run --long).
rounds() {
	if [ "${SELFTEST_ROUNDS-}" = full ]; then
		echo "$2"
	else
		echo "$1"
	fi
}

# What a Linux guest says only if something is wrong.
COMPLAINTS='BUG: |WARNING: (CPU|.* at )|Oops: |unchecked MSR|general protection|Call Trace'

# ok WHETHER NAME: a result; WHETHER is an exit status.
ok() {
	NUMBER=$((NUMBER + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $NUMBER $2"
	else
		BAD=$((BAD + 1))
		echo "not ok $NUMBER $2"
	fi
}

# await COMMAND...: until it succeeds, but not for ever.
await() {
	tries=200
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.1
	done
}

# expect NAME STATUS PATTERN COMMAND...: COMMAND ends with that status and
# prints, to either output, a line that matches the extended expression (nothing
# is asked of the output if that is empty, no output if it is ^$).
# $OUTPUT has what it printed.
OUTPUT=/tmp/output
expect() {
	name=$1 want=$2 pattern=$3
	shift 3
	"$@" </dev/null >$OUTPUT 2>&1
	status=$?
	if [ $status -ne "$want" ]; then
		echo "# exit status $status, not $want, of: $*"
	elif [ "$pattern" = '^$' ] && [ -s $OUTPUT ]; then
		echo "# there should be no output of: $*"
	elif [ -n "$pattern" ] && [ "$pattern" != '^$' ] && ! grep -qE "$pattern" $OUTPUT; then
		echo "# nothing printed matches $pattern"
	else
		ok 0 "$name"
		return
	fi
	tail -n 20 $OUTPUT | awk '{ print "# " $0 }'	# ends the last line, too
	ok 1 "$name"
}

# linux_guest NAME ARGUMENT...: minivmx run with the guests' initramfs, up to the end of
# its script. $CONSOLE has what the guest printed, $ERRORS what the runner said.
CONSOLE=/tmp/console ERRORS=/tmp/errors
linux_guest() {
	guest=$1
	shift
	minivmx run --timeout 900 --initrd /guests/initramfs.cpio "$@" \
		</dev/null >$CONSOLE 2>$ERRORS
	status=$?
	sed 's/^/# /' $CONSOLE $ERRORS
	expect "$guest: exit status 0" 0 '^0$' echo $status
	expect "$guest: its script passes" 0 'minivmx-guest: script done, status 0' cat $CONSOLE
	expect "$guest: complains of nothing" 1 '^$' grep -aE "$COMPLAINTS" $CONSOLE
}

skip() {
	NUMBER=$((NUMBER + 1))
	echo "ok $NUMBER $1 # SKIP $2"
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 4
}

# The last command of a test.
finish() {
	echo "1..$NUMBER"
	[ $BAD -eq 0 ]
	exit
}
