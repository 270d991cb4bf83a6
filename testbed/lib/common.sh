# shellcheck shell=bash
# What every testbed script shares: where things are, and how it speaks.
# Sourced, never run.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
TESTBED=$TOP/testbed
WORK=$TOP/build/testbed
# The Debian kernel series a machine can boot; the newest package of each.
KERNEL_SERIES=(6.1 6.12)
# All that a machine can boot; debug is built when it is asked for.
KERNELS=("${KERNEL_SERIES[@]}" debug)
export TOP TESTBED WORK KERNEL_SERIES KERNELS

# Everything the testbed itself says goes to stderr, so that stdout carries
# COMMAND's bytes and nothing else.
say() { printf 'testbed: %s\n' "$*" >&2; }

# die STATUS MESSAGE...: say why and end with that status.
die() {
	local status=$1
	shift
	say "$*"
	exit "$status"
}

# The release (uname -r) of a kernel series that testbed/setup has laid out.
kernel_release() {
	cat "$WORK/kernels/$1/release"
}

# Quote arguments for any POSIX shell: bash's %q may print $'...', which only
# some shells read.
sh_quote() {
	local word
	for word in "$@"; do
		printf "'%s' " "${word//\'/\'\\\'\'}"
	done
}
