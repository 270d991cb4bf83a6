# shellcheck shell=bash
# The user's terminal as the machine's second serial port.

# socat puts the terminal into raw mode and joins it to a pty, whose other end
# $RUN/tty the machine opens as a serial line. Ctrl-] hangs up.
open_terminal() {
	TERMINAL_SETTINGS=$(stty -g 2>/dev/null || true)
	# Without the explicit <&0 bash would give a background job /dev/null.
	socat -t 1 "STDIO,$([[ ! -t 0 ]] || echo 'raw,echo=0,')escape=0x1d" \
		"PTY,link=$RUN/tty,raw,echo=0,wait-slave" <&0 &
	TERMINAL_PID=$!
	while [[ ! -e $RUN/tty ]]; do
		terminal_is_open || die "$STATUS_SETUP" "socat could not open a pty"
		sleep 0.05
	done
}

terminal_is_open() {
	kill -0 "$TERMINAL_PID" 2>/dev/null
}

close_terminal() {
	[[ -n ${TERMINAL_PID-} ]] || return 0
	kill -TERM "$TERMINAL_PID" 2>/dev/null || true
	wait "$TERMINAL_PID" 2>/dev/null || true
	[[ -z $TERMINAL_SETTINGS ]] || stty "$TERMINAL_SETTINGS"
	TERMINAL_PID=''
}

# What the machine's init needs to know of the terminal.
terminal_settings() {
	local rows cols
	read -r rows cols < <(stty size 2>/dev/null || echo 0 0)
	# A terminal that does not know its size says 0.
	[[ $rows -gt 0 && $cols -gt 0 ]] || rows=24 cols=80
	echo "rows=$rows cols=$cols term=$(sh_quote "${TERM:-linux}")"
}
