# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Jobs that run side by side, and what a person sees of them meanwhile.
# Sourced by selftests/run.

# shellcheck disable=SC2153 # LOGS is the caller's
JOB_NAMES=()		# in the order they were added, which is that of starting
declare -A JOB_COMMANDS=() JOB_TESTS=() JOB_PIDS=() JOB_STARTED=()

# add_job NAME FUNCTION TEST...: FUNCTION will be called with the tests, with
# $JOB_LOGS, a folder of its own, and $RESULTS and $FAILURES in it. A job
# without tests is none.
add_job() {
	local name=$1 function=$2
	shift 2
	[[ $# -gt 0 ]] || return 0
	JOB_NAMES+=("$name")
	JOB_COMMANDS[$name]=$function
	JOB_TESTS[$name]="$*"
}

list_jobs() {
	local name test
	for name in "${JOB_NAMES[@]}"; do
		for test in ${JOB_TESTS[$name]}; do
			echo "$name/$test"
		done
	done
}

# now TEXT: what the job is doing, for the progress line.
now() { echo "$1" >"$JOB_LOGS/now"; }

start_job() {
	mkdir -p "$LOGS/$1"
	JOB_STARTED[$1]=$EPOCHSECONDS
	run_job "$1" &
	JOB_PIDS[$1]=$!
}

run_job() {
	local status
	JOB=$1
	JOB_LOGS=$LOGS/$JOB
	RESULTS=$JOB_LOGS/results
	FAILURES=$JOB_LOGS/failures
	touch "$RESULTS" "$FAILURES"
	set +e
	# shellcheck disable=SC2086 # words
	(set -e && ${JOB_COMMANDS[$JOB]} ${JOB_TESTS[$JOB]}) >"$JOB_LOGS/job.log" 2>&1
	status=$?
	[[ $status -eq 0 ]] ||
		fail "$JOB: the job itself" "exit status $status" "$(<"$JOB_LOGS/job.log")"
}

count_in() { grep -c "^$1 " "$2" 2>/dev/null || true; }

job_ended() {
	local name=$1 results=$LOGS/$1/results
	wait "${JOB_PIDS[$name]}" || true
	unset "JOB_PIDS[$name]"
	progress_end
	printf '%-20s %3d passed %3d failed %3d skipped   %4d s\n' "$name" \
		"$(count_in pass "$results")" "$(count_in fail "$results")" \
		"$(count_in skip "$results")" "$((EPOCHSECONDS - JOB_STARTED[$name]))" >&2
}

# Run the jobs in their order, so many at a time.
run_jobs() {
	local max=$1 next=0 name
	trap end_jobs EXIT
	trap 'stopped 130 SIGINT' INT
	trap 'stopped 143 SIGTERM' TERM
	while [[ $next -lt ${#JOB_NAMES[@]} || ${#JOB_PIDS[@]} -gt 0 ]]; do
		while [[ $next -lt ${#JOB_NAMES[@]} && ${#JOB_PIDS[@]} -lt $max ]]; do
			start_job "${JOB_NAMES[next]}"
			next=$((next + 1))
		done
		sleep 0.3
		for name in "${!JOB_PIDS[@]}"; do
			kill -0 "${JOB_PIDS[$name]}" 2>/dev/null || job_ended "$name"
		done
		progress_of_jobs
	done
	trap - EXIT INT TERM
	progress_end
}

stopped() {
	progress_end
	echo "selftests/run: ended by $2" >&2
	exit "$1"
}

# Whatever ends this ends what it has started: testbed/run takes its machine
# with it when it gets a SIGTERM.
end_jobs() {
	local name
	set +e
	progress_end
	for name in "${!JOB_PIDS[@]}"; do
		end_tree "${JOB_PIDS[$name]}"
	done
	wait
}

# The leaves first, or what they print would be taken for a result.
end_tree() {
	local child
	for child in $(<"/proc/$1/task/$1/children"); do
		end_tree "$child"
	done 2>/dev/null
	kill -TERM "$1" 2>/dev/null || true
}

# ---- one line on a terminal ----

progress() {
	[[ -t 2 ]] || return 0
	local columns
	columns=$(tput cols 2>/dev/null || echo 80)
	printf '\r\e[K%s' "${1:0:columns-1}" >&2
}

progress_end() {
	[[ ! -t 2 ]] || printf '\r\e[K' >&2
}

progress_of_jobs() {
	[[ -t 2 ]] || return 0
	local name text='' passed failed
	passed=$(cat "$LOGS"/*/results 2>/dev/null | grep -c '^pass ' || true)
	failed=$(cat "$LOGS"/*/results 2>/dev/null | grep -c '^fail ' || true)
	for name in "${JOB_NAMES[@]}"; do
		[[ -n ${JOB_PIDS[$name]-} ]] || continue
		text+=" | $name: $(job_now "$name")"
	done
	printf -v text '%d:%02d %s passed, %s failed%s' $((SECONDS / 60)) $((SECONDS % 60)) \
		"$passed" "$failed" "$text"
	progress "$text"
}

# A boot says by its output what it is doing, the others by now().
job_now() {
	local logs=$LOGS/$1 line
	line=$(grep -a '^== begin ' "$logs/output" 2>/dev/null | tail -n 1 || true)
	[[ -n $line ]] || line=$(cat "$logs/now" 2>/dev/null || true)
	echo "${line#== begin }"
}
