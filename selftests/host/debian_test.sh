#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Debian boots from its disk, with its own kernel and initramfs, and is used as one uses a
# computer: somebody logs in on its console, it has an address and fetches a file, writes
# some, and is turned off. What it wrote is looked at by selftests/run, from outside.
# MACHINE: --cpus 2 --mem 1024 --append mitigations=off
# DISK: debian
# shellcheck disable=SC2016 # what is typed is the guest's to expand
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

GUEST=/guests/debian
PORT=8080

# The guest's console: what is typed goes to descriptor 3.
mkfifo /tmp/keyboard
type_line() {
	printf '%s\n' "$1" >&3
}

# console_says PATTERN SECONDS: until it does, or the runner has ended.
console_says() {
	seconds=$2
	until grep -qaE "$1" $CONSOLE; do
		seconds=$((seconds - 1))
		[ "$seconds" -gt 0 ] && kill -0 "$RUNNER" 2>/dev/null || return 1
		sleep 1
	done
}

# says NAME PATTERN SECONDS
says() {
	console_says "$2" "$3"
	ok $? "$1"
}

# try NAME PATTERN SECONDS COMMAND: type that, and its output has a line like that. The
# pattern must not match the command, which the terminal echoes.
try() {
	type_line "$4"
	says "$1" "$2" "$3"
}

# A file for the guest to fetch, on this host, which 10.0.2.2 is to it.
serve() {
	mkdir /tmp/www
	head -c 1000000 /dev/urandom >/tmp/www/file
	SUM=$(sha256sum </tmp/www/file | cut -c1-64)
	ip link set lo up
	httpd -p 127.0.0.1:$PORT -h /tmp/www
}

serve
minivmx run --verbose --stats --timeout 3000 --cpus 2 --mem 512M --disk /testbed/disks/0 \
	--net user --kernel $GUEST/vmlinuz --initrd $GUEST/initrd.img \
	--append 'root=/dev/vda console=ttyS0 quiet mitigations=off' \
	</tmp/keyboard >$CONSOLE 2>$ERRORS &
RUNNER=$!
exec 3>/tmp/keyboard

says 'systemd asks who it is' 'login: *$' 1500
type_line root
says 'it asks for the password' 'Password: *$' 120
type_line minivmx
says 'root is logged in' 'root@debian:.*# *$' 120
# Without what bash writes around a line. Nothing that is typed looks like its answer,
# which may stand behind a prompt.
type_line 'exec sh'
try 'two CPUs' 'cpus 2' 60 'echo cpus $(nproc)'
# The driver may not be loaded yet.
try 'an address by DHCP' 'inet 10\.0\.2\.15/24' 300 \
	'until busybox ip addr | grep "inet 10\.0\.2\.15/24"; do sleep 1; done'
try 'a file is fetched whole' "sum $SUM" 120 \
	"busybox wget -q -O /root/file http://10.0.2.2:$PORT/file; echo sum \$(sha256sum </root/file)"
try '64 MB are written' 'written [0-9a-f]{64}' 600 \
	'head -c 64M /dev/urandom >/root/written; sync; echo written $(sha256sum </root/written)'
try 'all that it complains of' 'complaints 0' 60 \
	'echo complaints $(dmesg --level emerg,alert,crit,err 2>/dev/null | wc -l)'
type_line poweroff
says 'it is turned off' '[Pp]ower down' 600
exec 3>&-
wait $RUNNER
status=$?
grep -aoE 'written [0-9a-f]{64}' $CONSOLE
sed 's/^/# /' $CONSOLE $ERRORS
expect 'the runner ends with status 0' 0 '^0$' echo $status
expect 'by ACPI' 0 'turned the power off' cat $ERRORS
expect 'it complains of nothing' 1 '^$' grep -aE "$COMPLAINTS" $CONSOLE
finish
