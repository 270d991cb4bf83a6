# shellcheck shell=bash
# Follow a booted machine to its end, and judge how it went.
#
# A run's directory $RUN holds what the machine writes:
#   console.log  its kernel's console, warnings and worse
#   output       COMMAND's output
#   control      what init reports, see machine/init
# and, after the end, kernel.log: the whole kernel log if init could send it.

# The value of a word's last line on the control channel, e.g. of `stage`.
control_value() {
	local word value last=''
	while read -r word value; do
		[[ $word == log ]] && break
		[[ $word == "$1" ]] && last=$value
	done <"$RUN/control"
	printf '%s' "$last"
}

machine_is_alive() {
	[[ -n ${MACHINE_PID-} ]] && kill -0 "$MACHINE_PID" 2>/dev/null
}

# End the machine whatever it does. $RUN/pid is the emulator's own process.
end_machine() {
	machine_is_alive || return 0
	[[ ! -s $RUN/pid ]] || kill -KILL "$(<"$RUN/pid")" 2>/dev/null || true
	kill -TERM "$MACHINE_PID" 2>/dev/null || true
	wait "$MACHINE_PID" 2>/dev/null || true
}

# init runs once; a second time means that the host was reset.
was_reset() {
	[[ $(grep -c '^stage init$' "$RUN/control") -gt 1 ]]
}

# Has it written anything that was not looked at? Asked often, so without a process.
has_written() {
	[[ ! $RUN/console.log -ot $RUN/looked || ! $RUN/control -ot $RUN/looked ]]
}

# What it says of itself: sets $stage, and VERDICT if that is the end.
look_at_machine() {
	: >"$RUN/looked" # first: what is written meanwhile is looked at once more
	stage=$(control_value stage)
	if [[ $EXPECT_PANIC == 0 ]] && has_panic "$RUN/console.log"; then
		sleep 2 # for the rest of its last words
		VERDICT=$STATUS_DIED
	elif was_reset; then
		VERDICT=$STATUS_VANISHED
	fi
}

# Pass on COMMAND's output as it comes, from when there can be some: until then
# the terminal belongs to the progress line.
relay_output() {
	progress running
	progress_end
	tail -c +1 -s 0.1 --pid="$MACHINE_PID" -f "$RUN/output" &
	OUTPUT_PID=$!
}

nobody_reads_output() {
	# tail also ends when the machine has: hence the order of the two.
	[[ -n $OUTPUT_PID ]] && ! kill -0 "$OUTPUT_PID" 2>/dev/null && machine_is_alive
}

# Wait for the machine to end, by itself or because it has to be ended. Sets
# VERDICT if the reason it was ended says all.
watch_machine() {
	local started=$EPOCHSECONDS running='' stage=''
	VERDICT='' OUTPUT_PID=''
	while machine_is_alive; do
		sleep 0.2
		! has_written || look_at_machine
		if [[ -n $running ]]; then
			:
		elif [[ $stage == running || $stage == off ]]; then
			running=$EPOCHSECONDS
			relay_output
		else
			progress "${stage:-booting}"
		fi
		if [[ -n $VERDICT ]]; then
			:
		elif [[ -z $running && $((EPOCHSECONDS - started)) -ge $BOOT_TIMEOUT ]]; then
			VERDICT=$STATUS_BOOT
		elif [[ -n $running && $((EPOCHSECONDS - running)) -ge $TIMEOUT ]]; then
			VERDICT=$STATUS_TIMEOUT
		elif [[ $INTERACTIVE == 1 ]] && ! terminal_is_open; then
			VERDICT=130 # as after Ctrl-C
		elif nobody_reads_output; then
			VERDICT=141 # as after SIGPIPE
		fi
		[[ -z $VERDICT ]] || break
	done
	progress_end
	end_machine
	[[ -n $OUTPUT_PID || ! -s $RUN/output ]] || relay_output
	[[ -z $OUTPUT_PID ]] || wait "$OUTPUT_PID" || true
}

# Turn what the machine left behind into VERDICT.
judge() {
	local status
	sed -n 's/^log //p' "$RUN/control" >"$RUN/kernel.log"
	: >"$RUN/splats"
	[[ $EXPECT_PANIC == 1 ]] ||
		find_splats "$RUN/console.log" "$RUN/kernel.log" >"$RUN/splats" || true
	status=$(control_value exit)
	if [[ $VERDICT == "$STATUS_DIED" ]]; then
		# Without init it is the boot that failed, e.g. for want of memory.
		[[ -n $(control_value stage) ]] || VERDICT=$STATUS_BOOT
	elif [[ -s $RUN/splats ]]; then
		VERDICT=$STATUS_SPLAT
	elif [[ $VERDICT == 130 || $VERDICT == 141 ]]; then
		return # the user's wish, nothing to explain
	elif [[ -n $VERDICT ]]; then
		:
	elif [[ -z $(control_value stage) ]]; then
		VERDICT=$STATUS_BOOT
	elif [[ -n $(control_value insmod-failed) ]]; then
		VERDICT=$STATUS_INSMOD
	elif [[ -z $status ]]; then
		VERDICT=$STATUS_VANISHED
	else
		VERDICT=$status
		return
	fi
	FAILURE=$(reason_for "$VERDICT")
}

reason_for() {
	case $1 in
	"$STATUS_BOOT") echo "the machine did not reach its init" ;;
	"$STATUS_INSMOD") echo "insmod failed: $(control_value insmod-failed)" ;;
	"$STATUS_SPLAT") echo "the host's kernel log has a splat" ;;
	"$STATUS_DIED") echo "the host died" ;;
	"$STATUS_TIMEOUT")
		if [[ -n $(control_value exit) ]]; then
			echo "timeout: COMMAND ended, but the machine did not within $TIMEOUT s"
		else
			echo "timeout: COMMAND still ran after $TIMEOUT s"
		fi
		;;
	"$STATUS_VANISHED") echo "the machine ended before COMMAND did" ;;
	esac
}

# Say why the run failed and show the end of the host's kernel log. The console
# is the better source where the machine could not send its log, since it has
# the last words.
explain_failure() {
	local log=$RUN/kernel.log
	[[ -s $log ]] || log=$RUN/console.log
	say "FAILED ($VERDICT): $FAILURE"
	if [[ -s $RUN/splats ]]; then
		say "the kernel's complaints:"
		head -n 20 "$RUN/splats" >&2
		say "the first of them, whole:"
		grep -haF -A 40 -m 1 -e "$(head -n 1 "$RUN/splats")" "$log" "$RUN/console.log" |
			sed -n 1,41p >&2
	fi
	if grep -q 'testbed: init reached' "$log"; then
		say "the host's kernel log since its init started:"
		since_init "$log" | tail -n 60 >&2
	elif [[ -s $log ]]; then
		say "the end of the host's kernel log:"
		tail -n 60 "$log" >&2
	elif [[ -s $RUN/screen ]]; then
		say "the host's kernel said nothing; the emulator's last words:"
		tail -n 10 "$RUN/screen" >&2
	fi
}
