# SPDX-License-Identifier: GPL-2.0-or-later
"""Which of the driver's lines ran in a guest, where its kernel and its build count that."""

import base64
import re
from pathlib import Path

from . import paths

COUNTS = "/sys/kernel/debug/gcov"
MOST_BYTES = 1 << 20
# For all files at once: a kernel that checks itself is slow to begin a program.
PRINT = f"""\
[ -d {COUNTS} ] || exit 0
find {COUNTS} -path '*/driver/*.gcda' | xargs head -v -c {MOST_BYTES} | base64
"""
HEAD = re.compile(rb"(?:^|\n)==> (/\S+) <==\n")


def keep(guest, name):
    """Writes the counts of the guest beside its log; they are added up by who wants the sum."""
    printed = HEAD.split(base64.b64decode(guest.run(PRINT, timeout=60)))
    for file, content in zip(printed[1::2], printed[2::2]):
        target = paths.COVERAGE / name / Path(file.decode()).name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
