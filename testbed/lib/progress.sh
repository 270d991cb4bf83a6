# shellcheck shell=bash
# Where a run has got to: one updating line on a terminal, else short lines.

PROGRESS_START=$EPOCHSECONDS
PROGRESS_SHOWN=''

elapsed() { echo $((EPOCHSECONDS - PROGRESS_START)); }

# progress STAGE: called as often as one likes.
progress() {
	[[ $QUIET == 0 ]] || return 0
	if [[ -t 2 ]]; then
		[[ "$1 $(elapsed)" == "$PROGRESS_SHOWN" ]] ||
			printf '\r\e[K[%3d s] %s ' "$(elapsed)" "$1" >&2
		PROGRESS_SHOWN="$1 $(elapsed)"
	elif [[ $1 != "$PROGRESS_SHOWN" ]]; then
		say "$(elapsed) s: $1"
		PROGRESS_SHOWN=$1
	fi
}

# Leave the line to whoever writes next.
progress_end() {
	if [[ -n $PROGRESS_SHOWN && -t 2 ]]; then
		printf '\r\e[K' >&2
		PROGRESS_SHOWN=''
	fi
}
