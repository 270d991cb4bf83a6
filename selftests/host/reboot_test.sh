#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A reboot while guests run: the machine is reset, by CPUs that are out of VMX
# operation, or a reset by INIT would not reach them.
# MACHINE: --cpus 2 --mem 768
# MODES: own
# ENDS: reset
# CONSOLE: probe: 0 of 2 CPUs have VMXE set at the end
# shellcheck source=selftests/host/end.sh
. ./host/end.sh

start_guests
echo "1..$NUMBER"
sleep 1 # for the last words to get out
reboot -f
