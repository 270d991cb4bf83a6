#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# minivmx check on a machine that has VT-x: with the module and without, and for a user
# who may not open its device. unit/check_test.sh has hosts of other kinds.
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

MODULE=/lib/minivmx/minivmx.ko

# This machine has no headers, which is only a note while the module is there.
expect 'a host that is well' 0 '^ok +vmx +the CPU has VT-x' minivmx check
cp $OUTPUT /tmp/said
expect 'has the capabilities' 0 '^ok +capabilities +VT-x has all that minivmx needs' cat /tmp/said
expect 'the module' 0 '^ok +module' cat /tmp/said
expect 'its device' 0 '^ok +device .*speaks version 1 of the interface' cat /tmp/said
expect 'and nothing bad' 1 '^$' grep '^bad' /tmp/said

# ---- a user ----
grep -q ^nobody: /etc/passwd || echo 'nobody:x:65534:65534::/:/bin/sh' >>/etc/passwd
expect 'a user may not' 4 '^bad +device +you may not open /dev/minivmx' \
	su -s /bin/sh nobody -c 'minivmx check'

# ---- no module ----
expect 'the module goes' 0 '^$' rmmod minivmx
expect 'it is missed' 4 '^bad +module' minivmx check
cp $OUTPUT /tmp/said
expect 'and its device' 0 '^bad +device +/dev/minivmx does not exist' cat /tmp/said
expect 'what the CPU can do is known' 0 '^ok +capabilities' cat /tmp/said
expect 'the module comes' 0 '^$' insmod $MODULE
finish
