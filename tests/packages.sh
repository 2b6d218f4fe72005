# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Brings Debian's packages to a machine; for other scripts, which read this file in. Only
# what is missing is installed, through sudo where the caller is not root.
#
# After use_suites packages of these suites are downloaded, whatever the machine has. The lists
# of what there is belong to the script then: nothing changes for the rest of the machine.

PATH=$PATH:/usr/sbin:/sbin
export DEBIAN_FRONTEND=noninteractive

fail() {
	for line in "$@"; do
		echo "$0: $line" >&2
	done
	exit 1
}

is_installed() {
	dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo env DEBIAN_FRONTEND=noninteractive "$@"
	else
		fail "this must run as root and sudo is not installed: $*" \
			"become root, run that command, and start again"
	fi
}

refresh_lists() {
	echo "Refreshing the package lists"
	as_root apt-get -qq update ||
		fail "apt-get update failed; check the network and /etc/apt/sources.list"
}

all_known() {
	# apt-cache prints nothing for a package that no list names.
	for package in "$@"; do
		apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [^(]' || return 1
	done
}

apt_install() {
	as_root apt-get -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends --no-remove install "$@" >/dev/null
}

install_packages() {
	all_known "$@" || refresh_lists
	echo "Installing $*"
	apt_install "$@" && return
	refresh_lists
	apt_install "$@" ||
		fail "these packages could not be installed: $*" \
			"the messages of apt above say why"
}

install_missing() {
	missing=
	for package in "$@"; do
		is_installed "$package" || missing="$missing $package"
	done
	# shellcheck disable=SC2086 # a list of words
	[ -z "$missing" ] || install_packages $missing
}

# Downloading needs no rights, so what is downloaded belongs to the caller. apt would hand the
# work to its own user, who may be kept out of the directory.
download() {
	(cd "$2" && apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$1")
}

# Where this machine has a suite's packages from. Those of security have a place of their own.
debian_mirror() {
	case $1 in
	*-security) label=Debian-Security ;;
	*) label=Debian ;;
	esac
	# shellcheck disable=SC2016 # for apt
	APT_CONFIG='' apt-get indextargets 'Created-By: Packages' 'Origin: Debian' "Label: $label" \
		--format '$(REPO_URI)' | head -n 1
}

# use_suites <directory for the lists> <architecture> <suite>...
# apt deletes in that directory what it does not know.
use_suites() {
	own=$(realpath -m "$1")
	architecture=$2
	shift 2
	mkdir -p "$own/lists/partial"
	: >"$own/sources"
	for own_suite in "$@"; do
		mirror=$(debian_mirror "$own_suite")
		[ -n "$mirror" ] || fail "apt knows no mirror of $own_suite; run apt-get update as root"
		echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $own_suite main" \
			>>"$own/sources"
	done
	cat >"$own/configuration" <<-END
		Dir::Etc::sourcelist "$own/sources";
		Dir::Etc::sourceparts "-";
		Dir::State::Lists "$own/lists";
		Dir::State::status "/dev/null";
		Dir::Cache::pkgcache "";
		Dir::Cache::srcpkgcache "";
		APT::Architecture "$architecture";
		APT::Architectures { "$architecture"; "$(dpkg --print-architecture)"; };
		APT::Sandbox::User "$(id -un)";
	END
	export APT_CONFIG="$own/configuration"
	apt-get -qq update || fail "the package lists of $* could not be fetched"
}
