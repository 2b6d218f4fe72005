# SPDX-License-Identifier: GPL-2.0-or-later
"""Huge pages of the host for a guest: set aside for a while, and afterwards as it was before."""

import contextlib
import re
import subprocess
from pathlib import Path

from measure import Skipped, host_meminfo
from rig import paths

PAGE_MIB = 2
COUNT = Path("/proc/sys/vm/nr_hugepages")
MOUNT_POINT = paths.BUILD / "bench" / "hugetlbfs"


@contextlib.contextmanager
def huge_page_directory(mib):
    """A directory whose files are made of huge pages, with that much set aside for them."""
    if host_meminfo("Hugepagesize") != PAGE_MIB * 1024:
        raise Skipped(f"the host's huge pages are not of {PAGE_MIB} MiB")
    with _set_aside(mib // PAGE_MIB), _directory() as directory:
        yield directory


@contextlib.contextmanager
def _set_aside(pages):
    before = int(COUNT.read_text())
    try:
        _set_count(before + pages)
        free = host_meminfo("HugePages_Free")
        if free < pages:
            raise Skipped(f"only {free} of {pages} huge pages could be had")
        yield
    finally:
        if int(COUNT.read_text()) != before:
            _set_count(before)


def _set_count(count):
    try:
        COUNT.write_text(f"{count}\n")
    except PermissionError:
        raise Skipped(f"only root may write to {COUNT}") from None


@contextlib.contextmanager
def _directory():
    """Where the host has mounted such a file system already, or else one of our own."""
    mounted = re.search(r"^\S+ (\S+) hugetlbfs ", Path("/proc/mounts").read_text(), re.MULTILINE)
    if mounted:
        yield mounted[1]
        return
    MOUNT_POINT.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", "-t", "hugetlbfs", "none", MOUNT_POINT],
                          capture_output=True, text=True)
    if done.returncode:
        raise Skipped(f"hugetlbfs could not be mounted: {done.stderr.strip()}")
    try:
        yield MOUNT_POINT
    finally:
        subprocess.run(["umount", MOUNT_POINT], check=True)
