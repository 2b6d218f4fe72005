# SPDX-License-Identifier: GPL-2.0-or-later
"""Which of the driver's lines ran in a guest, where its kernel and its build count that."""

import base64
from pathlib import Path

from . import paths

COUNTS = "/sys/kernel/debug/gcov"
PRINT = f"""\
[ -d {COUNTS} ] || exit 0
find {COUNTS} -path '*/driver/*.gcda' | while read -r file; do
    echo "$file $(base64 <"$file" | tr -d '\\n')"
done
"""


def keep(guest, name):
    """Writes the counts of the guest beside its log; they are added up by who wants the sum."""
    for line in guest.run(PRINT, timeout=60).splitlines():
        file, content = line.split()
        target = paths.COVERAGE / name / Path(file).name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(base64.b64decode(content))
