#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The manual pages: nothing of the headers and of the commands' --help is missing in them,
# two formatters find nothing wrong, and their example compiles.
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=selftests/lib/lib.sh
. lib/lib.sh

TOP=$PWD/..
UAPI=$TOP/uapi/minivmx.h
LIBRARY=$TOP/userspace/lib/libminivmx.h
MINIVMX=$TOP/build/bin/minivmx
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
OUTPUT=$SCRATCH/output

# ---- What there is to be found ----

code() { gcc -w -fpreprocessed -dD -E -P "$1"; }
ioctls() { code "$UAPI" | sed -n 's/^#define \(MINIVMX_[A-Z_]*\) .*_IO[RW]*(.*/\1/p'; }
structs() { code "$UAPI" | sed -n 's/^struct \(minivmx_[a-z_]*\) {/\1/p'; }
constants() { code "$UAPI" | sed -n 's/^#define \(MINIVMX_[A-Z0-9_]*\) .*/\1/p'; }
errnos() { grep -oE -e '-E[A-Z0-9]+' "$UAPI" | tr -d -; }
functions() { code "$LIBRARY" | grep -oE '\bminivmx_[a-z0-9_]+\(' | tr -d '('; }
commands() { $MINIVMX --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'; }

# A line that begins with a dash is about options, up to two blanks.
options() {
	$MINIVMX "$1" --help | sed -nE 's/^ {2,6}(-[^ ].*)/\1/p' | sed 's/  .*//' |
		grep -oE '(^|, )--?[a-zA-Z][a-z-]*' | sed 's/^, //'
}

# ---- What is not ----

# missing FILE LIST...: of the words that LIST prints those that are not in the file. That
# there are none at all is a fault of this test.
missing() {
	file=$1
	shift
	"$@" | sort -u >"$SCRATCH/words"
	[ -s "$SCRATCH/words" ] || echo "nothing was found by $*"
	while read -r word; do
		grep -qFw -e "$word" "$file" || echo "$word"
	done <"$SCRATCH/words"
}

# The part of minivmx.1 that is about a command.
section() {
	awk -v title="   minivmx $1" '/^(   )?[^ ]/ { is_it = $0 == title } is_it' \
		"$SCRATCH/minivmx.1.txt"
}

missing_options() {
	for command in $(commands); do
		section "$command" >"$SCRATCH/section"
		missing "$SCRATCH/section" options "$command" | sed "s/^/$command: /"
	done
}

# all NAME PAGE LIST: and that one less is noticed.
all() {
	expect "$1" 0 '^$' missing "$SCRATCH/$2.txt" "$3"
	word=$(sed -n 2p "$SCRATCH/words")
	sed "s/\<$word\>/gone/g" "$SCRATCH/$2.txt" >"$SCRATCH/less"
	expect "$1: one less is noticed" 0 "^$word$" missing "$SCRATCH/less" "$3"
}

# In C, what stands between fences below "# EXAMPLES".
# shellcheck disable=SC2016 # backticks of the page
example() { sed -n '/^# EXAMPLES/,/^# SEE/{/^```c/,/^```$/{/^```/!p}}' "$TOP/docs/man/libminivmx.3.md"; }

expect 'the pages are built' 0 '^$' "$TOP/docs/man/build" "$SCRATCH"
for page in minivmx.1 minivmx.4 libminivmx.3; do
	expect "$page: mandoc finds nothing wrong" 0 '^$' mandoc -T lint -W warning "$SCRATCH/$page"
	expect "$page: nor does groff" 0 '^$' \
		sh -c "groff -t -man -ww -Tutf8 $SCRATCH/$page >/dev/null"
	# In lines so long that none is broken.
	mandoc -T ascii -O width=1000 "$SCRATCH/$page" | col -bx >"$SCRATCH/$page.txt"
	expect "$page: it has its end" 0 '^SEE ALSO' cat "$SCRATCH/$page.txt"
done

all 'minivmx(4) has each ioctl' minivmx.4 ioctls
all 'each structure' minivmx.4 structs
all 'each constant' minivmx.4 constants
all 'each errno' minivmx.4 errnos
expect 'and with each ioctl those of its structure' 0 '^$' \
	unit/man_errnos.pl "$UAPI" "$TOP/docs/man/minivmx.4.md"
sed 's/ENODATA/gone/' "$TOP/docs/man/minivmx.4.md" >"$SCRATCH/less"
expect 'one less is noticed' 0 '^MINIVMX_GET_DIRTY_LOG: no ENODATA$' \
	unit/man_errnos.pl "$UAPI" "$SCRATCH/less"
sed '/^MINIVMX_KICK$/,/^$/d' "$TOP/docs/man/minivmx.4.md" >"$SCRATCH/less"
expect 'an ioctl less, too' 0 '^MINIVMX_KICK : there is no entry$' \
	unit/man_errnos.pl "$UAPI" "$SCRATCH/less"
all 'libminivmx(3) has each function' libminivmx.3 functions
all 'minivmx(1) has each command' minivmx.1 commands
expect 'each option of each command' 0 '^$' missing_options
sed -i 's/--initrd/gone/' "$SCRATCH/minivmx.1.txt"
expect 'one less is noticed' 0 '^run: --initrd$' missing_options
example >"$SCRATCH/example.c"
expect 'the example compiles' 0 '^$' gcc -Wall -Wextra -Werror -fsyntax-only \
	-I"$TOP/userspace/lib" -I"$TOP/uapi" "$SCRATCH/example.c"
expect 'and is one' 0 'minivmx_run\(vcpu\)' cat "$SCRATCH/example.c"
expect 'no folder' 2 'usage: docs/man/build' "$TOP/docs/man/build"
finish
