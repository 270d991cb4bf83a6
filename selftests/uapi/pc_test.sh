#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A small guest with a disk: it is killed at random moments, again and again, and leaves
# neither a kernel warning nor a locked disk nor anything of the module's; and beside one
# that writes nonsense everywhere it is never disturbed. guest/pc.c is the guest.
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

PC=$PWD/guest/pc.elf
KILLS=$(rounds 20 200)
cd /tmp || exit
truncate -s 8M disk other

# pc NAME DISK COMMAND: run it; what it prints is in NAME.out.
pc() {
	minivmx run --mem 16M --timeout 300 --disk "$2" --append "$3" "$PC" \
		</dev/null >"$1.out" 2>"$1.err"
}

# says NAME PATTERN: the console of NAME.
says() { grep -qE "$2" "$1.out"; }

expect 'it writes and reads its disk' 0 '' pc one disk 'disk 20'
expect 'and says so' 0 'all is as it should be' cat one.out
expect 'no two of them have one disk' 4 'in use by another VM' sh -c "
	minivmx run --timeout 300 --disk disk --append 'disk 0' $PC >/dev/null 2>&1 &
	sleep 3
	minivmx run --disk disk --append 'disk 1' $PC
	status=\$?
	kill -9 \$!
	exit \$status"

# ---- kills ----
dmesg -c >/dev/null
i=0 started=0
while [ $i -lt "$KILLS" ]; do
	pc kill disk 'disk 0' &
	runner=$!
	# From before its first instruction to the middle of its writes.
	usleep $((i * 7919 % 60 * 20000))
	# shellcheck disable=SC2046 # there may be several
	kill -9 $(pidof minivmx) 2>/dev/null
	wait $runner 2>/dev/null
	! says kill '\.' || started=$((started + 1))
	i=$((i + 1))
done
echo "# of $KILLS that were killed $started had written"
expect 'some of them were in the middle of it' 0 '' [ $started -gt 0 ]
expect 'the disk is free again' 0 '' pc after disk 'disk 2'
expect 'the module holds nothing any more' 1 '^$' \
	sh -c 'cat /sys/kernel/debug/minivmx/* | grep -v "^0$"'
expect 'the kernel has nothing to say' 1 '^$' sh -c "dmesg | grep -E '$COMPLAINTS'"

# ---- a bad neighbour ----
pc check other 'check 40' &
check=$!
await says check '\.'
scribbles=0
while kill -0 $check 2>/dev/null && [ $scribbles -lt 30 ]; do
	pc scribble disk scribble
	scribbles=$((scribbles + 1))
	says scribble msrs || break
done
echo "# beside $scribbles that scribbled; the last: $(cat scribble.err)"
tr -d '\000' <scribble.out | sed 's/^/# /'
echo
expect 'it got to the end of its nonsense' 0 msrs cat scribble.out
wait $check
expect 'its neighbour was not disturbed' 0 'all is as it should be' cat check.out
expect 'nor was the kernel' 1 '^$' sh -c "dmesg | grep -E '$COMPLAINTS'"
finish
