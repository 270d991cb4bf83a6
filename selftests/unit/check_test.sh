#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# minivmx check: hosts that are made up of files, each well but for one thing.
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=selftests/lib/lib.sh
. lib/lib.sh

MINIVMX=../build/bin/minivmx
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
OUTPUT=$SCRATCH/output
SAID=$SCRATCH/said
HOST=$SCRATCH/host
BUGS=$HOST/sys/devices/system/cpu/vulnerabilities

# put FILE LINE...
put() {
	file=$HOST/$1
	shift
	mkdir -p "$(dirname "$file")"
	printf '%s\n' "$@" >"$file"
}

# A host on which all is well.
healthy() {
	rm -rf "$HOST"
	put proc/cpuinfo 'processor	: 0' 'vendor_id	: GenuineIntel' \
		'model name	: Intel(R) Core(TM) i7' 'flags		: fpu lm vmx smx' \
		'vmx flags	: vnmi ept vpid unrestricted_guest' '' 'processor	: 1'
	put proc/modules 'minivmx 200704 0 - Live 0x0000000000000000 (OE)' 'e1000 1 0 - Live 0x0'
	put proc/sys/kernel/osrelease 6.1.0-test
	put lib/modules/6.1.0-test/build/Makefile all:
	put dev/minivmx ''
	put sys/kernel/security/lockdown '[none] integrity confidentiality'
	put sys/module/module/parameters/sig_enforce N
	put sys/devices/system/cpu/vulnerabilities/mds 'Not affected'
}

# says NAME STATUS PATTERN: of that host.
says() {
	expect "$1" "$2" "$3" $MINIVMX check --root "$HOST"
	cp "$OUTPUT" "$SAID"
}

healthy
says 'all is well' 0 '^ok +cpu +Intel'
expect 'with nothing to do' 1 '' grep -E '^note|^bad|^unknown|^ ' "$SAID"
expect 'in all checks' 0 '^11$' grep -c '^ok ' "$SAID"
expect 'for programs' 0 '^11$' sh -c "$MINIVMX check --json --root $HOST | grep -c '\"state\":\"ok\"'"

healthy
sed -i 's/GenuineIntel/AuthenticAMD/' "$HOST/proc/cpuinfo"
says 'a CPU of others' 4 '^bad +cpu +.*AuthenticAMD'

healthy
sed -i 's/ lm / lahf_lm /' "$HOST/proc/cpuinfo"
says 'a flag that ends like another' 4 '^bad +cpu +.*no 64-bit mode'

healthy
sed -i 's/ vmx / /' "$HOST/proc/cpuinfo"
says 'no VT-x' 4 '^bad +vmx .*missing, or off in the firmware'
expect 'and what to do' 0 '> turn it on in the firmware' cat "$SAID"
expect 'so there is nothing to own' 0 '^unknown +owner' cat "$SAID"
sed -i 's/ lm / lm hypervisor /' "$HOST/proc/cpuinfo"
says 'a virtual machine without it' 4 '^bad +vmx .*virtual machine'

healthy
sed -i 's/ lm / lm hypervisor /' "$HOST/proc/cpuinfo"
says 'a virtual machine' 0 '^note +machine'

healthy
sed -i 's/ unrestricted_guest//' "$HOST/proc/cpuinfo"
says 'a CPU that cannot all of it' 4 '^bad +capabilities .*lacks unrestricted_guest'
sed -i '/^vmx flags/d' "$HOST/proc/cpuinfo"
says 'one that does not say' 0 '^unknown +capabilities'

healthy
rm -r "${HOST:?}/lib"
says 'no headers, but a module' 0 '^note +headers'
put proc/modules 'minivmx_other 1 0 - Live 0x0'
says 'no module' 4 '^bad +module'
expect 'nor a way to build it' 0 '^bad +headers' cat "$SAID"
expect 'and what to install' 0 'linux-headers-6.1.0-test' cat "$SAID"

healthy
put sys/kernel/security/lockdown 'none [integrity] confidentiality'
says 'a signed module' 0 '^ok +signature .*has taken this one'
put proc/modules ''
says 'lockdown' 4 '^bad +signature .*\(lockdown\)$'
put sys/kernel/security/lockdown '[none] integrity confidentiality'
put sys/module/module/parameters/sig_enforce Y
says 'signatures' 4 '^bad +signature .*module.sig_enforce'
EFIVARS=sys/firmware/efi/efivars
put $EFIVARS/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c ''
printf '\006\000\000\000\001' >"$HOST/$EFIVARS/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
says 'Secure Boot' 4 '^bad +signature .*Secure Boot is on$'

healthy
rm "$HOST/dev/minivmx"
says 'no device' 4 '^bad +device +/dev/minivmx does not exist'

healthy
put proc/modules 'minivmx 1 0 - Live 0x0' 'kvm_intel 1 0 - Live 0x0'
says 'KVM' 0 '^note +owner .*borrows it'
put proc/modules 'minivmx 1 0 - Live 0x0' 'vboxdrv 1 0 - Live 0x0'
says 'another hypervisor' 0 '^note +owner .*vboxdrv'

healthy
put sys/devices/system/cpu/vulnerabilities/l1tf 'Mitigation: PTE Inversion'
put sys/devices/system/cpu/vulnerabilities/mds 'Vulnerable'
says 'bugs of the CPU' 0 '^note +mitigations .*: l1tf, mds$'
rm "$BUGS"/*
says 'none that are known' 0 '^ok +mitigations'

rm -rf "$HOST"
says 'no host' 4 '^unknown +cpu'
expect 'arguments' 2 'takes no arguments' $MINIVMX check now
finish
