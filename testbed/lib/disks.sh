# shellcheck shell=bash
# Files that are disks of the machine. Each has a model name by which machine/init
# knows it, whatever its kernel calls it.

# Bochs has two ATA channels of two disks, and boots from one.
MAX_DISKS=3

check_disks() {
	local file
	[[ ${#DISKS[@]} -le $MAX_DISKS ]] || bad_usage "--disk: a machine has at most $MAX_DISKS"
	for file in "${DISKS[@]%,snapshot}"; do
		[[ -f $file ]] || bad_usage "--disk: no such file: $file"
		[[ -s $file && $(($(stat -Lc %s "$file") % 512)) -eq 0 ]] ||
			bad_usage "--disk $file: not whole sectors of 512 bytes"
	done
	[[ ${#DISKS[@]} -eq 0 ]] || INSERT+=(ata_piix sd_mod)
}

is_snapshot() { [[ $1 == *,snapshot ]]; }

# Link the files into $RUN, where no name needs to be quoted and where emulators
# leave what they put beside a disk. Two runs must not write to one file; the lock
# is given back when this script and the emulator have ended.
open_disks() {
	local n file lock kind
	for n in "${!DISKS[@]}"; do
		file=$(realpath "${DISKS[n]%,snapshot}")
		kind=$(is_snapshot "${DISKS[n]}" && echo --shared || echo --exclusive)
		ln -s "$file" "$RUN/disk-$n"
		exec {lock}<"$file"
		flock --nonblock "$kind" "$lock" ||
			die "$STATUS_SETUP" "--disk: $file is the disk of a machine already"
	done
}
