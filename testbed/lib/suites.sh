# shellcheck shell=bash
# Debian systems beside this one, made by mmdebstrap of what this machine's own apt
# configuration names, with its keys and proxies.

# Print the sources in a file of apt's configuration, of either format, that
# name this machine's suite, with the suites given instead; without suites, as they
# are, those of its updates too.
sources_of() {
	local file=$1 codename
	shift
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	[[ $# -gt 0 ]] || codename+='(-updates|-security)?'
	case $file in
	*.sources)
		awk -v codename="$codename" -v suites="$*" 'BEGIN { RS = ""; FS = "\n" } {
			wanted = 0
			for (i = 1; i <= NF; i++)
				if ($i ~ "^Suites:(.*[ \t])?" codename "([ \t]|$)") {
					if (suites)
						$i = "Suites: " suites
					wanted = 1
				}
			for (i = 1; wanted && i <= NF; i++)
				print $i
			if (wanted)
				print ""
		}' "$file"
		;;
	*.list)
		awk -v codename="$codename" -v suites="$*" '$1 == "deb" {
			uri = $2 ~ /^\[/ ? 3 : 2
			while (uri > 2 && $(uri - 1) !~ /\]$/)
				uri++
			if ($(uri + 1) !~ "^" codename "$")
				next
			n = split(suites ? suites : $(uri + 1), suite, " ")
			for (i = 1; i <= n; i++) {
				$(uri + 1) = suite[i]
				print
			}
		}' "$file"
		;;
	esac
}

# Write an apt configuration directory $1 for some suites, or for this machine's.
make_sources() {
	local dir=$1 file
	shift
	mkdir -p "$dir"
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}; do
		[[ -e $file ]] || continue
		sources_of "$file" "$@" >"$dir/${file##*/}"
		[[ -s $dir/${file##*/} ]] || rm "$dir/${file##*/}"
	done
	[[ -n $(ls "$dir") ]] ||
		die "$STATUS_SETUP" "no source in /etc/apt names this machine's Debian release"
}

# make_system SUITE DIR SOURCES OPTION...: a system of that suite in DIR, of the
# sources in that directory. Its own mount namespace, so that an interrupted
# mmdebstrap leaves nothing mounted. What it says goes to stdout.
make_system() {
	local suite=$1 dir=$2 sources=$3
	shift 3
	apt-config dump Acquire | grep -v '^Acquire::IndexTargets' >"$SCRATCH/system.conf"
	as_root env -u APT_CONFIG unshare --mount mmdebstrap --mode=root \
		--aptopt="$SCRATCH/system.conf" "$@" "$suite" "$dir" "$sources"/* 2>&1
}
