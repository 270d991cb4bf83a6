# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Judging a test program by its output, in the Test Anything Protocol as the
# kernel's harness writes it. Sourced by selftests/run.
#
# Each result is a line of the file $RESULTS, "pass", "fail" or "skip" and a
# name; what is to be said of a failure goes to the file $FAILURES.

result() { printf '%s %s\n' "$1" "$2" >>"$RESULTS"; }

# fail NAME [LINE...]: a failure, and what explains it.
fail() {
	result fail "$1"
	{
		printf 'FAILED %s\n' "$1"
		shift
		[[ $# -eq 0 ]] || printf '%s\n' "$@" | sed 's/^/    /'
	} >>"$FAILURES"
}

# The last N of the lines that follow.
tail_of() {
	local n=$1
	shift
	[[ $# -eq 0 ]] || printf '%s\n' "$@" | tail -n "$n"
}

# What a program's exit status says against it, after its output did not.
tap_trouble() {
	local status=$1 plan=$2 number=$3 failed=$4
	if [[ $status -eq 137 ]]; then
		echo 'it was killed, perhaps at its time limit'
	elif [[ $status -gt 128 ]]; then
		echo "it died of signal $((status - 128))"
	elif [[ -z $plan ]]; then
		echo "it prints no plan (exit status $status)"
	elif [[ $plan -ne $number ]]; then
		echo "it planned $plan tests and reports $number (exit status $status)"
	elif [[ $status -eq 0 && $failed -gt 0 ]]; then
		echo "its exit status is 0, though $failed tests failed"
	elif [[ $status -eq 4 && $plan -eq 0 ]]; then
		: # all of it was skipped
	elif [[ $status -ne 0 && $failed -eq 0 ]]; then
		echo "its exit status is $status, though no test failed"
	fi
}

# tap_judge PROGRAM STATUS <OUTPUT: one result for each test that the program
# reports, and one more for the program itself if it cannot be trusted: it did
# not do what it planned, or ended as if it had not.
tap_judge() {
	local program=$1 status=$2
	local line name running='' plan='' number=0 failed=0 trouble='' since=() all=()

	while IFS= read -r line || [[ -n $line ]]; do
		line=${line%$'\r'}
		all+=("$line")
		if [[ $line =~ ^1\.\.([0-9]+)( *#.*)?$ ]]; then
			[[ -z $plan ]] || trouble='it prints two plans'
			plan=${BASH_REMATCH[1]}
			if [[ $plan -eq 0 && $line == *SKIP* ]]; then
				result skip "$program: ${line#*SKIP }"
			elif [[ $plan -eq 0 ]]; then
				trouble='its plan is to do nothing'
			fi
		elif [[ $line =~ ^(not )?ok\ ([0-9]+)(\ (- )?(.*))?$ ]]; then
			number=$((number + 1))
			[[ ${BASH_REMATCH[2]} -eq $number ]] ||
				trouble="result ${BASH_REMATCH[2]} stands where $number should"
			name="$program: ${BASH_REMATCH[5]:-$number}"
			if [[ $line == not\ ok* ]]; then
				failed=$((failed + 1))
				fail "$name" "$(tail_of 40 "${since[@]}")"
			elif [[ ${BASH_REMATCH[5]} =~ ^(.*)\#\ *SKIP\ *(.*)$ ]]; then
				# The harness leaves the name out.
				name=${BASH_REMATCH[1]:-$running}
				result skip "$program: ${name% }: ${BASH_REMATCH[2]}"
			else
				result pass "$name"
			fi
			since=()
		elif [[ $line =~ ^'Bail out!' ]]; then
			trouble=$line
		else
			[[ ! $line =~ ^#\ +RUN\ +([^ ]+) ]] || running=${BASH_REMATCH[1]}
			since+=("$line")
		fi
	done

	[[ -n $trouble ]] || trouble=$(tap_trouble "$status" "$plan" "$number" "$failed")
	if [[ -n $trouble ]]; then
		fail "$program" "$trouble" "$(tail_of 20 "${all[@]}")"
	fi
}
