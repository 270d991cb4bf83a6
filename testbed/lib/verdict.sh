# shellcheck shell=bash
# Exit statuses that are not COMMAND's, and how the host's kernel log is judged.

STATUS_SETUP=240     # the testbed itself could not start
STATUS_BOOT=241      # the machine never reached its init
STATUS_INSMOD=242    # a module was refused
STATUS_SPLAT=243     # the kernel log holds an oops, BUG, WARNING, lockup, ...
STATUS_DIED=244      # the host kernel panicked
STATUS_TIMEOUT=245   # COMMAND was still running at its time limit
STATUS_VANISHED=246  # the machine ended without a word about COMMAND
STATUS_REFUSED=247   # --machine local was not agreed to
export STATUS_SETUP STATUS_BOOT STATUS_INSMOD STATUS_SPLAT STATUS_DIED \
	STATUS_TIMEOUT STATUS_VANISHED STATUS_REFUSED

PANIC_PATTERN='Kernel panic - not syncing|Rebooting in [0-9]+ seconds'

# Words the kernel uses only when something is wrong with it. Each is anchored
# as far as possible, since programs' names and paths appear in the log too.
SPLATS=(
	'BUG: '                               # oopses, KASAN, sleeping in atomic, soft lockup
	'kernel BUG at '
	'WARNING: CPU: '
	'WARNING: .* at .*/.*:[0-9]+'         # the same, in newer kernels
	'WARNING: .*(lock|RCU|chain_key)'     # lockdep
	'INFO: (rcu|task|possible|trying|suspicious|lockdep)[ :_]'
	'rcu: INFO: '
	'Oops: '
	'general protection fault'
	'double fault: '
	'unchecked MSR access error'
	'unable to handle '
	'UBSAN: '
	'BUG [^ ]+ \('                        # SLUB
	'ODEBUG: '
	'kmemleak: ([0-9]+ new suspected|Memory pool empty|Cannot allocate a kmemleak_object|.* disabled)'
	'turning off the locking correctness validator'
	'watchdog: .*lockup'
	'blocked for more than [0-9]+ seconds'
	'bad page state|Bad page state|Bad rss-counter state'
	'refcount_t: '
	'list_(add|del) corruption'
	'Objects remaining in '
	'irq [0-9]+: nobody cared'
	'scheduling while atomic'
	'Call Trace:'
	'---\[ end trace'
	"$PANIC_PATTERN"
)

# Lines that say one of those things about something else than the kernel, or
# that this emulated machine says at every boot.
NOT_SPLATS=(
	'traps: .* general protection fault'  # a program's, not the kernel's
)

join_patterns() {
	local IFS='|'
	printf '%s' "$*"
}

# The part of a kernel log that counts: what Debian's kernel says of the
# emulated machine before init is no finding.
since_init() {
	sed -e '1,/testbed: init reached/d' -e 's/\r$//' "$1"
}

# Print the splats' first lines in the log files given, each once.
find_splats() {
	local log
	for log in "$@"; do
		since_init "$log"
	done | grep -aE "$(join_patterns "${SPLATS[@]}")" |
		grep -avE "$(join_patterns "${NOT_SPLATS[@]}")" |
		awk '!seen[$0]++'
}

has_panic() {
	grep -aqE "$PANIC_PATTERN" "$1" 2>/dev/null
}
