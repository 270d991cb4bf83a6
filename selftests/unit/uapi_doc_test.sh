#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# docs/uapi.md is what the comments of uapi/minivmx.h say: make uapi-doc.
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=selftests/lib/lib.sh
. lib/lib.sh

TOP=$PWD/..
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
OUTPUT=$SCRATCH/output

# Of a copy of the tree's part that it is made from.
made_from() {
	mkdir -p "$SCRATCH/docs" "$SCRATCH/uapi"
	cp -r "$TOP/docs/lib" "$TOP/docs/uapi-doc" "$SCRATCH/docs/"
	for part in build selftests testbed; do
		ln -sfn "$TOP/$part" "$SCRATCH/$part"
	done
	sed "$1" "$TOP/uapi/minivmx.h" >"$SCRATCH/uapi/minivmx.h"
	"$SCRATCH/docs/uapi-doc" | diff - "$TOP/docs/uapi.md"
}

expect 'docs/uapi.md is up to date: make uapi-doc' 0 '^$' made_from ''
expect 'a member more is noticed' 1 '^< .*another' \
	made_from 's/^struct minivmx_map {/&\n\t__u64 another;/'
expect 'another word in a comment' 1 '^< - .gpa.: the first' \
	made_from 's/@gpa: first guest-physical address$/@gpa: the first guest-physical address/'
expect 'an ioctl more' 1 '^< .*MINIVMX_ANOTHER.*0x3f' \
	made_from 's/^#define MINIVMX_RUN\t.*/&\n#define MINIVMX_ANOTHER\t_IO(MINIVMX_IOC, 0x3f)/'
expect 'a constant more' 1 '^< .*MINIVMX_MAX_ANOTHER.*17' \
	made_from 's/^#define MINIVMX_MAX_VCPUS\t.*/&\n#define MINIVMX_MAX_ANOTHER\t17/'
expect 'arguments' 2 'usage: docs/uapi-doc' "$TOP/docs/uapi-doc" now
finish
