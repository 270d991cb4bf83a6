# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The module, built for the kernels of the testbed. Sourced by selftests/run
# and selftests/style.

# kernel_says KERNEL FUNCTION: what testbed/lib/common.sh knows of it.
kernel_says() {
	# shellcheck disable=SC2016 # for the other shell
	bash -euc '. "$0" && "$2" "$1"' "$TOP/testbed/lib/common.sh" "$@"
}

# build_module KERNEL DIR [VARIABLE=VALUE]...: a new build in DIR, with W=1. Prints
# what the compiler has to say, and fails if there is no module in the end.
build_module() {
	local kernel=$1 dir=$2 variables
	shift 2
	mapfile -t variables < <(kernel_says "$kernel" kernel_variables)
	rm -rf "$dir"
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
		make -s -C "$TOP" module "BUILD=$dir" W=1 "$@" "${variables[@]}" 2>&1 |
		grep -v '^Skipping BTF generation' || true
	[[ -s $(module_in "$kernel" "$dir") ]]
}

# The module that build_module KERNEL DIR has made.
module_in() {
	echo "$2/module/$(kernel_says "$1" kernel_release)/minivmx.ko"
}
