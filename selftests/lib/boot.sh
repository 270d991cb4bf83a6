# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Tests on the testbed's machines. Sourced by selftests/run.

declare -A BOOT_OPTIONS=() # by job, for testbed/run
declare -A BOOT_ENDS=()    # by job, how its test ends the kernel, see add_host_boots
declare -A BOOT_CONSOLE=() # by job, what the console must say then
declare -A BOOT_DEBIAN=()  # by job, the kernel of the Debian that is on its disk

GUEST_TEST=uapi/linux_guest_test.sh
STRESS_TEST=uapi/linux_stress_test.sh
GDB_TEST=uapi/gdb_test.sh

# has_gdb KERNEL CPUS GUEST: in that machine, for a Linux guest whose symbols are the
# host's; with two CPUs it would take too long.
has_gdb() { [[ $2 == 1 && $3 == "$1" ]]; }

# fuzzes KERNEL CPUS: one boot is enough of them, and that of the debug kernel.
fuzzes() { [[ $1 == debug || ($1 == 6.12 && $2 == 1) ]]; }

# target_programs KERNEL CPUS GUEST: the programs for a machine with VT-x.
target_programs() {
	local guest=$3 kind name
	for kind in uapi vmx; do
		while read -r name; do
			case $kind/$name in
			"$GUEST_TEST" | "$STRESS_TEST") [[ $guest != - ]] || continue ;;
			"$GDB_TEST") has_gdb "$@" || continue ;;
			*_fuzz) fuzzes "$@" || continue ;;
			esac
			echo "$kind/$name"
		done < <(programs $kind)
	done
}

# add_modules KERNEL NAME...: the kernel's own modules, for the tests that load them.
add_modules() {
	local kernel=$1 name
	shift
	for name in "$@"; do
		echo " --add $BUILD/testbed/kernels/$kernel/modules/$name.ko:/testbed/ko/$name.ko"
	done
}

KVM_MODULES=(irqbypass kvm kvm-intel)

# boot_options JOB KERNEL CPU CPUS GUEST KVM: see BOOTS in selftests/run.
boot_options() {
	local job=$1 kernel=$2 guest=$5
	BOOT_OPTIONS[$job]="--kernel $kernel --cpu $3 --cpus $4 --module-params host_check=1"
	BOOT_OPTIONS[$job]+=$(add_modules "$kernel" brd)
	# Where the kernel still can take it offline.
	BOOT_OPTIONS[$job]+=" --append cpu0_hotplug"
	[[ $guest == - ]] || BOOT_OPTIONS[$job]+=" --guest $guest --mem 768"
	! has_gdb "$kernel" "$4" "$guest" || BOOT_OPTIONS[$job]+=" --add $BUILD/gdb/gdb:/usr/bin/gdb"
	case $6 in
	kvm) BOOT_OPTIONS[$job]+=$(add_modules "$kernel" "${KVM_MODULES[@]}") ;;
	loaded) BOOT_OPTIONS[$job]+=" --kvm" ;;
	esac
}

