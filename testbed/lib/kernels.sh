# shellcheck shell=bash
# Getting Debian's packages and laying out its kernels. Sourced by setup.
#
# A kernel of the testbed is a folder in build/testbed/kernels:
#   release     its name, as uname -r says it
#   config      what it was configured with
#   vmlinuz     its image, for QEMU and as a guest
#   vmlinux     the same unpacked, for Bochs
#   modules/    those that a machine may insert
#   build       a link to the folder that modules are built in; without it that
#               is /lib/modules/RELEASE/build
#   chroot/     where that folder is, if not on this system: see in-chroot

as_root() {
	if [[ $EUID -eq 0 ]]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "$STATUS_SETUP" "setup must run as root to do: $*"
	fi
}

# What apt has to say is only worth reading when it fails.
apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -y \
		-o DPkg::Lock::Timeout=600 "$@" >"$WORK/setup.log" 2>&1 || {
		tail -n 20 "$WORK/setup.log" >&2
		die "$STATUS_SETUP" "apt-get $1 failed; all it said is in $WORK/setup.log"
	}
}

is_installed() {
	[[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# apt knows no package before its lists were fetched once.
ensure_package_lists() {
	if ! apt-cache show linux-image-cloud-amd64 >/dev/null 2>&1; then
		say "fetching apt's package lists"
		apt_get update
	fi
}

install_missing_packages() {
	local package missing=()
	for package in "$@"; do
		is_installed "$package" || missing+=("$package")
	done
	[[ ${#missing[@]} -gt 0 ]] || return 0
	ensure_package_lists
	say "installing ${missing[*]}"
	apt_get install --no-install-recommends "${missing[@]}"
}

# The newest signed package of one of Debian's kernels, by version order.
newest_image_package() {
	local pattern
	case $1 in
	6.1) pattern='6\.1\.0-[0-9]+-cloud-amd64' ;;
	6.12) pattern='6\.12\.[0-9]+\+deb12-cloud-amd64' ;;
	full) pattern='6\.1\.0-[0-9]+-amd64' ;;
	full-6.12) pattern='6\.12\.[0-9]+\+deb12-amd64' ;;
	esac
	apt-cache pkgnames linux-image- | { grep -xE "linux-image-$pattern" || true; } |
		sort -V | tail -n 1
}

# What a machine may insert, with what these need.
HOST_MODULES=(
	kvm-intel
	brd
	ata_piix sd_mod # disks of the machine
	vhost_vsock tun # what devices of a guest talk to
)

# Is that release laid out as kernel $1 already?
is_laid_out() {
	local module
	for module in "${HOST_MODULES[@]}"; do
		[[ -f $WORK/kernels/$1/modules/$module.ko ]] || return 1
	done
	[[ $(kernel_release "$1") == "$2" ]]
}

# $SCRATCH, where a kernel is laid out before it is put in its place.
new_kernel_directory() {
	trap remove_scratch EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	SCRATCH=$(mktemp -d "$WORK/kernels/.new.XXXXXX")
}

remove_scratch() {
	rm -rf --one-file-system "$SCRATCH"
}

# Download and lay out one kernel, and install the headers to build for it.
lay_out_kernel() {
	local kernel=$1 package release
	ensure_package_lists
	package=$(newest_image_package "$kernel")
	[[ -n $package ]] || die "$STATUS_SETUP" "apt offers no kernel '$kernel'"
	release=${package#linux-image-}
	if ! is_laid_out "$kernel" "$release"; then
		say "downloading Debian's kernel $release"
		new_kernel_directory
		download_package "$package" "$SCRATCH"
		unpack_kernel "$release"
		put_kernel_in_place "$kernel"
	fi
	install_missing_packages "linux-headers-$release"
}

# Of the packages in $SCRATCH make $SCRATCH/out, the folder of that kernel. Newer
# packages have all of it in the folder of the modules, and are several.
unpack_kernel() {
	local release=$1 package=$SCRATCH/package out=$SCRATCH/out modules deb
	for deb in "$SCRATCH"/*.deb; do
		dpkg-deb -x "$deb" "$package"
	done
	modules=$(find "$package" -path "*/lib/modules/$release")
	mkdir -p "$out/modules"
	if [[ -d $package/boot ]]; then
		cp "$package/boot/vmlinuz-$release" "$out/vmlinuz"
		cp "$package/boot/config-$release" "$out/config"
	else
		cp "$modules"/{vmlinuz,config} "$out/"
	fi
	unpack_vmlinux "$out/vmlinuz" >"$out/vmlinux"
	copy_modules "$modules" "$out/modules" "${HOST_MODULES[@]}"
	printf '%s\n' "$release" >"$out/release"
}

# Let $SCRATCH/out be the folder of a kernel, at once.
put_kernel_in_place() {
	local dir=$WORK/kernels/$1
	[[ ! -e $dir ]] || mv "$dir" "$SCRATCH/old"
	mv "$SCRATCH/out" "$dir"
	remove_scratch
}

# Lists that are too old name packages that are no longer there.
download_package() {
	local package=$1 dir=$2
	(cd "$dir" && apt-get -qq download "$package" 2>apt.log) && return
	apt_get update
	(cd "$dir" && apt-get -qq download "$package" 2>apt.log) ||
		die "$STATUS_SETUP" "cannot download $package: $(<"$dir/apt.log")"
}

# Print the kernel inside a bzImage. The boot protocol's header says where the
# compressed payload is; its last four bytes are the unpacked size.
unpack_vmlinux() {
	local image=$1 setup_sectors offset length start unpack
	setup_sectors=$(bzimage_number "$image" 0x1f1 1)
	offset=$(bzimage_number "$image" 0x248 4)
	length=$(bzimage_number "$image" 0x24c 4)
	start=$(((setup_sectors + 1) * 512 + offset))
	case $(od -An -tx1 -j "$start" -N 4 "$image") in
	' 28 b5 2f fd') unpack='zstd -dcq' ;;
	' 02 21 4c 18') unpack='lz4 -dcq' ;;
	' fd 37 7a 58') unpack='xz -dcq' ;;
	*) die "$STATUS_SETUP" "$image is packed in a way that is not known here" ;;
	esac
	payload "$image" "$start" "$length" | $unpack
}

