#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# How `minivmx run` ends, and what it says: each exit status, each refusal; what
# `minivmx caps` says.
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

cd /tmp || exit
SELFTESTS=/usr/lib/minivmx/selftests

# image NAME BYTES: a flat image in printf's octal.
image() {
	# shellcheck disable=SC2059 # the bytes are the format
	printf "$2" >"$1"
}

# ---- the command line ----
expect 'help' 0 'usage: minivmx run' minivmx run --help
expect 'no command' 2 'usage: minivmx COMMAND' minivmx
expect 'unknown command' 2 'no such command: fly' minivmx fly
expect 'no image' 2 'no IMAGE was given' minivmx run
expect 'unknown option' 2 'see minivmx run --help' minivmx run --fly x
expect 'bad memory' 2 'not a size' minivmx run --mem lots x
expect 'bad port' 2 'not a port' minivmx run --debug-exit 70000 x
expect 'bad time' 2 'not a number of seconds' minivmx run --timeout -1 x

# ---- files ----
mkdir -p dir
: >empty
printf '#!/bin/sh\necho hello\n' >script
expect 'missing file' 4 'nowhere: cannot open: No such file' minivmx run nowhere
expect 'directory' 4 'is a directory' minivmx run --kernel dir
expect 'folder that is no machine' 4 'dir: a folder without minivmx.ini' minivmx run dir
expect 'empty file' 4 'the file is empty' minivmx run empty
expect 'not a kernel' 4 'not a kernel: this is a script' minivmx run script
expect 'missing initrd' 4 'nowhere: cannot open' \
	minivmx run --initrd nowhere $SELFTESTS/guest/spin.bin
kernel=$(ls /guests/linux-*/vmlinuz 2>/dev/null)
if [ -n "$kernel" ]; then
	head -c 1000000 "$kernel" >beginning
	head -c 400 "$kernel" >stump
	expect 'truncated bzImage' 4 'truncated bzImage: it has 1000000 bytes' minivmx run beginning
	expect 'stump of a bzImage' 4 'cut-off bzImage' minivmx run stump
	expect 'too large for the memory' 4 'too large for the memory of 16M' \
		minivmx run --mem 16M "$kernel"
	rm -f beginning stump
else
	skip 'truncated bzImage' 'no kernel here'
	skip 'stump of a bzImage' 'no kernel here'
	skip 'too large for the memory' 'no kernel here'
fi

# ---- ends ----
image halt '\372\364'				# cli; hlt
expect 'halt' 0 '' minivmx run halt
expect 'halt, in words' 0 'guest halted' minivmx run --verbose halt
image exit21 '\260\025\346\364\364'		# mov $21, %al; out %al, $0xf4; hlt
expect 'debug-exit value' 43 '' minivmx run --debug-exit 0xf4 exit21
image exit0 '\260\000\346\364\364'
expect 'debug-exit value 0' 1 '' minivmx run --debug-exit 0xf4 exit0
image exit255 '\260\377\346\364\364'
expect 'debug-exit value 255' 255 '' minivmx run --debug-exit 0xf4 exit255
image reset '\260\376\346\144\364'		# mov $0xfe, %al; out %al, $0x64
expect 'reset' 0 '' minivmx run reset
# lidt 0x7c08; int3; hlt: the table behind it is empty
image triple '\017\001\036\010\174\314\364\220\000\000\000\000\000\000'
expect 'triple fault' 8 'the guest ended in a triple fault' minivmx run triple
expect 'timeout' 124 'timeout after 0.5 s' minivmx run --timeout 0.5 $SELFTESTS/guest/spin.bin
expect 'timeout of a guest that exits' 124 'timeout after 0.5 s' \
	minivmx run --timeout 0.5 $SELFTESTS/guest/io_loop.bin
# sti; hlt; jmp: waits for what never comes
image waits '\373\364\353\375'
expect 'timeout of a guest that waits' 124 'timeout after 0.5 s' minivmx run --timeout 0.5 waits

# mov $0x3f8, %dx; "hi" and a newline: mov $x, %al; out %al, %dx; cli; hlt
image hello '\272\370\003\260\150\356\260\151\356\260\012\356\372\364'
expect 'its serial port is stdout' 0 '^hi$' minivmx run hello
expect 'and nothing else is' 0 '^3 ' sh -c 'minivmx run hello 2>/dev/null >out; wc -c out'

# ended_by SIGNAL: a runner that gets it.
ended_by() {
	minivmx run "$SELFTESTS/guest/spin.bin" &
	sleep 0.5
	kill "-$1" $!
	wait $!
}
expect 'SIGTERM' 143 'ended by Terminated' ended_by TERM
expect 'SIGHUP' 129 'ended by Hangup' ended_by HUP
expect 'SIGKILL' 137 '' ended_by KILL

# ---- the control socket ----
SPIN=$SELFTESTS/guest/spin.bin

