#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# minivmx compare: what it makes of reports, good ones and others; and of a machine on
# which nothing can be measured.
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=selftests/lib/lib.sh
. lib/lib.sh

MINIVMX=../build/bin/minivmx
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
OUTPUT=$SCRATCH/output

# report MITIGATIONS: one machine's.
report() {
	cat <<END
{
  "conditions": {
    "cpu": "A <CPU> & more", "kernel": "6.1.0", "cpus": 1, "ticks": "of the CPU's TSC",
    "mitigations": "$1", "vulnerabilities": { "mds": "Vulnerable" }
  },
  "missing": { "borrowed": "it is \"away\"" },
  "operations": [
    { "name": "cpuid", "unit": "ticks", "what": "CPUID leaf 0",
      "minivmx": { "median": 300, "spread": 0.5, "samples": 96 },
      "kvm": { "median": 1000.0, "spread": 0, "samples": 96 } },
    { "name": "ioctl", "unit": "ticks", "what": "ioctl()",
      "minivmx": { "median": 500, "spread": 0, "samples": 96 },
      "kvm": { "median": 600, "spread": 0, "samples": 96 } },
    { "name": "out", "unit": "ticks", "what": "OUT of a byte",
      "minivmx": { "median": 1500.25, "spread": 12, "samples": 96, "outside": 50 },
      "kvm": { "median": 3000, "spread": 0, "samples": 96, "outside": 70 } },
    { "name": "mmio_read", "unit": "ticks", "what": "MOV",
      "borrowed": { "median": 2500, "spread": 1, "samples": 96 } },
    { "name": "timer", "unit": "ticks", "what": "TSC deadline",
      "kvm": { "median": 2000, "spread": 5, "samples": 96 } }
  ]
}
END
}

{
	echo '{ "reports": ['
	report off
	echo ,
	report default
	echo '] }'
} >"$SCRATCH/two"
echo "{ \"reports\": [ $(report off) ] }" >"$SCRATCH/one"

compare() { $MINIVMX compare "$@"; }
# with EDIT: that file after a sed script.
with() {
	sed "$1" "$SCRATCH/one" >"$SCRATCH/edited"
	compare --from "$SCRATCH/edited"
}

expect 'a ratio' 0 '^cpuid +300 +1000 +0\.30 +- +- +0\.5% +0\.0%$' compare --from "$SCRATCH/one"
expect 'borrowed alone' 0 '^mmio_read +- +- +- +2500 +- +1\.0% +-$' compare --from "$SCRATCH/one"
expect 'KVM alone' 0 '^timer +- +2000 +- +- +- +- +5\.0%$' compare --from "$SCRATCH/one"
expect 'why something is missing' 0 '^Not measured: borrowed: it is "away"$' compare --from "$SCRATCH/one"
expect 'no mitigations' 1 '' sh -c "$MINIVMX compare --from $SCRATCH/one | grep 'go by the kernel'"
expect 'and the same' 0 'go by the kernel' compare --from "$SCRATCH/two"

expect 'CSV is written' 0 '' compare --from "$SCRATCH/two" --csv "$SCRATCH/csv"
expect 'with its head' 0 '^operation,minivmx,kvm,ratio,mitigations$' head -n 1 "$SCRATCH/csv"
expect 'a row' 0 '^out,1500\.25,3000,0\.5001,off$' cat "$SCRATCH/csv"
expect 'of each machine' 0 '^out,1500\.25,3000,0\.5001,default$' cat "$SCRATCH/csv"
expect 'where only a borrowed one is' 0 '^mmio_read,2500,,,off$' cat "$SCRATCH/csv"
expect 'and where none is' 0 '^timer,,2000,,off$' cat "$SCRATCH/csv"
expect 'all rows' 0 '^11$' sh -c "wc -l <$SCRATCH/csv"

expect 'JSON is written' 0 '' compare --from "$SCRATCH/two" --json "$SCRATCH/again"
expect 'and read again' 0 '^cpuid +300 ' compare --from "$SCRATCH/again"
expect 'on stdout without a table' 1 '^$' sh -c "$MINIVMX compare --from $SCRATCH/one --json - | grep '^cpuid'"
expect 'two files' 0 '^4$' sh -c "
	$MINIVMX compare --from $SCRATCH/two --from $SCRATCH/two | grep -c '^cpuid'"

if command -v gnuplot >/dev/null; then
	expect 'a page' 0 '' compare --from "$SCRATCH/one" --page "$SCRATCH/page"
	expect 'has its charts' 0 '^2$' grep -c '<svg' "$SCRATCH/page"
	expect 'and its numbers' 0 '<td>0\.30</td>' cat "$SCRATCH/page"
	expect 'is HTML to its end' 0 '</html>' tail -n 1 "$SCRATCH/page"
	expect 'takes text for text' 0 'A &lt;CPU&gt; &amp; more' cat "$SCRATCH/page"
	expect 'asks nobody else' 1 '^$' grep -E 'src=|href="?http|@import' "$SCRATCH/page"
else
	skip 'the page' 'there is no gnuplot'
fi

expect 'no JSON' 4 'not a regular file' compare --from /dev/null
expect 'another file' 4 'not a report' with 's/"reports"/"others"/'
expect 'a list of something else' 4 'report 0 makes no sense' with 's/"operations"/"others"/'
expect 'rows that are none' 4 'makes no sense' with 's/{ "name": "cpuid", .*/7, { "x": 1,/'
expect 'text for a number' 0 '^cpuid +0\.0 ' with 's/"median": 300,/"median": "x",/'
expect 'no such file' 4 'nothing' compare --from "$SCRATCH/nothing"
expect 'no such operation' 2 'no such operation: cpu' compare cpu
expect 'a number of rounds' 2 'not a number from 1' compare --rounds 0
echo '{ "reports": [] }' >"$SCRATCH/none"
expect 'a file without reports' 0 '^$' compare --from "$SCRATCH/none"
expect 'operations of a report' 2 'takes no operations' compare --from "$SCRATCH/one" cpuid
expect 'a file that cannot be written' 4 'cannot write' compare --from "$SCRATCH/one" --csv /nonexistent/x
if [ ! -e /dev/minivmx ] && [ ! -e /dev/kvm ]; then
	expect 'nothing to measure' 4 'modprobe kvm_intel' compare cpuid
else
	skip 'nothing to measure' 'something is here'
fi
finish