payload() {
	dd if="$1" bs=1M iflag=skip_bytes,count_bytes skip="$2" count="$(($3 - 4))" status=none
}

bzimage_number() {
	od -An -tu"$3" -j "$(($2))" -N "$3" "$1"
}

# copy_modules FROM TO NAME...: modules that are somewhere in FROM, and what they need.
copy_modules() {
	local from=$1 to=$2 name file needed
	shift 2
	for name in "$@"; do
		[[ ! -f $to/$name.ko ]] || continue
		file=$(find "$from" -name "$name.ko" -o -name "$name.ko.xz")
		[[ -f $file ]] || die "$STATUS_SETUP" "there is no module $name in $from"
		copy_module "$file" "$to/$name.ko"
		read -ra needed < <(needed_modules "$to/$name.ko")
		copy_modules "$from" "$to" "${needed[@]}"
	done
}

# Decompress a module if it is, since busybox's insmod cannot, and leave off the
# signature, which a machine would spend seconds on checking.
copy_module() {
	local from=$1 to=$2 magic=$'~Module signature appended~\n' length
	case $from in
	*.xz) xz -dc "$from" >"$to" ;;
	*) cp "$from" "$to" ;;
	esac
	if tail -c "${#magic}" "$to" | grep -q '^~Module signature'; then
		# Before the magic words: the signature's length, big-endian.
		length=$((0x$(tail -c "$((${#magic} + 4))" "$to" | od -An -tx1 -N 4 | tr -d ' ')))
		truncate -s "-$((${#magic} + 12 + length))" "$to"
	fi
}
