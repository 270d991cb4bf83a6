# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What labs/start, labs/grade and labs/check have in common: the labs, and how a grader
# is built around a student's code.

LABS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(dirname "$LABS")
BUILD=$TOP/build
# The student's folder, if none is named.
# shellcheck disable=SC2034 # of those who source this
STUDENT=$LABS/vmm

# Of each lab, the files that the student writes. A lab stands on all before it.
declare -A LAB_FILES=(
	[1]="vm.c"
	[2]="vmcs.c"
	[3]="pager.c"
	[4]="emulate.c"
	[5]="irq.c"
	[6]="bus.c uart.c disk.c"
	[7]="linux.c"
	[8]="measure.c"
)
# shellcheck disable=SC2034
LAST_LAB=${#LAB_FILES[@]}

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
	say "$*"
	exit 2
}

is_lab() { [[ -n $1 && -n ${LAB_FILES[$1]-} ]]; }

# files_up_to LAB: all that a lab is built from.
files_up_to() {
	local lab
	for ((lab = 1; lab <= $1; lab++)); do
		# shellcheck disable=SC2086 # words
		printf '%s\n' ${LAB_FILES[$lab]}
	done
}

CFLAGS=(-std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-parameter "-I$LABS/include" "-I$TOP/uapi"
	"-I$TOP/userspace/lib")

# The graders, and what they share: an archive, of which each takes what it uses.
build_graders() {
	local file object shared=()
	mkdir -p "$BUILD/labs/grader" "$BUILD/labs/solutions"
	STARTED=$BUILD/labs/started
	touch "$STARTED"
	# The lock of the testbed's payload, which is built from the same objects.
	mkdir -p "$BUILD/testbed"
	flock "$BUILD/testbed/payload.lock" make -s -C "$TOP" user >&2
	for file in "$LABS"/{grader,given}/*.c; do
		object=$BUILD/labs/grader/$(basename "${file%.c}").o
		gcc "${CFLAGS[@]}" -O1 -g -Werror -c -o "$object" "$file"
		[[ $object =~ /lab[0-9]+\.o$ ]] || shared+=("$object")
	done
	SHARED=$BUILD/labs/grader/shared.a
	rm -f "$SHARED"
	ar rcs "$SHARED" "${shared[@]}"
}

# Of libminivmx the labs use nothing but the verdict: the ioctls are the exercise.
TEACHER='minivmx_(verdict|field_encoding|exit_name|kind_name)'

# One object of a student's files, in which nothing can be met by the grader's names
# and nothing is executed before main().
join_objects() {
	local out=$1 uses
	shift
	ld -r -o "$out" "$@" || return
	if objdump -h "$out" | grep -qE ' \.((pre)?init_array|ctors|fini_array|dtors)'; then
		echo "constructors and destructors are not allowed: they would run in the grader"
		return 1
	fi
	uses=$(nm -u "$out" | grep -oE '\bminivmx_\w+' | grep -vxE "$TEACHER" | tr '\n' ' ' || true)
	if [[ -n $uses ]]; then
		echo "it calls libminivmx's $uses: call the ioctls of uapi/minivmx.h yourself"
		return 1
	fi
	objcopy --wildcard --keep-global-symbol='vm_*' --keep-global-symbol='vcpu_*' \
		--keep-global-symbol='vmcs_*' --keep-global-symbol='pager_*' \
		--keep-global-symbol='ept_*' --keep-global-symbol='emulate_*' \
		--keep-global-symbol='irq_*' --keep-global-symbol='bus_*' \
		--keep-global-symbol='uart_*' --keep-global-symbol='disk_*' \
		--keep-global-symbol='linux_*' --keep-global-symbol='measure_*' "$out"
}

compile() { gcc "${CFLAGS[@]}" -O1 -g -c -o "$2" "$1"; }

# build_student LAB DIR PROGRAM LOG: a lab's grader with the files in DIR. If it
# cannot be built, LOG says why.
build_student() {
	local lab=$1 dir=$2 program=$3 log=$4 file objects=() scratch=$3.objects
	mkdir -p "$scratch"
	for file in $(files_up_to "$lab"); do
		if [[ ! -f $dir/$file ]]; then
			echo "there is no $dir/$file: labs/start $lab makes it" >"$log"
			return 1
		fi
		# Most of what is graded by labs/check is the reference's: it is compiled once.
		if cmp -s "$dir/$file" "$LABS/solutions/$file"; then
			objects+=("$BUILD/labs/solutions/${file%.c}.o")
			[[ ${objects[-1]} -nt $STARTED ]] || compile "$dir/$file" "${objects[-1]}" >"$log" 2>&1 ||
				return
		else
			objects+=("$scratch/${file%.c}.o")
			compile "$dir/$file" "${objects[-1]}" >"$log" 2>&1 || return
		fi
	done
	join_objects "$scratch/all" "${objects[@]}" >"$log" 2>&1 || return
	gcc -static -s -o "$program" "$BUILD/labs/grader/lab$lab.o" "$BUILD/labs/grader/grader.o" \
		"$scratch/all" "$SHARED" "$BUILD/lib/libminivmx.a" -ljson-c -pthread >"$log" 2>&1 || return
	rm -rf "$scratch"
}

# boot_graders DIR OUTPUT LOG COMMAND...: a machine with DIR at /labs, all there that a
# lab needs, and what COMMAND prints there in OUTPUT.
boot_graders() {
	local dir=$1 output=$2 log=$3 name more=()
	shift 3
	for name in irqbypass kvm kvm-intel; do
		more+=(--add "$BUILD/testbed/kernels/6.1/modules/$name.ko:/testbed/ko/$name.ko")
	done
	"$TOP/testbed/run" --quiet --mem 768 --guest 6.1 --timeout 1500 "${more[@]}" \
		--add "$dir:/labs" -- "$@" >"$output" 2>"$log"
}
