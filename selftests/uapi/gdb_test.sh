#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# gdb itself on guests of the runner: in real mode, in 32- and 64-bit code, and on a
# Linux guest. It is Debian's gdb-minimal, and each session is a script.
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

[ -x /usr/bin/gdb ] || skip_all 'there is no gdb in this machine'
ip link set lo up
export HOME=/tmp TERM=dumb

GUEST=guest/modes
ERRORS=/tmp/errors
SESSION=/tmp/session
PORT=0

# start OPTION...: a runner, and $PORT where it waits for gdb.
start() {
	: >$ERRORS
	minivmx run --gdb 0 --timeout 600 --debug-exit 0xf4 "$@" </dev/null >/tmp/console 2>$ERRORS &
	RUNNER=$!
	tries=300
	until PORT=$(sed -n "s/.*target remote 127.0.0.1:\([0-9]*\)'.*/\1/p" $ERRORS) &&
		[ -n "$PORT" ]; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}

# session SYMBOLS <COMMANDS: what gdb says to these commands is in $SESSION. The first
# that fails is the last; at the end gdb detaches.
session() {
	{
		echo 'set pagination off'
		echo 'set confirm off'
		echo "target remote 127.0.0.1:$PORT"
		cat
	} >/tmp/commands
	timeout 300 gdb -nx -batch -x /tmp/commands ${1:+"$1"} </dev/null >$SESSION 2>&1
	sed 's/^/# /' $SESSION
}

# says NAME PATTERN: it said so.
says() {
	expect "$1" 0 "$2" cat $SESSION
}

# ended NAME STATUS: the runner ends by itself, with that status.
ended() {
	wait $RUNNER
	status=$?
	[ $status -eq "$2" ] || sed 's/^/# /' $ERRORS
	expect "$1" 0 "^$2\$" echo $status
}

# ---- the command line ----
expect 'bad port' 2 "not a port from 0 to 65535: '65536'" minivmx run --gdb 65536 x
start $GUEST.bin
expect 'a port that is in use' 4 "cannot wait for gdb on port $PORT: Address already in use" \
	minivmx run --gdb "$PORT" $GUEST.bin

# ---- real mode ----
session $GUEST.elf32 <<'END'
printf "at %x\n", $eip
break real_2
continue
printf "count %d bx %x flags %x\n", *(short *)&real_count, $bx, $eflags & 0x100
stepi
printf "stepped to %x = %x\n", $eip, &real_3
stepi
printf "stepped to %x = %x\n", $eip, &real_4
continue
printf "count %d\n", *(short *)&real_count
delete
set var *(char *)&leave_real = 1
detach
END
says 'it waits before the first instruction' '^at 7c00$'
says 'real mode: breakpoint' '^count 1 bx 1234 flags 0$'
says 'real mode: a step over CPUID' '^stepped to ([0-9a-f]+) = \1$'
says 'real mode: the breakpoint again' '^count 2$'
says 'real mode: detach' 'detached'

# ---- 32-bit code with paging ----
session $GUEST.elf32 <<'END'
break protected_2
continue
printf "ebx %x\n", $ebx
stepi
printf "ecx %d\n", $ecx != 0x12345678
printf "count %d = %d\n", *(int *)&protected_count, *(int *)((char *)&protected_count + 0x40000000)
printf "cr0 %x\n", $cr0 >> 31
delete
watch *(int *)&protected_count
continue
set var *(char *)&leave_protected = 1
delete
x/xw 0x30000000
END
says '32 bits: breakpoint and registers' '^ebx 12345678$'
says '32 bits: memory by the page tables' '^count ([0-9]+) = \1$'
says '32 bits: memory that is not mapped' 'Cannot access memory at address 0x30000000'
says '32 bits: system registers' '^cr0 1$'
says '32 bits: watchpoint' '^Hardware watchpoint'

# ---- 64-bit code ----
session $GUEST.elf64 <<'END'
printf "r15 %lx, wait %d\n", $r15, $rip == &wait || $rip == (char *)&wait + 8
break work
set var *(char *)&leave_wait = 1
continue
continue
printf "work count %d, high %d\n", *(int *)&work_count, *(int *)((char *)&work_count + 0x40000000)
x/i work
hbreak writer
continue
printf "writer %d\n", $rip == &writer
printf "dr0 %lx int3 %d\n", *(long *)&dr0_seen, *(int *)&int3_count
delete
watch *(int *)&watched
continue
printf "watch %d\n", $rip == &written
delete
hbreak step_0
continue
delete
set $i = 0
while $i < 100
	stepi
	info symbol $rip
	set $i = $i + 1
