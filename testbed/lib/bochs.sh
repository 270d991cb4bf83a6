# shellcheck shell=bash
# The machine `bochs`: Debian's Bochs, whose emulated CPUs have VT-x.

bochs_model() {
	case $1 in
	skylake) echo corei7_skylake_x ;;
	broadwell) echo broadwell_ult ;;
	esac
}

# Emulated instructions a second, the rate of every clock in the machine.
BOCHS_IPS=100000000

# Skylake's CPUID claims a TSC of 3.5 GHz, and the kernel's time would pass 35
# times too slowly, its lockup detectors with it: say what the rate is. That
# model's XSAVE leaves also fail the kernel's check; without noxsave it prints a
# WARNING, a second of serial output, and turns XSAVE off all the same. The newest
# kernel gives up on either model's, and then oopses.
#
# MONITOR of Bochs 2.7 hands the physical address to what drops TLB entries by their linear
# one. So a CPU that sleeps in MWAIT is not woken by another that had written to the
# line before: a CPU that came online could wait for ever for its first task.
bochs_append() {
	echo "idle=nomwait tsc_early_khz=$((BOCHS_IPS / 1000))$(
		[[ $CPU != skylake && $KERNEL != newest ]] || echo ' noxsave'
	)"
}

# bochs_configure: write $RUN/bochsrc and the boot disk, from the options.
bochs_configure() {
	bochs_boot_disk
	cat >"$RUN/bochsrc" <<-END
		config_interface: textconfig
		display_library: term
		memory: guest=$MEMORY, host=$MEMORY
		romimage: file=/usr/share/bochs/BIOS-bochs-latest, options=fastboot
		vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
		cpu: model=$(bochs_model "$CPU"), count=1:$CPUS:1, ips=$BOCHS_IPS, reset_on_triple_fault=0, ignore_bad_msrs=1
		clock: sync=none, time0=utc
		ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
		ata0-master: type=disk, mode=flat, path=$RUN/disk.img
		$(bochs_disks)
		boot: disk
		com1: enabled=1, mode=file, dev=$RUN/console.log
		$([[ $INTERACTIVE == 0 ]] || echo "com2: enabled=1, mode=term, dev=$(readlink "$RUN/tty")")
		parport1: enabled=1, file=$RUN/output
		parport2: enabled=1, file=$RUN/control
		log: $RUN/bochs.log
		panic: action=fatal
		error: action=$([[ $BOCHS_LOG == 1 ]] && echo report || echo ignore)
		info: action=ignore
		magic_break: enabled=$TRACE
	END
	bochs_commands >"$RUN/bochs.commands"
}

# Debian's Bochs has its debugger compiled in, which waits for a command, and for another
# wherever it stops.
bochs_commands() {
	local n
	echo c
	[[ $TRACE == 1 ]] || return 0
	printf 'c\nc\nc\nc\ntrace on\nc\ntrace off\n'
	for ((n = 0; n < 1000; n++)); do
		echo c
	done
}

# The disks, one a line. The second channel is there only when it is needed.
bochs_disks() {
	local n positions=(ata0-slave ata1-master ata1-slave)
	[[ ${#DISKS[@]} -lt 2 ]] || echo "ata1: enabled=1, ioaddr1=0x170, ioaddr2=0x370, irq=15"
	for n in "${!DISKS[@]}"; do
		echo "${positions[n]}: type=disk, path=$RUN/disk-$n, model=testbed-$n, mode=$(
			is_snapshot "${DISKS[n]}" && echo volatile || echo flat)"
	done
}

# Build what makes boot disks, when it is missing or out of date.
bochs_disk_tools() {
	local tools=$WORK/bochs scratch
	if [[ $tools/mkdisk -nt $TESTBED/bochs/mkdisk.c && $tools/boot.bin -nt $TESTBED/bochs/boot.S ]]; then
		return
	fi
	mkdir -p "$tools"
	scratch=$(mktemp -d "$tools/.new.XXXXXX")
	gcc -O2 -Wall -Wextra -o "$scratch/mkdisk" "$TESTBED/bochs/mkdisk.c"
	gcc -c -o "$scratch/boot.o" "$TESTBED/bochs/boot.S"
	ld -m elf_x86_64 -Ttext=0x7c00 -e start --oformat binary -o "$scratch/boot.bin" "$scratch/boot.o"
	mv "$scratch"/{mkdisk,boot.bin} "$tools/"
	rm -rf "$scratch"
}

bochs_boot_disk() {
	local files=$WORK/kernels/$KERNEL
	bochs_disk_tools
	"$WORK/bochs/mkdisk" "$WORK/bochs/boot.bin" "$files/vmlinuz" "$files/vmlinux" \
		"$RUN/initramfs" "$(kernel_command_line)" "$MEMORY" 1<>"$RUN/disk.img" ||
		die "$STATUS_SETUP" "the boot disk could not be made"
}

# Bochs' debugger and its text display want a terminal; script gives them one.
# The emulator's own process id goes to $RUN/pid, so that it can be ended.
bochs_start() {
	local command
	command="echo \$\$ >$(sh_quote "$RUN/pid"); exec bochs-bin -q -f $(sh_quote "$RUN/bochsrc") -rc $(sh_quote "$RUN/bochs.commands")"
	TERM=xterm setpriv --pdeathsig KILL script -qec "$command" /dev/null \
		</dev/null >"$RUN/screen" 2>&1 &
	# shellcheck disable=SC2034 # for watch.sh
	MACHINE_PID=$!
	bochs_read_screen &
}

# Bochs draws its screen on a terminal that it makes itself, and names. Nobody
# looks at it, but somebody has to read it: it is full after a few minutes, and
# then Bochs waits for ever.
bochs_read_screen() {
	local tty=''
	while machine_is_alive && [[ -z $tty ]]; do
		sleep 0.2
		tty=$(sed -n 's/.*Bochs connected to screen "\(.*\)".*/\1/p' "$RUN/screen")
	done
	[[ -n $tty ]] || return 0
	stty -F "$tty" raw -echo 2>/dev/null || return 0
	exec cat "$tty" >/dev/null 2>&1
}
