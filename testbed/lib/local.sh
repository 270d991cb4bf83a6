# shellcheck shell=bash
# The machine `local`: this one, its own kernel, no emulation in between.

agree_to_local() {
	local answer what='Run on THIS machine'
	[[ $MODULE == 0 ]] || what="Load minivmx.ko into the kernel of THIS machine ($RELEASE) and run"
	[[ $YES == 0 ]] || return 0
	[[ -t 0 && -t 2 ]] ||
		die "$STATUS_REFUSED" "--machine local loads a kernel module into this machine; without a terminal to ask on it needs --yes"
	printf '%s:\n  %s\n[y/N] ' "$what" "${COMMAND[*]}" >&2
	read -r answer
	[[ $answer == [yY]* ]] || die "$STATUS_REFUSED" "not agreed to, nothing done"
}

check_local_options() {
	local spec
	[[ ${#GUESTS[@]} -eq 0 ]] || bad_usage "--guest means nothing with --machine local"
	[[ ${#DISKS[@]} -eq 0 ]] || bad_usage "--disk means nothing with --machine local"
	for spec in "${ADD[@]}"; do
		[[ $spec != *:* ]] || bad_usage "--add with a DEST means nothing with --machine local"
	done
	[[ $EUID -eq 0 ]] || die "$STATUS_SETUP" "--machine local must run as root"
}

# The kernel log from here on is this run's.
mark_kernel_log() {
	LOCAL_MARK="testbed: init reached ($$ at $EPOCHREALTIME)"
	echo "<4>$LOCAL_MARK" >/dev/kmsg
}

local_kernel_log() {
	dmesg | sed "1,/$LOCAL_MARK/d"
}

local_unload() {
	[[ $MODULE == 0 || ! -d /sys/module/minivmx ]] || rmmod minivmx
}

run_local() {
	local payload=$TOP/build/payload/$RELEASE error
	check_local_options
	agree_to_local
	mkdir -p "$WORK"
	with_payload true
	mark_kernel_log
	if [[ ${#INSERT[@]} -gt 0 ]]; then
		modprobe -a "${INSERT[@]}" || die "$STATUS_INSMOD" "modprobe ${INSERT[*]} failed"
	fi
	if [[ $MODULE == 1 ]]; then
		# Parameters are words for insmod.
		# shellcheck disable=SC2086
		error=$(insmod "$payload/lib/minivmx/minivmx.ko" $MODULE_PARAMS 2>&1) || {
			local_kernel_log | tail -n 40 >&2
			die "$STATUS_INSMOD" "insmod failed: $error"
		}
		trap local_unload EXIT
	fi
	VERDICT=0
	PATH=$payload/usr/bin:$PATH \
		LD_LIBRARY_PATH=$payload/usr/lib/x86_64-linux-gnu${LD_LIBRARY_PATH+:$LD_LIBRARY_PATH} \
		timeout --foreground -k 10 "$TIMEOUT" "${COMMAND[@]}" || VERDICT=$?
	# What timeout itself exits with when it had to end COMMAND.
	if [[ $VERDICT == 124 || $VERDICT == 137 ]]; then
		say "FAILED ($STATUS_TIMEOUT): timeout: COMMAND still ran after $TIMEOUT s"
		VERDICT=$STATUS_TIMEOUT
	fi
	local_unload || true
	if local_kernel_log | grep -aE "$(join_patterns "${SPLATS[@]}")" >&2; then
		say "FAILED ($STATUS_SPLAT): the host's kernel log has a splat"
		VERDICT=$STATUS_SPLAT
	fi
}
