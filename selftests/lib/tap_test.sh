#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The judge, judged: what tap.sh makes of outputs good and bad.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
RESULTS=$SCRATCH/results
FAILURES=$SCRATCH/failures
NUMBER=0 STATUS=0

count() { grep -c "^$1 " "$RESULTS" || true; }

# check NAME STATUS "PASSED FAILED SKIPPED" WORDS LINE...: of a program that
# prints these lines and ends with that status, and words in the explanation.
check() {
	local name=$1 status=$2 want=$3 words=$4 got
	shift 4
	: >"$RESULTS"
	: >"$FAILURES"
	tap_judge program "$status" < <([[ $# -eq 0 ]] || printf '%b' "$@")
	got="$(count pass) $(count fail) $(count skip)"
	NUMBER=$((NUMBER + 1))
	if [[ $got == "$want" ]] && grep -qF -- "$words" "$FAILURES" "$RESULTS"; then
		echo "ok $NUMBER $name"
	else
		sed 's/^/# /' "$RESULTS" "$FAILURES"
		echo "# passed, failed, skipped: $got, should be $want, and say: $words"
		echo "not ok $NUMBER $name"
		STATUS=1
	fi
}

echo 'TAP version 13'
check 'all pass' 0 '2 0 0' 'pass program: b' '1..2\n' 'ok 1 a\n' 'ok 2 b\n'
check 'one fails' 1 '1 1 0' 'FAILED program: b' '1..2\n' 'ok 1 - a\n' 'not ok 2 - b\n'
check 'a failure is explained' 1 '1 1 0' '    why' '1..2\n' 'why\n' 'not ok 1 a\n' 'ok 2 b\n'
check 'a skip of the harness' 0 '1 0 1' 'skip program: global.a: no KVM' \
	'1..2\n' '#  RUN           global.a ...\n' 'ok 1 # SKIP no KVM\n' 'ok 2 b\n'
check 'a skip with a name' 0 '0 0 1' 'skip program: a: no KVM' '1..1\n' 'ok 1 - a # SKIP no KVM\n'
check 'a program that skips all' 4 '0 0 1' 'skip program: no KVM' '1..0 # SKIP no KVM\n'
check 'a plan to do nothing' 0 '0 1 0' 'to do nothing' '1..0\n'
check 'the plan at the end' 0 '2 0 0' '' 'ok 1 a\n' 'ok 2 b\n' '1..2\n'
check 'no plan' 0 '2 1 0' 'prints no plan' 'ok 1 a\n' 'ok 2 b\n'
check 'no output' 0 '0 1 0' 'prints no plan'
check 'fewer than planned' 0 '2 1 0' 'planned 3 tests and reports 2' '1..3\n' 'ok 1 a\n' 'ok 2 b\n'
check 'more than planned' 0 '2 1 0' 'planned 1 tests and reports 2' '1..1\n' 'ok 1 a\n' 'ok 2 b\n'
check 'a number twice' 0 '2 1 0' 'result 1 stands where 2 should' '1..2\n' 'ok 1 a\n' 'ok 1 b\n'
check 'two plans' 0 '1 1 0' 'two plans' '1..1\n' '1..1\n' 'ok 1 a\n'
check 'fails after the last test' 1 '1 1 0' 'exit status is 1, though' '1..1\n' 'ok 1 a\n'
check 'status 0 with a failure' 0 '0 2 0' 'exit status is 0, though' '1..1\n' 'not ok 1 a\n'
check 'a crash' 139 '1 1 0' 'died of signal 11' '1..2\n' 'ok 1 a\n'
check 'a time limit' 137 '1 1 0' 'was killed' '1..1\n' 'ok 1 a\n'
check 'bail out' 1 '1 1 0' 'Bail out! no device' '1..2\n' 'ok 1 a\n' 'Bail out! no device\n'
check 'lines that end in CR LF' 0 '1 0 0' 'pass program: a' '1..1\r\n' 'ok 1 a\r\n'
check 'no newline at the end' 0 '1 0 0' 'pass program: a' '1..1\n' 'ok 1 a'
echo "1..$NUMBER"
exit "$STATUS"
