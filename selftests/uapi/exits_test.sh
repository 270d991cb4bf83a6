#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A guest of 20 bytes makes 1,000 exits: that many are in the runner's
# statistics and in the trace.
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

IMAGE=guest/cpuid_loop.bin
TRACING=/sys/kernel/tracing
EVENT=$TRACING/events/minivmx/minivmx_exit

expect 'the guest has 20 bytes' 0 '^20 ' wc -c $IMAGE

# The count of exit reason $1 in the JSON, whatever its layout.
json_count() {
	tr -d ' \n' </tmp/stats.json | tr '{' '\n' | grep "\"name\":\"$1\"" |
		sed 's/.*"count":\([0-9]*\).*/\1/'
}

json_total() {
	tr -d ' \n' </tmp/stats.json | sed 's/.*"total":{"count":\([0-9]*\).*/\1/'
}

expect 'it runs' 0 '' minivmx run --stats-json /tmp/stats.json $IMAGE
expect 'it made 1000 CPUID exits' 0 '^1000$' json_count CPUID
expect 'and one HLT' 0 '^1$' json_count HLT
expect '--stats says so, too' 0 '^CPUID +1000 ' minivmx run --stats $IMAGE

# trace FILTER: what a run of the guest leaves in the trace.
trace() {
	echo >$TRACING/trace
	echo "$1" >$EVENT/filter
	echo 1 >$EVENT/enable
	minivmx run --stats-json /tmp/stats.json $IMAGE
	echo 0 >$EVENT/enable
	echo 0 >$EVENT/filter
	grep 'minivmx_exit:' $TRACING/trace >/tmp/trace
	wc -l </tmp/trace
}

expect 'by reason there are 1000 in the trace' 0 '^1000$' trace 'reason == 10'
expect 'each with its name' 0 '^1000$' grep -c 'reason 10 CPUID ' /tmp/trace
expect 'by name there are 1000' 0 '^1000$' trace 'name == "CPUID"'
expect 'and one HLT' 0 '^1$' trace 'reason == 12'
trace 0 >/tmp/count
expect 'the trace has all that the statistics have' 0 "^$(cat /tmp/count)\$" json_total
expect 'every CPUID at the same place' 0 '^1$' \
	sh -c "grep ' CPUID ' /tmp/trace | sed 's/.*rip \([^ ]*\).*/\1/' | sort -u | wc -l"
finish
