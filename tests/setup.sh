#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Makes a Debian 12 machine ready to build, show, measure or test Aerostat:
#
#     tests/setup.sh build|demo|bench|check|fuzz|model|sanitizers|architectures|install|style|dist|deb|rpm
#
# Installs the packages that the purpose needs and that are missing. For demo,
# bench and check it also fetches the kernel that the test guests boot, for style the
# kernel's style checker, which Debian ships in the kernel's source only. Both
# are unpacked under build/ and never installed. Does nothing, and takes no
# time, when all is in place.
# For sanitizers it installs what compiles a kernel; tests/kernels/build does that. For
# architectures it installs compilers and emulators; tests/kernels/debian brings kernels. For
# install it installs what makes a Debian system; tests/install/system does that.
#
# KERNEL=<version> chooses another kernel whose headers are installed.

set -eu

cd "$(dirname "$0")/.."
# shellcheck source=tests/packages.sh
. tests/packages.sh

purposes="build, demo, bench, check, fuzz, model, sanitizers, architectures, install, style, dist, deb or rpm"

packages_for() {
	build="make gcc libc6-dev"
	[ -n "${KERNEL:-}" ] || build="$build linux-headers-amd64"
	demo="$build qemu-system-x86 busybox-static cpio kmod python3"
	dist="make git"
	deb="$dist build-essential dpkg-dev fakeroot debhelper dh-dkms lintian"
	check="$demo git python3-pytest python3-pytest-xdist libcmocka-dev patch qemu-utils"
	rpm="$dist gcc libc6-dev rpm rpmlint"
	check="$check trace-cmd bpftrace gnuplot-nox $deb $rpm"

	case $1 in
	build) echo "$build" ;;
	demo) echo "$demo" ;;
	bench) echo "$demo gnuplot-nox" ;;
	check) echo "$check" ;;
	fuzz) echo "make libc6-dev clang libclang-rt-14-dev patch" ;;
	model) echo "make gcc libc6-dev patch spin" ;;
	sanitizers) echo "$check flex bison bc libelf-dev libssl-dev xz-utils debian-archive-keyring" ;;
	architectures)
		for part in aarch64 i686 s390x powerpc64le; do
			check="$check gcc-$part-linux-gnu"
		done
		for part in arm64 i386 s390x ppc64el; do
			check="$check libc6-dev-$part-cross"
		done
		echo "$check debian-archive-keyring qemu-system-arm qemu-system-misc qemu-system-ppc"
		;;
	install) echo "$check mmdebstrap genext2fs e2fsprogs uidmap debian-archive-keyring" ;;
	style) echo "$build perl xz-utils python3 flake8 shellcheck sparse mandoc" ;;
	dist) echo "$dist" ;;
	deb) echo "$deb" ;;
	rpm) echo "$rpm" ;;
	*) fail "there is no purpose \"$1\"; say $purposes" ;;
	esac
}

headers_version() {
	if [ -n "${KERNEL:-}" ]; then
		echo "$KERNEL"
	else
		dpkg-query -W -f='${Depends}' linux-headers-amd64 |
			sed -n 's/.*linux-headers-\([0-9][^ ,]*\).*/\1/p'
	fi
}

downloaded() {
	find build/downloads -name "$1_*.deb" 2>/dev/null | sort | tail -n 1
}

fetch() {
	[ -z "$(downloaded "$1")" ] || return 0
	echo "Downloading $1, $2"
	mkdir -p build/downloads
	download "$1" build/downloads 2>/dev/null && return
	refresh_lists
	download "$1" build/downloads
}

# When Debian has replaced the kernel whose headers are installed by a newer one, the
# headers follow it.
fetch_image() {
	fetch "linux-image-$version" "the kernel that the guests boot" && return
	[ -z "${KERNEL:-}" ] || fail "linux-image-$version could not be downloaded"
	install_packages linux-headers-amd64
	version=$(headers_version)
	fetch "linux-image-$version" "the kernel that the guests boot" ||
		fail "linux-image-$version could not be downloaded; the messages of apt above say why"
}

unpacking_failed() {
	fail "build/downloads holds a damaged $1; delete it and start again"
}

unpack_image() {
	rm -rf "$2" "$2.part"
	dpkg-deb -x "$(downloaded "$1")" "$2.part" || unpacking_failed "$1"
	depmod -b "$2.part" "$version"
	mv "$2.part" "$2"
}

prepare_kernel() {
	version=$(headers_version)
	[ -d "/lib/modules/$version/build" ] ||
		fail "the headers of kernel $version are not installed" \
			"run: apt-get install linux-headers-$version"
	[ -d "build/kernel-$version" ] || fetch_image
	kernel=build/kernel-$version
	[ -d "$kernel" ] || unpack_image "linux-image-$version" "$kernel"
	[ "$(readlink build/kernel)" = "kernel-$version" ] ||
		ln -sfn "kernel-$version" build/kernel
}

unpack_checkpatch() {
	rm -rf build/checkpatch.part
	mkdir build/checkpatch.part
	dpkg-deb --fsys-tarfile "$(downloaded "$1")" |
		tar -xO "./usr/src/$1.tar.xz" |
		tar -xJ -C build/checkpatch.part --strip-components=2 "$1/scripts/checkpatch.pl" \
			"$1/scripts/spelling.txt" "$1/scripts/const_structs.checkpatch" ||
		unpacking_failed "$1"
	mv build/checkpatch.part build/checkpatch
}

prepare_checkpatch() {
	[ ! -d build/checkpatch ] || return 0
	version=$(headers_version)
	numbers=${version%%-*}
	source=linux-source-${numbers%.*}
	fetch "$source" "which holds the kernel's style checker" ||
		fail "$source could not be downloaded; the messages of apt above say why"
	unpack_checkpatch "$source"
}

[ $# -eq 1 ] || fail "say what for: $purposes"
packages=$(packages_for "$1")

command -v dpkg-query >/dev/null || fail "this needs Debian 12 or a system made from it"
case $1 in
dist | deb | rpm) ;;
*)
	[ "$(dpkg --print-architecture)" = amd64 ] ||
		fail "the tests run on amd64 and this machine is $(dpkg --print-architecture)"
	;;
esac

# shellcheck disable=SC2086 # a list of words
install_missing $packages

case $1 in
demo | bench | check) prepare_kernel ;;
style) prepare_checkpatch ;;
esac
