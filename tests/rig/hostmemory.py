# SPDX-License-Identifier: GPL-2.0-or-later
"""How much of a guest's memory the host holds, read from QEMU's mappings."""

import re
from pathlib import Path

from .errors import GuestError

HEADER = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S+) ")
RESIDENT = ("Rss", "Shared_Hugetlb", "Private_Hugetlb")
HUGE = ("AnonHugePages", "ShmemPmdMapped", "Shared_Hugetlb", "Private_Hugetlb")


def _mappings(pid):
    """Each mapping as size, permissions and a dict of its figures in bytes."""
    mapping = None
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        header = HEADER.match(line)
        if header:
            mapping = (int(header[2], 16) - int(header[1], 16), header[3], {})
            yield mapping
        elif line.endswith(" kB"):
            name, value = line.split(":")
            mapping[2][name] = int(value.split()[0]) * 1024


def _guest_memory(pid, size):
    # The emulator's buffer for translated code may be as large, but is executable.
    found = [figures for mapped, permissions, figures in list(_mappings(pid))
             if mapped == size and permissions.startswith("rw-")]
    if not found:
        raise GuestError(f"QEMU has no mapping of {size} bytes that could be the guest's memory")
    return max(found, key=resident_in)


def resident_in(figures):
    return sum(figures.get(name, 0) for name in RESIDENT)


def resident(pid, size):
    return resident_in(_guest_memory(pid, size))


def huge(pid, size):
    figures = _guest_memory(pid, size)
    return sum(figures.get(name, 0) for name in HUGE)


def process_resident(pid):
    """All of QEMU's resident memory: inexact for the guest, and cheap to read often."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
