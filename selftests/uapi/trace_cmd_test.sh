#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# minivmx trace on guests that run.
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

cd /tmp || exit
GUESTS=/usr/lib/minivmx/selftests/guest

trace() { minivmx trace "$@"; }

# The status of a trace of which somebody reads the first line alone.
read_one_line() {
	{ minivmx trace; echo $? >status; } | head -n 1
	return "$(cat status)"
}

# again: xor %ax, %ax; cpuid; jmp again
printf '\061\300\017\242\353\372' >cpuid
taskset 1 minivmx run --name looper cpuid 2>/dev/null &
runner=$!
expect 'a guest to trace' 0 '' await minivmx vmcs get looper rip
expect 'trace' 0 '^   0 +0  [A-Z_]+ +0x7c0[0-9a-f]  at once +[0-9]+' trace --count 200
trace --count 200 >two_hundred
expect 'as many records as asked for' 0 '^200$' grep -c '^   0 .*0x7c0' two_hundred
expect 'the table' 0 '^total +200 100\.00%' trace --count 200 --quiet looper
expect 'reasons' 0 '^CPUID +200 100\.00%' trace --count 200 --reason cpuid $runner
# On the guest's CPU, or it might be fast enough to lose nothing.
expect 'a smaller ring: the last was turned off' 0 'records lost: they are not in this table' \
	taskset 1 minivmx trace --count 1000 --records 64 --quiet
expect 'no such vCPU' 4 'there is no vCPU 1' trace --vcpu 1
expect 'no such directory' 4 '/nowhere/x: cannot write' trace --chrome /nowhere/x
expect 'a file that is full' 4 '/dev/full: not all of it could be written' \
	trace --count 10 --quiet --chrome /dev/full
expect 'a reader that goes away' 4 'cannot write to stdout: Broken pipe' read_one_line
expect 'events' 0 '' trace --count 100 --quiet --chrome events.json
# Something that reads JSON strictly, and misses what it wants.
expect 'they are JSON' 4 'events.json: there is no object "cpu"' minivmx caps --file events.json
expect 'an exit' 0 '"name":"CPUID","ph":"X","pid":[0-9]+,"tid":0,"cat":"exit","ts":[0-9.]+,"dur":[0-9.]+,' \
	cat events.json
expect 'as many as records' 0 '^100$' grep -c '"cat":"exit"' events.json
expect 'the guest' 0 '"name":"guest","ph":"X"' cat events.json
minivmx trace --quiet >first &
tracer=$!
expect 'while somebody traces' 0 '' await sh -c 'minivmx trace --records 64 --count 1; [ $? = 4 ]'
expect 'a ring of another size is refused' 4 'a ring of another size' trace --records 64 --count 1
expect 'but the same can be read' 0 '^total +50 ' trace --count 50 --quiet
kill $tracer
wait $tracer
ok $? 'SIGTERM ends a trace'
expect 'with its table' 0 '^total +[0-9]+ 100.00%' cat first
kill $runner
wait $runner

# All exits of a guest from its first CPUID on, once by each of two who count.
mkfifo keys
exec 3<>keys
minivmx run --name keyed --stats-json stats.json "$GUESTS/cpuid_on_key.bin" <keys 2>/dev/null &
runner=$!
expect 'a guest that waits for a key' 0 '' await minivmx vmcs get keyed rip
minivmx trace --records 65536 keyed >all 2>&1 &
tracer=$!
expect 'it is traced' 0 '' await grep -q IO_INSTRUCTION all
echo >&3
wait $runner
ok $? 'it ends'
wait $tracer
ok $? 'and with it the trace'
exec 3<&-
expect 'no record is lost' 0 '^0 records lost$' tail -n 1 all
expect 'all CPUIDs were traced' 0 '^CPUID +1000 ' cat all
expect 'one by one' 0 '^1000$' grep -c '^   0 .*  CPUID ' all
expect 'as --stats counts them' 0 '"count":1000,"to_user":0,[^}]*"name":"CPUID"' \
	sh -c 'tr -d " \n" <stats.json'
expect 'and the one HLT' 0 '^HLT +1 +[0-9.]+% +1 ' cat all
expect 'the last record waits for ever' 0 '^   0 .*  HLT .*  user +-$' cat all
expect 'no ring and no guest is left' 0 '^$' minivmx list
finish
