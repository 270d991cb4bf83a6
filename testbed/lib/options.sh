# shellcheck shell=bash
# The command line of testbed/run: its help, its defaults, its parser.

# Every option's value; the other files read these.
# shellcheck disable=SC2034
set_defaults() {
	MACHINE=bochs KERNEL=6.1 CPU=skylake CPUS=1 MEMORY=512
	APPEND='' MODULE_PARAMS='' QEMU=0 MODULE=1
	ADD=() GUESTS=() DISKS=() INSERT=() COMMAND=()
	TIMEOUT='' BOOT_TIMEOUT=''
	INTERACTIVE=0 EXPECT_PANIC=0 QUIET=0 YES=0 KEEP='' BOCHS_LOG=0 TRACE=0
}

usage() {
	cat <<'HELP'
usage: testbed/run [OPTION]... -- COMMAND [ARGUMENT]...
       testbed/run [OPTION]... --interactive [-- COMMAND [ARGUMENT]...]

Boots a machine that has VT-x, loads minivmx.ko there, runs COMMAND as root in
a small busybox userland, and passes on its output and its exit status. A splat
anywhere in the host's kernel log makes the run fail, whatever COMMAND says.

The machine
  --machine M        bochs  Debian's Bochs, a CPU emulated with VT-x (default)
                     qemu   nested KVM where there is any; else an emulated CPU
                            without VT-x, to see the module refuse
                     local  this machine, its own kernel; asks first
  --kernel K         6.1 (default) or 6.12: Debian's newest cloud kernel of it
                     full, full-6.12: the same with all drivers and PM_DEBUG,
                     for tests of suspend; newest: the newest cloud kernel of
                     Debian's newer suites, on which minivmx can only borrow
                     VMX from KVM. These are downloaded when first asked for.
                     debug: 6.12 with KASAN, lockdep and more, slow; built when
                     first asked for, which takes 15 to 25 minutes
  --cpu C            skylake (default) or broadwell; Bochs only
  --cpus N           processors (1)
  --mem MB           memory (512)
  --append STRING    more kernel parameters, e.g. mitigations=off
  --disk FILE[,snapshot]
                     FILE, of whole 512-byte sectors, is a disk of the machine, at
                     most three times: /testbed/disks/0, then 1 and 2. What is
                     written there is in FILE afterwards; with ,snapshot it is
                     lost, and FILE only read

What is in it
  --add PATH[:DEST]  also put PATH there, a file or a directory, with the shared
                     libraries it needs. Without DEST an absolute PATH keeps its
                     place and a relative one goes below /root, where COMMAND
                     starts: the same words name it on both sides
  --guest K          also put there /guests/linux-K/vmlinuz, a Debian kernel to
                     run as a guest, and /guests/initramfs.cpio for it
  --qemu             also put qemu-system-x86_64 there, to run guests under KVM
  --module NAME      insert that module of the host's kernel before minivmx, with
                     what it needs; testbed/lib/kernels.sh has the list of those
                     there are. Their files are in /testbed/ko
  --kvm              the same as --module kvm-intel
  --no-module        do not load minivmx (it is in /lib/minivmx all the same)
  --module-params S  parameters for minivmx.ko

The run
  --interactive      COMMAND (a shell by default) on this terminal; Ctrl-] ends
                     the machine at once
  --timeout S        seconds COMMAND may take (300; none with --interactive)
  --boot-timeout S   seconds the machine may take to start COMMAND (300; 1200
                     with --kernel debug)
  --expect-panic     the host is to panic, and its crash kernel to report in the
                     place of COMMAND; what the kernels' logs say does not count
  --keep DIR         leave the run's logs in DIR, also after a success
  --bochs-log        have Bochs log its errors, which name the check behind each
                     failed VM entry, and keep that log
  --trace            have Bochs list each instruction between the fifth and the sixth
                     XCHG BX,BX; with --keep it is in DIR/screen
  --yes              do not ask before using --machine local
  --quiet            say nothing but why a run failed

Exit status: COMMAND's own, or
  240  the testbed could not start: usage, setup, or `make payload` failed
  241  the machine did not reach its init
  242  a module could not be inserted
  243  the host's kernel log has a splat: WARNING, BUG, lockdep, RCU stall, ...
  244  the host died: panic, or an oops, lockup or hung task, which panic here
  245  COMMAND still ran at its time limit
  246  the machine ended before COMMAND did: reset, triple fault, power off
  247  --machine local was not agreed to
  130, 143, 141  interrupted, terminated, nobody reads the output