# list_has EXPRESSION: a line of the JSON matches it.
list_has() {
	minivmx list --json | grep -qE "$1"
}

# sockets: their names.
sockets() {
	ls -A /run/minivmx
}

expect 'list help' 0 'usage: minivmx list' minivmx list --help
expect 'bad name' 2 "or only digits: '17'" minivmx run --name 17 halt
expect 'nothing runs' 0 '^$' minivmx list
minivmx run --name spinner --mem 16M "$SPIN" 2>/dev/null &
runner=$!
expect 'list shows a guest that runs' 0 '' await list_has '"name": *"spinner"'
expect 'list has one line for it' 0 "^ *$runner spinner +1 +16M +0:0[0-9]:[0-9][0-9] running $SPIN\$" \
	minivmx list
expect 'list --json has its PID' 0 '' list_has "\"pid\": *$runner,"
expect 'and its image' 0 '' list_has '"image": *".*spin.bin"'
expect 'and that it runs' 0 '' list_has '"state": *"running"'
expect 'its socket is of mode 0600' 0 '^srw------- ' ls -l /run/minivmx/spinner.sock
expect 'in a directory of mode 0700' 0 '^drwx------ .* minivmx$' ls -l /run
expect 'its name is taken' 4 "the name 'spinner' is in use" minivmx run --name spinner halt
minivmx run "$SPIN" 2>/dev/null &
second=$!
expect 'a second one is called by its PID' 0 '' await test -S "/run/minivmx/$second.sock"
expect 'and is listed, too' 0 '' await list_has "\"pid\": *$second,"
kill $second
wait $second
expect 'after SIGTERM its socket is gone' 0 '^$' test ! -e "/run/minivmx/$second.sock"
expect 'the first is still listed' 0 '' list_has '"name": *"spinner"'
kill -INT $runner
wait $runner
expect 'after SIGINT its socket is gone, too' 0 '^$' sockets
minivmx run --timeout 0.5 "$SPIN" 2>/dev/null
expect 'one that ends by itself leaves no socket' 0 '^$' sockets
minivmx run --name killed "$SPIN" &
runner=$!
expect 'list shows one to be killed' 0 '' await list_has '"name": *"killed"'
kill -KILL $runner
wait $runner
expect 'SIGKILL leaves its socket' 0 '^killed.sock$' sockets
expect 'but it is not listed' 0 '^$' minivmx list
expect 'the next one runs' 0 '' minivmx run halt
expect 'and removes it' 0 '^$' sockets
chmod 755 /run/minivmx
expect 'without the directory it runs all the same' 0 '' minivmx run halt
expect 'and says so if asked' 0 'no control socket: /run/minivmx is not this user' \
	minivmx run --verbose halt
expect 'list refuses it' 4 '/run/minivmx is not this user.s, or not of mode 0700' minivmx list
chmod 700 /run/minivmx

# ---- what it tells ----
# control NAME USE: what caps says that minivmx does with it.
control() { expect "$1: $2" 0 "^ +[0-9]+  . .     $2 +$1  +[a-zA-Z]" cat caps.txt; }

expect 'caps' 0 '^IA32_VMX_BASIC \(0x480\)  0x[0-9a-f]{16}$' minivmx caps
minivmx caps >caps.txt
control 'NMI exiting' set
control 'HLT exiting' set
control 'enable EPT' set
control 'CR3-load exiting' clear
control 'interrupt-window exiting' dynamic
control 'VMCS shadowing' -
expect 'nothing is unfit' 1 '^$' grep unfit caps.txt
expect 'EPT capabilities' 0 '^  6     EPT page walk of 4 levels +yes$' cat caps.txt
expect '100 columns' 1 '^$' grep -E '.{101}' caps.txt
expect 'caps --json' 0 '"name":"NMI exiting"' minivmx caps --json
minivmx caps --json >caps.json
expect 'and from that file' 0 '' sh -c 'minivmx caps --file caps.json | cmp - caps.txt'
expect 'caps takes no arguments' 2 'see minivmx caps --help' minivmx caps here

# ---- the host ----
grep -q ^nobody: /etc/passwd || echo 'nobody:x:65534:65534::/:/bin/sh' >>/etc/passwd
chmod 755 /tmp
expect 'no permission' 4 'you may not open /dev/minivmx \(EACCES\)' \
	su -s /bin/sh nobody -c 'minivmx run /tmp/halt'

rmmod minivmx
expect 'no module' 4 'the minivmx module is not loaded' minivmx run halt
expect 'no module, for info' 4 'the minivmx module is not loaded' minivmx info
expect 'no module, for caps' 4 'the minivmx module is not loaded' minivmx caps
expect 'but from a file' 0 '' sh -c 'minivmx caps --file caps.json | cmp - caps.txt'
insmod /lib/minivmx/minivmx.ko
expect 'with the module again' 0 '' minivmx run halt
finish
