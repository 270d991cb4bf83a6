# shellcheck shell=bash
# What the top Makefile builds for a machine: the module, the programs, the
# tests, as a tree that goes over the machine's root.

# with_payload COMMAND...: have it built, and run COMMAND before another run may
# build it again. Without a payload COMMAND is not run.
with_payload() {
	[[ ${TESTBED_NO_PAYLOAD-} != 1 ]] || return 0
	progress "building"
	exec 8>"$WORK/payload.lock"
	flock 8
	# A make that runs this run must not pass its own flags on, and what make
	# leaves running must not keep the lock.
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
		make -s -C "$TOP" payload "${BUILD_FOR[@]}" 8>&- >&2 ||
		die "$STATUS_SETUP" "make payload ${BUILD_FOR[*]} failed"
	"$@"
	exec 8>&-
}
