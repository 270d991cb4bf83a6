# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The comments of the headers as Markdown, for docs/uapi-doc and docs/man/build. Sourced;
# $TOP is the top folder.
# shellcheck source-path=SCRIPTDIR
. "$TOP/selftests/lib/module.sh"

# The kernel's kernel-doc comes with the headers of the testbed's kernels.
kernel_doc_script() {
	local script
	script=$(kernel_says 6.12 kernel_build)/scripts/kernel-doc
	[[ -s $script ]] || {
		echo "there is no $script: run make setup" >&2
		return 1
	}
	echo "$script"
}

# header_doc HEADER KERNEL-DOC-OPTION... [-- OPTION]: what it has of a header; the option
# is one of kernel-doc.pl.
header_doc() {
	local header=$1 script options=()
	shift
	script=$(kernel_doc_script)
	while [[ $# -gt 0 && $1 != -- ]]; do
		options+=("$1")
		shift
	done
	[[ $# -eq 0 ]] || shift
	# It has an output for each version of Sphinx; this is that of one.
	perl "$script" -rst -sphinx-version 3.0 "${options[@]}" "$header" |
		perl "$TOP/docs/lib/kernel-doc.pl" "$@" | cat -s
}
