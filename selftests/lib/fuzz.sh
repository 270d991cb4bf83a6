# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Fuzzers that run on this machine. Sourced by selftests/run and selftests/fuzz/run.
# BUILD and SELFTESTS are the caller's.

# One that libFuzzer takes, too, to which 0 means that it is to choose one.
random_seed() { echo $((1 + SRANDOM % 0xffffffff)); }

# fuzz NAME ROUNDS SEED FOLDER: run it, with what it prints in FOLDER/log, and print
#	NAME: rounds N seed S findings F
# libFuzzer ends with its first finding and leaves the input in FOLDER; it begins with the
# corpus. Fails if there are findings, or rounds that it did not make.
fuzz() {
	local name=$1 rounds=$2 seed=$3 folder=$4 log=$4/log made='' found=''
	mkdir -p "$folder/corpus"
	if [[ $name == decode_fuzz ]]; then
		"$BUILD/selftests/unit/$name" "$rounds" "$seed" >"$log" 2>&1 </dev/null || true
		read -r made found < <(
			sed -n 's/^decode_fuzz: cases \([0-9]*\) .* disagree \([0-9]*\)$/\1 \2/p' "$log"
		) || true
	elif "$BUILD/fuzz/$name" "-runs=$rounds" "-seed=$seed" -max_len=1024 -timeout=60 \
		"-artifact_prefix=$folder/" "$folder/corpus" \
		"$SELFTESTS/fuzz/corpus/${name%_fuzz}" >"$log" 2>&1 </dev/null; then
		made=$(sed -n 's/^Done \([0-9]*\) runs .*/\1/p' "$log")
		found=0
	fi
	echo "$name: rounds ${made:-0} seed $seed findings ${found:-1}"
	[[ ${made:-0} -ge $rounds && $found == 0 ]]
}