With TESTBED_NO_PAYLOAD=1 in the environment nothing is built and nothing of
minivmx is put into the machine.

Examples
  testbed/run -- minivmx info
  testbed/run --kernel 6.12 --cpu broadwell --cpus 2 -- sh -c 'dmesg | tail'
  testbed/run --add build/mytest -- build/mytest --verbose
  testbed/run --no-module --kvm -- ls -l /dev/kvm
  testbed/run --interactive
HELP
}

bad_usage() {
	die "$STATUS_SETUP" "$* (see testbed/run --help)"
}

require_number() {
	[[ $2 =~ ^[1-9][0-9]*$ ]] || bad_usage "$1 takes a number, not '$2'"
}

require_one_of() {
	local option=$1 value=$2
	shift 2
	[[ " $* " == *" $value "* ]] || bad_usage "$option takes one of: $*; not '$value'"
}

# shellcheck disable=SC2034
parse_options() {
	local option
	set_defaults
	while [[ $# -gt 0 ]]; do
		option=$1
		shift
		case $option in
		--kvm) INSERT+=(kvm-intel) ;;
		--qemu) QEMU=1 ;;
		--no-module) MODULE=0 ;;
		--interactive) INTERACTIVE=1 ;;
		--bochs-log) BOCHS_LOG=1 ;;
		--trace) TRACE=1 ;;
		--yes) YES=1 ;;
		--quiet) QUIET=1 ;;
		--expect-panic) EXPECT_PANIC=1 ;;
		-h | --help) usage && exit 0 ;;
		--) COMMAND=("$@") && break ;;
		--machine | --kernel | --cpu | --cpus | --mem | --append | --disk | --add | --guest | \
			--module | --module-params | --timeout | --boot-timeout | --keep)
			[[ $# -gt 0 ]] || bad_usage "$option takes a value"
			set_option "$option" "$1"
			shift
			;;
		*) bad_usage "unknown option $option; COMMAND comes after --" ;;
		esac
	done
	check_options
}

# shellcheck disable=SC2034
set_option() {
	case $1 in
	--machine) MACHINE=$2 ;;
	--kernel) KERNEL=$2 ;;
	--cpu) CPU=$2 ;;
	--cpus) CPUS=$2 ;;
	--mem) MEMORY=$2 ;;
	--append) APPEND+=" $2" ;;
	--disk) DISKS+=("$2") ;;
	--add) ADD+=("$2") ;;
	--guest) GUESTS+=("$2") ;;
	--module) INSERT+=("$2") ;;
	--module-params) MODULE_PARAMS=$2 ;;
	--timeout) TIMEOUT=$2 ;;
	--boot-timeout) BOOT_TIMEOUT=$2 ;;
	--keep) KEEP=$2 ;;
	esac
}

check_options() {
	local guest
	require_one_of --machine "$MACHINE" bochs qemu local
	# shellcheck disable=SC2153 # from common.sh
	require_one_of --kernel "$KERNEL" "${KERNELS[@]}"
	require_one_of --cpu "$CPU" skylake broadwell
	require_number --cpus "$CPUS"
	require_number --mem "$MEMORY"
	BOOT_TIMEOUT=${BOOT_TIMEOUT:-$([[ $KERNEL == debug ]] && echo 1200 || echo 300)}
	require_number --boot-timeout "$BOOT_TIMEOUT"
	for guest in "${GUESTS[@]}"; do
		require_one_of --guest "$guest" "${KERNEL_SERIES[@]}"
	done
	check_disks
	if [[ $INTERACTIVE == 1 ]]; then
		[[ ${#COMMAND[@]} -gt 0 ]] || COMMAND=(/bin/sh)
		TIMEOUT=${TIMEOUT:-$((10 * 365 * 24 * 3600))}
	fi
	TIMEOUT=${TIMEOUT:-300}
	require_number --timeout "$TIMEOUT"
	[[ ${#COMMAND[@]} -gt 0 ]] || bad_usage "no COMMAND after --"
}
