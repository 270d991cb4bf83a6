#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# selftests/symbols must refuse what not every module may import.
set -euo pipefail

SYMBOLS=$(dirname "${BASH_SOURCE[0]}")/../symbols
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT

NUMBER=0 FAILED=0

# expect NAME STATUS PATTERN SYMVERS: a "module" that imports printk and
# take_vmx, and a kernel with these exports, a line each.
expect() {
	local name=$1 want=$2 pattern=$3 status=0
	NUMBER=$((NUMBER + 1))
	printf '%s\n' "$4" | tr '|' '\t' >"$SCRATCH/Module.symvers"
	"$SYMBOLS" "$SCRATCH/module.o" "$SCRATCH/Module.symvers" >"$SCRATCH/out" 2>&1 || status=$?
	if [[ $status -eq $want ]] && grep -qE "$pattern" "$SCRATCH/out"; then
		echo "ok $NUMBER $name"
		return
	fi
	FAILED=1
	sed 's/^/# /' "$SCRATCH/out"
	echo "# status $status, not $want, or no line matches $pattern"
	echo "not ok $NUMBER $name"
}

echo 'void printk(void), take_vmx(void); void f(void) { printk(); take_vmx(); }' |
	gcc -x c -c -o "$SCRATCH/module.o" -

PRINTK='0x00000000|printk|vmlinux|EXPORT_SYMBOL|'
TAKE='0x00000000|take_vmx'
expect 'exported to all' 0 '^ok +take_vmx +EXPORT_SYMBOL_GPL$' \
	"$PRINTK"$'\n'"$TAKE|vmlinux|EXPORT_SYMBOL_GPL|"
expect 'old lists have no last column' 0 '^ok +take_vmx ' \
	"$PRINTK"$'\n'"$TAKE|vmlinux|EXPORT_SYMBOL_GPL"
expect 'not exported' 1 '^REFUSED take_vmx +not exported' "$PRINTK"
expect 'one that only begins so' 1 '^REFUSED take_vmx +not exported' \
	"$PRINTK"$'\n'"${TAKE}_on|vmlinux|EXPORT_SYMBOL|"
expect 'for modules of KVM' 1 'only for module:kvm,kvm-intel' \
	"$PRINTK"$'\n'"$TAKE|vmlinux|EXPORT_SYMBOL_GPL|module:kvm,kvm-intel"
expect 'in a namespace' 1 'only for KVM' "$PRINTK"$'\n'"$TAKE|vmlinux|EXPORT_SYMBOL|KVM"
expect 'of a module' 1 'by a module, arch/x86/kvm/kvm' \
	"$PRINTK"$'\n'"$TAKE|arch/x86/kvm/kvm|EXPORT_SYMBOL_GPL|"
expect 'the first of two is refused' 1 '^REFUSED printk' "$TAKE|vmlinux|EXPORT_SYMBOL|"
expect 'an empty list' 2 'lists no symbols' ''
: >"$SCRATCH/module.o"
expect 'no module' 2 'module.o' "$PRINTK"
echo 'int x;' | gcc -x c -c -o "$SCRATCH/module.o" -
expect 'a module that imports nothing' 2 'imports nothing' "$PRINTK"
echo "1..$NUMBER"
exit "$FAILED"