# add_boot JOB-FUNCTION KERNEL CPU CPUS GUEST KVM [PROGRAM]...: a job for it, with all
# programs for such a machine or with these.
add_boot() {
	local function=$1 job=$2-$3-$4 names=("${@:7}")
	shift
	boot_options "$job" "${@:1:5}"
	[[ ${#names[@]} -gt 0 ]] || mapfile -t names < <(target_programs "$1" "$3" "$4")
	mapfile -t names < <(printf '%s\n' "${names[@]}" | wanted "$job")
	add_job "$job" "$function" "${names[@]}"
}

# add_refusal KERNEL: the machine without VT-x.
add_refusal() {
	local job=qemu-$1 names=()
	BOOT_OPTIONS[$job]="--machine qemu --no-module --kernel $1"
	mapfile -t names < <(programs refusal | sed 's,^,refusal/,' | wanted "$job")
	add_job "$job" job_boot "${names[@]}"
}

# test_says TEST WORD: what is behind "# WORD:" in the script of a test.
test_says() { sed -n "s/^# $2: *//p" "$SELFTESTS/$1"; }

# add_host_boots JOB-FUNCTION TEST [KERNEL]...: a job for each kernel given, or that
# a test of the host names, on the machine that it names.
#	# MACHINE: options of testbed/run
#	# KERNELS: series (6.1 6.12)
#	# MODES: own, borrow or both, in which KVM is loaded from the start (own)
#	# ENDS: reset, if the test does not return but the machine is reset, or
#	#	kernel, if another kernel goes on in its place
#	# CONSOLE: extended expression that a line of the console matches after a reset
#	# DISK: debian, if it boots that from the machine's disk
add_host_boots() {
	local function=$1 name=${2%_test.sh} test=host/$2 kernels=${*:3}
	local job kernel mode modes names
	[[ -n $kernels ]] || kernels=$(test_says "$test" KERNELS)
	modes=$(test_says "$test" MODES)
	for kernel in ${kernels:-6.1 6.12}; do
		for mode in ${modes:-own}; do
			job=$kernel-$name-$mode
			BOOT_OPTIONS[$job]="--kernel $kernel --module-params host_check=1"
			BOOT_OPTIONS[$job]+=" $(test_says "$test" MACHINE)"
			BOOT_OPTIONS[$job]+=$(add_modules "$kernel" "${KVM_MODULES[@]}")
			[[ $mode == own ]] || BOOT_OPTIONS[$job]+=" --kvm"
			BOOT_ENDS[$job]=$(test_says "$test" ENDS)
			BOOT_CONSOLE[$job]=$(test_says "$test" CONSOLE)
			[[ -z $(test_says "$test" DISK) ]] || BOOT_DEBIAN[$job]=$kernel
			mapfile -t names < <(echo "$test" | wanted "$job")
			add_job "$job" "$function" "${names[@]}"
		done
	done
}

# add_debug_host_boots TEST: a job for that test of the host on the debug kernel,
# which can tell of leaks if it is still there at the end.
add_debug_host_boots() {
	if [[ -n $(test_says "host/$1" ENDS) ]]; then
		add_host_boots job_boot "$1" debug
	else
		add_host_boots job_debug_boot "$1" debug
	fi
}

# A disk of its own with Debian on it, that Debian's kernel beside it, and what the runner
# needs for a network.
debian_options() {
	local debian=$BUILD/testbed/debian kernel=${BOOT_DEBIAN[$JOB]}
	"$TOP/testbed/debian-disk" >"$JOB_LOGS/debian-disk.log" 2>&1 || return
	cp --sparse=always "$debian/disk.raw" "$JOB_LOGS/disk.raw"
	echo "--disk $JOB_LOGS/disk.raw --add $BUILD/lib/minivmx:/usr/lib/minivmx" \
		"--add $debian/$kernel/vmlinuz:/guests/debian/vmlinuz" \
		"--add $debian/$kernel/initrd.img:/guests/debian/initrd.img"
}

# boot SECONDS COMMAND...: one boot, and its exit status.
boot() {
	local seconds=$1 more=''
	shift
	now booting
	# It is slow, and each byte of memory has a shadow.
	[[ $JOB != debug-* ]] || more="--mem 1024 --timeout $seconds"
	[[ -z ${BOOT_DEBIAN[$JOB]-} ]] || more=$(debian_options)
	# shellcheck disable=SC2086 # words
	"$TOP/testbed/run" --quiet --timeout "$seconds" ${BOOT_OPTIONS[$JOB]} $more \
		--keep "$JOB_LOGS/testbed" --add "$SELFTESTS/lib/on-target:/testbed/on-target" \
		--add "$SELFTESTS/lib/on-debug-target:/testbed/on-debug-target" -- \
		"$@" >"$JOB_LOGS/output" 2>"$JOB_LOGS/testbed.log"
}

# One boot, in which the tests given run one after the other.
job_boot() {
	local status=0
	if [[ $LONG == 1 ]]; then
		boot 36000 env SELFTEST_ROUNDS=full TEST_SECONDS=18000 /testbed/on-target "$@" ||
			status=$?
	else
		boot 1800 /testbed/on-target "$@" || status=$?
	fi
	judge_tests "$@"
	judge_boot "$status"
	[[ -z ${BOOT_DEBIAN[$JOB]-} ]] || judge_disk
}

# What a guest wrote on its disk is there, looked at from outside, and the file system is
# as a guest leaves it that was turned off.
judge_disk() {
	local disk=$JOB_LOGS/disk.raw sum
	if /sbin/e2fsck -fn "$disk" >"$JOB_LOGS/e2fsck.log" 2>&1; then
		result pass "$JOB/disk: the file system is whole"
	else
		fail "$JOB/disk: the file system is whole" "$(tail -n 30 "$JOB_LOGS/e2fsck.log")"
	fi
	sum=$(/sbin/debugfs -R 'cat /root/written' "$disk" 2>/dev/null | sha256sum | cut -c1-64)
	if grep -aqx "written $sum" "$JOB_LOGS/output"; then
		result pass "$JOB/disk: the file is intact"
	else
		fail "$JOB/disk: the file is intact" "its sum is $sum, the guest said:" \
			"$(grep -a '^written' "$JOB_LOGS/output")"
	fi
	rm -f "$disk"
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
	if [[ -n $name && ${BOOT_ENDS[$JOB]-} == reset ]]; then
		tap_judge "$JOB/$name" 0 <"$log"
		ended[$name]=1
	elif [[ -n $name ]]; then
		fail "$JOB/$name" "the machine ended while it ran; its last words:" \
			"$(tail -n 30 "$log")"
		ended[$name]=1
	fi
	for name in "$@"; do
		[[ -n ${ended[$name]-} ]] || fail "$JOB/$name" "it did not run"
	done
}

# The machine was reset, and is not just gone: its BIOS ran again. Bochs' does
# not survive that, because a WRMSR of it faults the second time, so the last
# words of Bochs are of an address there.
was_reset() {
	[[ $1 -eq 246 ]] &&
		grep -aqE '^\(0\)\.\[[0-9]+\] \[0x0*[ef][0-9a-f]{4}\] .* wrmsr ' "$JOB_LOGS/testbed/screen"
}

# The boot itself is a test as well: no splat, no death, the module unloaded.
judge_boot() {
	local status=$1 log=$JOB_LOGS/testbed.log console=${BOOT_CONSOLE[$JOB]-}
	if [[ ${BOOT_ENDS[$JOB]-} == reset ]]; then
		if ! was_reset "$status"; then
			fail "$JOB/boot" "the machine was not reset, but testbed/run ended with status $status:" \
				"$(tail -n 80 "$log")"
		elif [[ -n $console ]] && ! grep -aqE "$console" "$JOB_LOGS/testbed/console.log"; then
			fail "$JOB/boot" "the console does not say: $console" \
				"$(tail -n 40 "$JOB_LOGS/testbed/console.log")"
		else
			result pass "$JOB/boot"
		fi
	elif [[ $status -ne 0 ]]; then
		fail "$JOB/boot" "testbed/run ended with status $status:" "$(tail -n 80 "$log")"
	elif grep -q 'could not be unloaded' "$log"; then
		fail "$JOB/boot" "$(<"$log")"
	else
		result pass "$JOB/boot"
	fi
}
