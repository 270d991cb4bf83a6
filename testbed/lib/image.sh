# shellcheck shell=bash
# The machine's root file system: an initramfs made of two concatenated
# archives, one that changes only with the testbed (cached) and one per run.

# Pack the tree $1 into the archive $2. The kernel wants every segment of a
# concatenated initramfs aligned to 4 bytes; cpio pads to 512.
pack_tree() {
	(cd "$1" && find . -mindepth 1 -print0 | LC_ALL=C sort -z |
		cpio --null --quiet --create --format=newc --owner=0:0 --reproducible) >"$2"
}

# busybox under the names of all its commands.
add_busybox() {
	local tree=$1 name
	cp "$(command -v busybox)" "$tree/bin/busybox"
	while read -r name; do
		# bin/ls, usr/sbin/chroot and the like.
		[[ $name == bin/busybox ]] || ln -s /bin/busybox "$tree/$name"
	done < <("$tree/bin/busybox" --list-full)
}

# busybox, /init and the channel helper. Made anew when any of them changes.
base_archive() {
	local archive=$WORK/base.cpio source
	for source in "$TESTBED"/machine/* "$TESTBED/lib/image.sh" "$(command -v busybox)"; do
		if [[ ! $archive -nt $source ]]; then
			make_base_archive "$archive"
			break
		fi
	done
	printf '%s\n' "$archive"
}

make_base_archive() {
	local archive=$1 tree
	tree=$(mktemp -d "$WORK/.base.XXXXXX")
	mkdir -p "$tree"/{bin,sbin,lib,lib64,dev,proc,sys,run,tmp,etc,root,testbed} \
		"$tree"/usr/{bin,sbin,lib}
	add_busybox "$tree"
	cp "$TESTBED/machine/init" "$tree/init"
	gcc -O2 -Wall -static -o "$tree/testbed/channel" "$TESTBED/machine/channel.c"
	strip "$tree/testbed/channel"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$tree/etc/passwd"
	echo 'root:x:0:' >"$tree/etc/group"
	pack_tree "$tree" "$tree.cpio"
	rm -rf "$tree"
	mv "$tree.cpio" "$archive"
}

# Copy the shared libraries that the ELF files in tree $1 need and that the
# tree does not bring itself, to the paths the dynamic linker gave.
add_shared_libraries() {
	local tree=$1 library elfs
	mapfile -t elfs < <(find "$tree" -type f \( -perm -u+x -o -name '*.so*' \) -print0 |
		xargs -0r grep -lsaZ -m1 $'^\x7fELF' -- | tr '\0' '\n')
	[[ ${#elfs[@]} -gt 0 ]] || return 0
	# ldd fails on static programs; those just print no path.
	while read -r library; do
		[[ $library == "$tree"/* || -e $tree$library ]] && continue
		install -D -m 755 "$library" "$tree$library"
	done < <(LD_LIBRARY_PATH=$tree/usr/lib/x86_64-linux-gnu:$tree/usr/lib \
		ldd "${elfs[@]}" 2>/dev/null |
		sed -nE 's/^\s+(\S+ => )?(\/\S+) \(0x.*/\2/p' | sort -u)
}

# Put PATH[:DEST] into tree $1. A relative PATH goes below COMMAND's working
# directory and an absolute one keeps its place, so that in both cases the same
# words name the file here and there.
add_path() {
	local tree=$1 path=${2%%:*} dest=
	[[ $2 == *:* ]] && dest=${2#*:}
	[[ -e $path ]] || die "$STATUS_SETUP" "--add: no such file: $path"
	if [[ -z $dest ]]; then
		case $path in
		*..*) die "$STATUS_SETUP" "--add $path: say where to, with $path:DEST" ;;
		/*) dest=$path ;;
		*) dest=/root/$path ;;
		esac
	fi
	mkdir -p "$tree/$(dirname "$dest")"
	cp -rLT "$path" "$tree/$dest"
}

# The host kernel's modules to insert, with what they need, in order.
host_modules() {
	local name
	for name in "${INSERT[@]}"; do
		modules_for "$KERNEL" "$name"
	done | awk '!seen[$0]++'
}

# The modules to insert, in order, one a line with its parameters. The host
# kernel's are put into tree $1.
add_modules() {
	local dir=$1/testbed/ko names name
	names=$(host_modules)
	mkdir -p "$dir"
	for name in $names; do
		cp "$WORK/kernels/$KERNEL/modules/$name.ko" "$dir/"
		echo "/testbed/ko/$name.ko"
	done
	if [[ $MODULE == 1 ]]; then
		echo "/lib/minivmx/minivmx.ko $MODULE_PARAMS"
	fi
}

# What machine/init runs: COMMAND, and how to run it.
add_command() {
	local dir=$1/testbed
	add_modules "$1" >"$dir/modules"
	{
		echo "interactive=$INTERACTIVE"
		[[ $INTERACTIVE == 0 ]] || terminal_settings
	} >"$dir/settings"
	printf '#!/bin/sh\nexec %s\n' "$(sh_quote "${COMMAND[@]}")" >"$dir/command"
	chmod +x "$dir/command"
}

add_guest() {
	local tree=$1/guests series=$2
	mkdir -p "$tree/linux-$series"
	ln "$WORK/kernels/$series/vmlinuz" "$tree/linux-$series/vmlinuz"
	"$TESTBED/guest-initramfs"
	cp "$WORK/guest/initramfs.cpio" "$tree/initramfs.cpio"
}

# What QEMU opens to boot a Linux kernel on its machine "pc".
QEMU_FILES=(
	/usr/bin/qemu-system-x86_64
	/usr/share/seabios/bios-256k.bin
	/usr/share/qemu/{kvmvapic,linuxboot_dma}.bin
)

# Write $RUN/initramfs: everything the machine has.
make_initramfs() {
	local tree=$RUN/tree payload=$TOP/build/payload/$RELEASE path series
	mkdir -p "$tree/testbed"
	with_payload cp -a "$payload/." "$tree/"
	if [[ $QEMU == 1 ]]; then
		for path in "${QEMU_FILES[@]}"; do
			add_path "$tree" "$path"
		done
	fi
	for path in "${ADD[@]}"; do
		add_path "$tree" "$path"
	done
	add_shared_libraries "$tree"
	for series in "${GUESTS[@]}"; do
		add_guest "$tree" "$series"
	done
	add_command "$tree"
	pack_tree "$tree" "$RUN/initramfs.run"
	cat "$(base_archive)" "$RUN/initramfs.run" >"$RUN/initramfs"
	rm -rf "$tree" "$RUN/initramfs.run"
}
