#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# minivmx ept: the EPT of a guest that runs, seen from outside.
# shellcheck source=selftests/lib/lib.sh
. ./lib.sh

SPIN=guest/spin.bin

expect 'help' 0 'usage: minivmx ept walk' minivmx ept --help
expect 'no verb' 2 'takes walk, map or stat' minivmx ept
expect 'no address' 2 'walk takes an address' minivmx ept walk
expect 'no runner' 4 'there is no runner' minivmx ept stat

minivmx run --name spinner --mem 16M "$SPIN" 2>/dev/null &
runner=$!
mapped() { minivmx ept walk spinner 0x7c00 | grep -q 'in a page of'; }
expect 'a guest that has begun' 0 '' await mapped
expect 'where the code is there is a page' 0 '^0x7c00 is in a page of (4K|2M)$' \
	minivmx ept walk 0x7c00
expect 'with all levels from the top' 0 '^    4  0x[0-9a-f]{16}  RWX' minivmx ept walk 0x7c00
expect 'where nothing was touched there is none' 0 'is not mapped now' \
	minivmx ept walk spinner 0xfff000
expect 'the map has it' 0 '^0x000000007000|^0x000000000000' minivmx ept map
expect 'stat counts it' 0 '^executable pages +[1-9]' minivmx ept stat spinner
expect 'walk --json' 0 '"leaf_level": *[12],' minivmx ept walk --json spinner 0x7c00
expect 'map --json' 0 '"rights": *"R' minivmx ept map --json
expect 'stat --json' 0 '"pages_4k": *[0-9]' minivmx ept stat --json
expect 'not a number' 2 "'here' is no address" minivmx ept walk here
expect 'too large an address' 2 'beyond the guest.s physical addresses' \
	minivmx ept walk 0xffffffffffffffff
kill $runner
wait $runner

finish
