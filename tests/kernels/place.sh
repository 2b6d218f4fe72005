# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Where kernels are kept, and how the rig finds one; for scripts that run at the project's
# root and read this file in. A cache, which a clean leaves alone, holds a tree for each, in
# the shape of Debian's package. build/<name>/kernel leads to it.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/aerostat

# Nobody else changes the cache until the script ends.
lock_cache() {
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock 9
}

# What the rig and make have made from another kernel goes.
lead_to() {
	mkdir -p "build/$1"
	[ "$(readlink "build/$1/kernel")" = "$2" ] && return
	rm -rf "build/$1/vmlinux-"* "build/$1/driver" "build/$1/tests"
	ln -sfn "$2" "build/$1/kernel"
}
