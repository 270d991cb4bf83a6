#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Each VM's folder in debugfs, from its begin to its end, and minivmx top on it.
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

cd /tmp || exit
STATS=/sys/kernel/debug/minivmx

vms() { find $STATS -mindepth 1 -maxdepth 1 -type d; }
nr_vms() { vms | wc -l; }
# exits FILE: of CPUID.
exits() { sed -n 's/^10 \([0-9]*\) .* CPUID$/\1/p' "$1"; }
# The rate of CPUID exits that an object of --json has.
rate() { sed -n 's/.*"name":"CPUID","count":[0-9]*,"to_user":0,"per_second":\([0-9]*\).*/\1/p' "$1"; }

expect 'no VM, no folder' 0 '^0$' nr_vms
expect 'nor anything to show' 0 '^VMs 0, vCPUs 0, exits/s 0\.0$' minivmx top --batch --count 1 --delay 0.1

# again: xor %ax, %ax; cpuid; jmp again
printf '\061\300\017\242\353\372' >cpuid
minivmx run --name looper --cpus 2 cpuid 2>/dev/null &
runner=$!
expect 'a guest' 0 '' await minivmx vmcs get looper rip
expect 'has a folder' 0 "^$STATS/$runner-[0-9]+$" vms
folder=$(vms)
expect 'with a file for each vCPU' 0 '^vcpu0 vcpu1 $' sh -c "ls $folder | tr '\n' ' '"
expect 'for root alone' 0 '^-r-------- ' ls -l "$folder/vcpu0"
expect 'with titles' 0 '^reason count to_user ticks worst name$' head -n 1 "$folder/vcpu0"
expect 'and its exits' 0 '' await grep -q CPUID "$folder/vcpu0"
first=$(exits "$folder/vcpu0")
sleep 1
expect 'which become more' 0 '' test "$(exits "$folder/vcpu0")" -gt "$first"
expect 'that sleeps has none' 1 '^$' grep CPUID "$folder/vcpu1"

expect 'top counts VMs and vCPUs' 0 '^VMs 1, vCPUs 2, exits/s [1-9]' minivmx top --batch --count 1
expect 'it names the process and the reason' 0 " $runner +2 +[1-9].* CPUID [0-9.]+%$" \
	minivmx top --batch --count 1
expect 'a table for each vCPU' 0 " $runner +0 +[1-9].* CPUID [0-9.]+%$" \
	minivmx top --batch --count 1 --view vcpus
expect 'and for each reason' 0 '^CPUID +[1-9]' minivmx top --batch --count 1 --view reasons
expect 'a second guest' 0 '' minivmx run --detach --name second cpuid
expect 'has a folder, too' 0 '^2$' nr_vms
expect 'and a row' 0 '^VMs 2, vCPUs 3,' minivmx top --batch --count 1
minivmx top --json --count 3 --delay 0.5 >json
expect 'as many objects as asked for' 0 '^3$' grep -c '^{"seconds":.*]}$' json
expect 'with rates' 0 '' test "$(rate json | head -n 1)" -gt 0
# Something that reads JSON strictly, and misses what it wants.
head -n 1 json >first
expect 'they are JSON' 4 'first: there is no object "cpu"' minivmx caps --file first
minivmx kill second
expect 'a VM that ends takes its folder with it' 0 '' await sh -c "[ \$(find $STATS -type d | wc -l) = 2 ]"

# A file that outlives what it shows.
exec 4<"$folder/vcpu0"
kill $runner
wait $runner
expect 'so does one of which a file is open' 0 '^0$' nr_vms
expect 'that cannot be read any more' 1 'I/O error|Input/output error' sh -c 'cat <&4'
exec 4<&-

# Who looks while VMs come and go.
touch looking
while [ -e looking ]; do cat $STATS/*-*/vcpu* >/dev/null 2>&1; done &
reader=$!
minivmx top --json --delay 0.01 >many &
top=$!
round=0
while [ $round -lt "$(rounds 8 500)" ]; do
	minivmx run --cpus 2 --timeout 0.1 cpuid >/dev/null 2>&1
	round=$((round + 1))
done
kill $top
wait $top
ok $? 'top lives through it, and SIGTERM ends it'
rm looking
wait $reader
expect 'it has seen some of them' 0 '"name":"CPUID"' cat many
expect 'nothing is left' 0 '^0 0 0 0 $' sh -c "cat $STATS/vms $STATS/vcpus $STATS/pages $STATS/ept_pages | tr '\n' ' '"
expect 'no folder, either' 0 '^0$' nr_vms
expect 'without a terminal' 4 'no terminal: use --batch' minivmx top
finish
