# shellcheck shell=bash
# What every testbed script shares: where things are, and how it speaks.
# Sourced, never run.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
TESTBED=$TOP/testbed
WORK=$TOP/build/testbed
# The Debian kernel series that are always there; the newest package of each.
KERNEL_SERIES=(6.1 6.12)
# All that a machine can boot; the others are got when they are asked for.
KERNELS=("${KERNEL_SERIES[@]}" full full-6.12 newest debug)
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

# The release (uname -r) of a kernel that testbed/setup has laid out.
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

# Where modules for a kernel are built, as it is seen from here.
kernel_build() {
	local dir=$WORK/kernels/$1
	if [[ -e $dir/build ]]; then
		readlink -f "$dir/build"
	else
		echo "$([[ ! -e $dir/chroot ]] || echo "$dir/chroot")/lib/modules/$(kernel_release "$1")/build"
	fi
}

# What make is told to build modules for a kernel, one variable a line.
kernel_variables() {
	local dir=$WORK/kernels/$1
	echo "KERNEL=$(kernel_release "$1")"
	[[ ! -e $dir/build ]] || echo "KDIR=$(readlink -f "$dir/build")"
	[[ ! -e $dir/chroot ]] || echo "CHROOT=$dir/chroot"
}

# The names of the modules that a module's file says it needs, on one line.
needed_modules() {
	modinfo -F depends "$1" | tr ',' ' '
}

# The modules of a kernel that have to be inserted for one, in order, one a line.
modules_for() {
	local kernel=$1 name=$2 needed
	local file=$WORK/kernels/$kernel/modules/$name.ko
	[[ -f $file ]] || die "$STATUS_SETUP" \
		"no module '$name' of kernel $kernel is here; testbed/setup $kernel gets those that lib/kernels.sh names"
	for needed in $(needed_modules "$file"); do
		modules_for "$kernel" "$needed"
	done
	echo "$name"
}
