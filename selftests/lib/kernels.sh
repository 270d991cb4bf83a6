# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What is tested of each kernel besides the programs that run on it: that the
# module builds for it without a warning, and imports nothing that is not for
# everyone. Sourced by selftests/run.

# add_kernel KERNEL CPU CPUS GUEST KVM: a job for it, as add_boot.
add_kernel() {
	local job=$1-$2-$3 names=()
	boot_options "$job" "$@"
	mapfile -t names < <({ echo build && echo symbols && target_programs "$1" "$3" "$4"; } | wanted "$job")
	add_job "$job" job_kernel "${names[@]}"
}

job_kernel() {
	local kernel=${JOB%%-*} name programs=()
	now "getting the kernel"
	if ! "$TOP/testbed/setup" "$kernel" >"$JOB_LOGS/kernel.log" 2>&1; then
		fail "$JOB/kernel" "it cannot be had, so nothing was tested on it:" \
			"$(tail -n 20 "$JOB_LOGS/kernel.log")"
		return
	fi
	for name in "$@"; do
		case $name in
		build) judge_build "$kernel" ;;
		symbols) judge_symbols "$kernel" ;;
		*) programs+=("$name") ;;
		esac
	done
	[[ ${#programs[@]} -eq 0 ]] || job_boot "${programs[@]}"
}

# Built once a job, by whichever test of it comes first.
build_for() {
	[[ -e $JOB_LOGS/build ]] || build_module "$1" "$JOB_LOGS/build" >"$JOB_LOGS/build.log" || true
	module_in "$1" "$JOB_LOGS/build"
}

judge_build() {
	local module
	now building
	module=$(build_for "$1")
	if [[ -s $module && ! -s $JOB_LOGS/build.log ]]; then
		result pass "$JOB/build"
	else
		fail "$JOB/build" "with W=1 for $(kernel_says "$1" kernel_release):" \
			"$(tail -n 40 "$JOB_LOGS/build.log")"
	fi
}

judge_symbols() {
	local log=$JOB_LOGS/symbols.log
	if "$SELFTESTS/symbols" "$(build_for "$1")" \
		"$(kernel_says "$1" kernel_build)/Module.symvers" >"$log" 2>&1; then
		result pass "$JOB/symbols"
	else
		fail "$JOB/symbols" "for $(kernel_says "$1" kernel_release):" "$(grep -v '^ok ' "$log")"
	fi
}
