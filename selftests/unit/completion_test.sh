#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Completion in bash: it offers every command and every option that the sources have, and
# what stands for the words in capitals.
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=selftests/lib/lib.sh
. lib/lib.sh
# shellcheck source=packaging/minivmx.bash
. ../packaging/minivmx.bash

SOURCES=../userspace/runner
PATH=$(cd ../build/bin && pwd):$PATH
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
OUTPUT=$SCRATCH/output

# offered WORD...: what is offered for the last word, one a line.
offered() {
	COMP_WORDS=(minivmx "$@") COMP_CWORD=$#
	_minivmx minivmx
	printf '%s\n' "${COMPREPLY[@]}"
}

# offers NAME WANTED WORD...: just WANTED, words in any order.
offers() {
	local name=$1 wanted=$2
	shift 2
	# shellcheck disable=SC2086 # words
	diff <(printf '%s\n' $wanted | sort -u) <(offered "$@" | sort -u) >"$SCRATCH/diff"
	ok $? "$name"
	sed 's/^/# /' "$SCRATCH/diff"
}

# lacks LIST WORD...: those of a list on stdin, one a line, that are not offered; fails if
# there are some, or if there is no list.
lacks() {
	local given
	given=$(cat)
	[[ -n $given ]] || return 1
	! grep -vxF -f <(offered "$@") <<<"$given"
}

# The commands of a source file, by their functions.
commands_in() {
	sed -n 's/^int cmd_\([a-z]*\)(.*/\1/p' "$1"
}

# The options in the tables of a source file, for getopt and of minivmx run; json_option()
# has its own.
options_in() {
	sed -nE 's/^\t+\{ "([a-z-]+)", (no|required|optional)_argument,.*/--\1/p
		s/^\t\{ "([a-z-]+)", (0|.[a-z].), (NULL|"[^"]*"),.*/--\1/p' "$1"
	! grep -q 'json_option(argc' "$1" || printf '%s\n' --json --help
}

# Every option of a file is one of its commands' at least: several have one table.
offered_by_all_of() {
	local command
	for command in $(commands_in "$1"); do
		offered "$command" -
	done
}

sed -n 's/^\t{ "\([a-z]*\)", cmd_.*/\1/p' $SOURCES/main.c | lacks ''
ok $? 'every command'
for file in "$SOURCES"/cmd_*.c; do
	if [[ $file == */cmd_run.c ]]; then
		options_in $SOURCES/run_options.c | lacks run -
	else
		options_in "$file" >"$SCRATCH/options"
		[[ -s $SCRATCH/options ]] &&
			! grep -vxF -f <(offered_by_all_of "$file") "$SCRATCH/options"
	fi
	ok $? "every option in ${file##*/}"
done

offers 'a command' 'pause' paus
offers 'options of the program' '--help --version' --
offers 'letters' '-k' run -k
offers 'no option where a value is wanted' '' run --mem -
offers 'alternatives' 'serial virtio' run --console ''
offers 'behind a =' 'kvm' run --backend = k
offers 'the beginning of a value' 'user tap=' run --net ''
offers 'a name is no guest yet' '' run --name ''
offers 'subcommands' 'walk' ept w
offers 'fields in either case' 'GUEST_CS_SELECTOR' vmcs get guest_cs_sel
offers 'operations' 'cr_write' compare cr_
offers 'nothing for no command' '' nonsense ''

mkdir "$SCRATCH/files"
touch "$SCRATCH/files/vmlinuz 1" "$SCRATCH/files/vmlinuz-2"
mkdir "$SCRATCH/files/vm"
prefix=$SCRATCH/files/vm
ok "$([[ $(offered run "$prefix" | sort -u) == "$prefix"$'\n'"${prefix}linuz 1"$'\n'"${prefix}linuz-2" ]]
	echo $?)" 'images and folders, with spaces in their names'
offers 'files of an option' "$SCRATCH/files/vmlinuz-2" run --initrd "$SCRATCH/files/vmlinuz-"
offers 'only with a =' "$(offered compare '' | xargs)" compare --own ''
offers 'folders alone' "$prefix" check --root "$prefix"

# Sockets that are listened to are guests, though these do not answer. In a /run of this
# test's own: as root, minivmx looks nowhere else.
cat >"$SCRATCH/listen.pl" <<'END'
use Socket;
my @held;
for my $name ('web', $$) {
	socket(my $socket, PF_UNIX, SOCK_SEQPACKET, 0) or die "socket: $!";
	bind($socket, sockaddr_un("/run/minivmx/$name.sock")) or die "bind: $!";
	listen($socket, 5) or die "listen: $!";
	push @held, $socket;
}
open(my $ready, '>', $ARGV[0]) or die "$ARGV[0]: $!";
print $ready "web\n$$\n";
close $ready;
sleep 60;
END
guests_are_offered() {
	# shellcheck disable=SC2016 # for the shell inside
	unshare --mount --map-root-user bash -c '
		mount -t tmpfs -o mode=755 tmpfs /run && mkdir -m 700 /run/minivmx || exit
		perl "$1/listen.pl" "$1/names" &
		trap "kill $!" EXIT
		for i in {1..100}; do [[ -s $1/names ]] && break; sleep 0.1; done
		. ../packaging/minivmx.bash
		COMP_WORDS=(minivmx stop "") COMP_CWORD=2
		_minivmx minivmx
		diff <(sort "$1/names") <(printf "%s\n" "${COMPREPLY[@]}" | sort)
	' bash "$SCRATCH"
}
guests_are_offered
ok $? 'guests that run'
finish
