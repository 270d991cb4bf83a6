# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Tests on the testbed's machines. Sourced by selftests/run.

declare -A BOOT_OPTIONS=() # by job, for testbed/run

GUEST_TEST=uapi/linux_guest_test.sh

# The programs for a machine with VT-x; a Linux guest if it has one.
target_programs() {
	local guest=$1 kind name
	for kind in uapi vmx; do
		while read -r name; do
			[[ $guest == - && $kind/$name == "$GUEST_TEST" ]] || echo "$kind/$name"
		done < <(programs $kind)
	done
}

# boot_options JOB KERNEL CPU CPUS GUEST KVM: see BOOTS in selftests/run.
boot_options() {
	local job=$1 kernel=$2 guest=$5
	BOOT_OPTIONS[$job]="--kernel $kernel --cpu $3 --cpus $4"
	[[ $guest == - ]] || BOOT_OPTIONS[$job]+=" --guest $guest --mem 768"
	case $6 in
	kvm) BOOT_OPTIONS[$job]+=" --add $BUILD/testbed/kernels/$kernel/modules:/testbed/kvm" ;;
	loaded) BOOT_OPTIONS[$job]+=" --kvm" ;;
	esac
}

# add_boot KERNEL CPU CPUS GUEST KVM: a job for it.
add_boot() {
	local job=$1-$2-$3 names=()
	boot_options "$job" "$@"
	mapfile -t names < <(target_programs "$4" | wanted "$job")
	add_job "$job" job_boot "${names[@]}"
}

# add_debug_boot KERNEL CPU CPUS GUEST KVM: the same, watched more closely.
add_debug_boot() {
	local job=$1-$2-$3 names=()
	boot_options "$job" "$@"
	BOOT_OPTIONS[$job]+=" --mem 1024"
	mapfile -t names < <(target_programs "$4" | wanted "$job")
	add_job "$job" job_debug_boot "${names[@]}"
}

# add_refusal KERNEL: the machine without VT-x.
add_refusal() {
	local job=qemu-$1 names=()
	BOOT_OPTIONS[$job]="--machine qemu --no-module --kernel $1"
	mapfile -t names < <(programs refusal | sed 's,^,refusal/,' | wanted "$job")
	add_job "$job" job_boot "${names[@]}"
}

# boot SECONDS COMMAND...: one boot, and its exit status.
boot() {
	local seconds=$1
	shift
	now booting
	# shellcheck disable=SC2086 # words
	"$TOP/testbed/run" --quiet ${BOOT_OPTIONS[$JOB]} --timeout "$seconds" \
		--keep "$JOB_LOGS/testbed" --add "$SELFTESTS/lib/on-target:/testbed/on-target" \
		--add "$SELFTESTS/lib/on-debug-target:/testbed/on-debug-target" -- \
		"$@" >"$JOB_LOGS/output" 2>"$JOB_LOGS/testbed.log"
}

# One boot, in which the tests given run one after the other.
job_boot() {
	local status=0
	boot 1500 /testbed/on-target "$@" || status=$?
	judge_tests "$@"
	judge_boot "$status"
}

# The same on the debug kernel: slower, and with one more program.
job_debug_boot() {
	local status=0
	boot 14400 /testbed/on-debug-target "$@" || status=$?
	judge_tests "$@" whole
	judge_boot "$status"
}

# Split the output at the lines of lib/on-target, and judge each part.
judge_tests() {
	local line name='' log=''
	local -A ended=()
	while IFS= read -r line; do
		if [[ $line =~ ^'== begin '(.*)$ ]]; then
			name=${BASH_REMATCH[1]}
			log=$JOB_LOGS/${name//\//_}.log
			: >"$log"
		elif [[ -n $name && $line =~ ^"== end $name "([0-9]+)$ ]]; then
			tap_judge "$JOB/$name" "${BASH_REMATCH[1]}" <"$log"
			ended[$name]=1
			name=''
		elif [[ -n $name ]]; then
			printf '%s\n' "$line" >>"$log"
		fi
	done <"$JOB_LOGS/output"
	if [[ -n $name ]]; then
		fail "$JOB/$name" "the machine ended while it ran; its last words:" \
			"$(tail -n 30 "$log")"
		ended[$name]=1
	fi
	for name in "$@"; do
		[[ -n ${ended[$name]-} ]] || fail "$JOB/$name" "it did not run"
	done
}

# The boot itself is a test as well: no splat, no death, the module unloaded.
judge_boot() {
	local status=$1 log=$JOB_LOGS/testbed.log
	if [[ $status -ne 0 ]]; then
		fail "$JOB/boot" "testbed/run ended with status $status:" "$(tail -n 80 "$log")"
	elif grep -q 'could not be unloaded' "$log"; then
		fail "$JOB/boot" "$(<"$log")"
	else
		result pass "$JOB/boot"
	fi
}
