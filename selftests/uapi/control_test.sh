#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A guest in the background, from a folder, and what other commands do with it: list,
# console, balloon, pause, resume, stop, kill.
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

cd /tmp || exit
SELFTESTS=/usr/lib/minivmx/selftests

# list_has EXPRESSION: a line of the JSON matches it.
list_has() {
	minivmx list --json | grep -qE "$1"
}

# is_gone: no runner is there, and no socket.
is_gone() {
	[ -z "$(minivmx list)" ] && [ ! -e /run/minivmx/web.sock ]
}


mkdir -p web
cp $SELFTESTS/guest/power_button.bin web/
cat >web/minivmx.ini <<'INI'
# prints dots
[machine]
name = web
kernel = power_button.bin
mem = 16M
log = web.log
INI
LOG=web/web.log

# ---- help ----
for command in stop kill pause resume console balloon; do
	expect "$command --help" 0 "usage: minivmx $command" minivmx $command --help
	expect "$command takes a guest" 2 "$command takes one guest" minivmx $command
	expect "$command of nobody" 4 "there is no runner 'web': see minivmx list" \
		minivmx $command web
done
expect 'a bad time to wait' 2 "not a number of seconds above 0: '0'" \
	minivmx stop --timeout 0 web

# ---- a folder ----
expect 'a mistake in the file' 2 '^minivmx: bad.ini:2: cpus: not a number from 1 to 64: .0.$' \
	sh -c 'printf "[machine]\ncpus = 0\n" >bad.ini; minivmx run --config bad.ini x'
expect 'it starts in the background' 0 '^web$' minivmx run --detach web
expect 'list shows it' 0 '^ *[0-9]+ web +1 +16M .* running web/power_button.bin$' minivmx list
# It has no driver for it.
expect 'its balloon' 0 '^0 bytes of 16M given back$' minivmx balloon web
expect 'its balloon for programs' 0 '"memory": *16777216' minivmx balloon --json web
expect 'its balloon may grow' 0 '^0 bytes of 16M given back$' minivmx balloon web 4M
expect 'but not over all of it' 4 'no more than 16M of memory' minivmx balloon web 16M
expect 'nor to a size that is none' 2 "not a size: 'big'" minivmx balloon web big
expect 'its name is taken' 4 "the name 'web' is in use" minivmx run --detach web
expect 'a start that fails says so' 4 '^minivmx: nowhere: cannot open: No such file' \
	minivmx run --detach --name other nowhere
expect 'and leaves nothing' 0 '^web.sock$' ls -A /run/minivmx

# ---- the console ----
# It is read while the rest goes on.
mkfifo keys
minivmx console web <keys >screen 2>said &
console=$!
exec 3>keys
expect 'the console shows ticks' 0 '' await grep -q '\.\.\.' screen
expect 'another one is refused' 4 'another minivmx console is attached to it' minivmx console web
printf 'hello' >&3
echoed() { tr -d . <screen | grep -q "$1"; }
expect 'what is typed there comes back' 0 '' await echoed hello

# ---- pause ----
size() { wc -c <screen; }
grows() { [ "$(size)" -gt "$before" ]; }
expect 'pause' 0 '^$' minivmx pause web
expect 'list shows that' 0 ' paused +web/power_button.bin$' minivmx list
expect 'list --json, too' 0 '' list_has '"state": *"paused"'
sleep 1
before=$(size)
uptime=$(minivmx list --json | grep uptime_ms)
sleep 1
expect 'it does not tick' 1 '^$' grows
expect 'its clock stands still' 0 "^ *$uptime\$" sh -c 'minivmx list --json | grep uptime_ms'
expect 'pause once more' 0 'web was paused already' minivmx pause web
expect 'a paused one is not stopped' 4 'web: the guest is paused: minivmx resume' minivmx stop web
expect 'resume' 0 '^$' minivmx resume web
expect 'it ticks again' 0 '' await grows
expect 'list shows that it runs' 0 '' list_has '"state": *"running"'
expect 'resume once more' 0 'web was not paused' minivmx resume web

# ---- ends ----
exec 3>&-
sleep 0.5
before=$(size)
expect 'the end of what is typed is not that of the console' 0 '' await grows
kill -TERM $console
wait $console
expect 'a signal is, and not that of the guest' 0 '' list_has '"name": *"web"'
printf '\001' >one
minivmx console web <one >screen 2>/dev/null &
console=$!
one() { grep -q "$(printf '\001')" screen; }
expect 'the next one sees what was printed before' 0 '' await echoed hello
expect 'and tells the guest not to listen' 0 '' await one
expect 'stop of one that does not listen' 124 'web still runs after 2 s; .* minivmx kill web' \
	minivmx stop --timeout 2 web
cp $OUTPUT said
expect 'says that' 0 'web: pressed the power button, to which the guest does not listen' cat said
kill -KILL $console
wait $console
expect 'kill' 0 '^$' minivmx kill web
expect 'it is gone' 0 '' is_gone
expect 'how it ended is in its log' 0 '^minivmx: ended by minivmx kill$' cat $LOG
expect 'with its status' 0 'PID [0-9]+ has ended, status 0$' cat $LOG

expect 'it starts again' 0 '^web$' minivmx run --detach web
minivmx console web </dev/null >screen 2>said &
console=$!
expect 'and ticks' 0 '' await grep -q '\.' screen
expect 'stop' 0 'web: pressed the power button$' minivmx stop web
wait $console
expect 'the console says so' 0 '^minivmx: web has ended$' cat said
expect 'it is gone' 0 '' is_gone
expect 'its log says how' 0 '^minivmx: the guest turned the power off$' cat $LOG

# A client that is killed, or does not read, stops nobody.
rm web/minivmx.ini
mkfifo stuck
expect 'in the background by its PID' 0 '^[0-9]+$' minivmx run --detach web/power_button.bin
pid=$(cat $OUTPUT)
minivmx console "$pid" </dev/null >stuck 2>/dev/null &
console=$!
exec 4<stuck
kill -STOP $console
uptime() { minivmx list --json | sed -n 's/.*"uptime_ms": *\([0-9]*\).*/\1/p'; }
before=$(uptime)
later() { [ "$(uptime)" -gt "$before" ]; }
expect 'it runs while a client is stopped' 0 '' await later
expect 'and can be paused' 0 '^$' minivmx pause "$pid"
expect 'a paused one can be killed' 0 '^$' minivmx kill "$pid"
kill -KILL $console
wait $console
exec 4<&-
expect 'its log is beside the socket' 0 '^minivmx: ended by minivmx kill$' \
	cat "/run/minivmx/$pid.log"
rm "/run/minivmx/$pid.log"

minivmx run --detach --name web web/power_button.bin >/dev/null
pid=$(minivmx list --json | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p')
minivmx console web </dev/null >/dev/null 2>said &
console=$!
sleep 1
kill -KILL "$pid"
wait $console
expect 'the console of a runner that was killed ends' 0 '^minivmx: web has ended$' cat said
expect 'another one of that name starts' 0 '^web$' minivmx run --detach --name web web/power_button.bin
expect 'and ends' 0 '^$' minivmx kill web
rm /run/minivmx/web.log
finish
