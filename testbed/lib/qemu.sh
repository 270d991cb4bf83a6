# shellcheck shell=bash
# The machine `qemu`: with nested KVM a machine with VT-x; without, an emulated
# one that has none, on which the module must refuse to work.

# Nested VMX: this CPU has VT-x and kvm_intel passes it on.
qemu_has_nested_vmx() {
	[[ -w /dev/kvm ]] && grep -qw vmx /proc/cpuinfo &&
		grep -qs '^[Y1]' /sys/module/kvm_intel/parameters/nested
}

qemu_append() { :; }

qemu_configure() {
	local n
	QEMU_COMMAND=(qemu-system-x86_64 -display none -nodefaults -no-reboot
		-m "$MEMORY" -smp "$CPUS"
		-kernel "$WORK/kernels/$KERNEL/vmlinuz" -initrd "$RUN/initramfs"
		-append "$(kernel_command_line)"
		-serial "file:$RUN/console.log"
		-parallel "file:$RUN/output" -parallel "file:$RUN/control")
	if [[ $INTERACTIVE == 1 ]]; then
		QEMU_COMMAND+=(-chardev "tty,id=terminal,path=$(readlink "$RUN/tty")"
			-serial chardev:terminal)
	fi
	for n in "${!DISKS[@]}"; do
		QEMU_COMMAND+=(-drive "if=none,id=disk-$n,format=raw,file=$RUN/disk-$n,snapshot=$(
			is_snapshot "${DISKS[n]}" && echo on || echo off)"
			-device "ide-hd,drive=disk-$n,bus=ide.$((n / 2)),unit=$((n % 2)),model=testbed-$n")
	done
	if qemu_has_nested_vmx; then
		QEMU_COMMAND+=(-accel kvm -cpu host)
	else
		QEMU_COMMAND+=(-accel tcg -cpu max)
	fi
}

qemu_start() {
	setpriv --pdeathsig KILL "${QEMU_COMMAND[@]}" </dev/null >"$RUN/screen" 2>&1 &
	MACHINE_PID=$!
	echo "$MACHINE_PID" >"$RUN/pid"
}