end
printf "flags %lx\n", *(long *)&flags_seen & 0x100
set var *(char *)&leave_steps = 1
break undefined
continue
delete
stepi
info symbol $rip
stepi
stepi
info symbol $rip
set var $xmm3.uint128 = 0x1234
printf "xmm %lx\n", $xmm3.v2_int64[0]
info registers st0
detach
END
says '64 bits: stops where the guest is' '^r15 1122334455667788, wait 1$'
says '64 bits: breakpoint, twice' '^work count 1, high 1$'
says '64 bits: its INT3 is hidden' '<work>.*inc'
says '64 bits: hardware breakpoint' '^writer 1$'
says '64 bits: the guest keeps its debug registers, and its INT3' '^dr0 1234 int3 1$'
says '64 bits: watchpoint, old value' '^Old value = 0$'
says '64 bits: watchpoint, new value' '^New value = 42$'
says '64 bits: watchpoint, behind the write' '^watch 1$'
sed -n 's/^\(step_[0-9]\) in section.*/\1/p' $SESSION >/tmp/steps
i=0
while [ $i -lt 100 ]; do
	i=$((i + 1))
	echo "step_$((i % 10))"
done >/tmp/expected
expect '64 bits: 100 single steps, each where it should be' 0 '' cmp /tmp/expected /tmp/steps
says '64 bits: no step showed in RFLAGS' '^flags 0$'
says '64 bits: a step into the handler of an exception' '^ud_handler in section'
says '64 bits: and out of it' '^defined in section|^spin in section'
says '64 bits: SSE registers' '^xmm 1234$'

# ---- Ctrl-C ----
session $GUEST.elf64 <<'END'
shell (sleep 0.5; kill -INT $PPID) >/dev/null 2>&1 &
continue
printf "spin %d\n", $rip >= (char *)&spin && $rip < (char *)&spin + 10
set var *(char *)&leave_spin = 1
continue
END
says 'Ctrl-C' 'SIGINT'
says 'Ctrl-C: stops a guest that spins' '^spin 1$'
says 'gdb learns how it ended' 'exited with code 013'
ended 'and the runner ends so' 11

# ---- a Linux guest ----
# Its symbols are the host's, if that runs the same kernel at the same addresses.
kernel=$(ls /guests/linux-*/vmlinuz)
if head -c 32768 "$kernel" | strings | grep -q "^$(uname -r) "; then
	uapi/kallsyms_elf </proc/kallsyms >/tmp/vmlinux
	start --append 'console=ttyS0 nokaslr' --initrd /guests/initramfs.cpio "$kernel"
	session /tmp/vmlinux <<'END'
hbreak *start_kernel
continue
printf "start_kernel %d\n", $rip == (unsigned long)&start_kernel
delete
break *rest_init
continue
printf "rest_init %d\n", $rip == (unsigned long)&rest_init
backtrace 1
delete
stepi 10
break *vfs_read
continue
backtrace 1
delete
kill
END
	says 'Linux: hardware breakpoint at its beginning' '^start_kernel 1$'
	says 'Linux: breakpoint in a function' '^rest_init 1$'
	says 'Linux: backtrace' '^#0 .* in rest_init \('
	says 'Linux: breakpoint in a process' '^#0 .* in vfs_read \('
	ended 'Linux: killed' 0
else
	skip 'Linux: breakpoints in its functions' 'the host runs another kernel'
fi

# ---- clients that are none ----
start guest/spin.bin
expect 'garbage' 0 '' sh -c "head -c 100000 /dev/urandom | timeout 10 nc 127.0.0.1 $PORT; true"
session '' <<'END'
show architecture
x/i $eip
kill
END
says 'real mode: its architecture' 'currently "i8086"'
says 'real mode: disassembly' '=> 0x7c00:.*jmp +0x7c00'
ended 'after garbage another client may kill it' 0
expect 'and it says so' 0 'ended by gdb' cat $ERRORS

finish
