# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints what the guests' kernels reported in the tests that ran, and which lines ran.

Whether a report fails its test is the rig's matter. Here all are counted, also those that a
test provoked and forgave.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rig import flavour, paths  # noqa: E402

REPORTS = {
    "memory (KASAN)": r"BUG: KASAN:",
    "races (KCSAN)": r"BUG: KCSAN:",
    "undefined behaviour (UBSAN)": r"UBSAN:",
    "locks (lockdep)": r"WARNING: (possible .* (detected|dependency)|inconsistent lock state"
                       r"|bad unlock balance|held lock freed|.*lock order detected)"
                       r"|BUG: Invalid wait context|non-static key",
    "RCU": r"suspicious RCU usage|rcu.*(stalls? on|starved)",
    "sleep where none is allowed": r"BUG: (sleeping function|scheduling while atomic)",
    "leaks (kmemleak)": r"kmemleak:.*new suspected",
    "objects freed in use (ODEBUG)": r"ODEBUG:",
    "lists": r"list_(add|del) corruption",
    "hung tasks": r"blocked.* for more than",
    # What the kernel shows of a page that keeps memory from being taken offline is no mistake.
    "pages": r"Bad page|pagealloc:|page dumped because(?!: (unmovable page|migration failure))",
    "slabs": r"BUG \w+-\S+ \(",
    "other warnings": r"\bWARNING:(?! (possible|inconsistent|bad unlock|held lock|suspicious))",
    "crashes": r"Oops|kernel BUG|general protection|Kernel panic",
}
# Files of the driver have no directory, the kernel's headers have.
LINES = re.compile(r"^File '(\w+\.c)'\nLines executed:([\d.]+)% of (\d+)"
                   r"(?:\nBranches executed:.*\nTaken at least once:([\d.]+)% of (\d+))?",
                   re.MULTILINE)
NEVER_RAN = re.compile(r"^ *#####: *(\d+):\s*(.*)$", re.MULTILINE)


def _print_reports():
    logs = [path.read_text(errors="replace") for path in sorted(paths.LOGS.glob("*.log"))]
    print(f"{flavour.NAME}: {len(logs)} guests")
    for kind, pattern in REPORTS.items():
        found = [len(re.findall(pattern, log)) for log in logs]
        print(f"  {sum(found):4} {kind}" + f" in {sum(map(bool, found))} guests" * any(found))


def _add_up(directories, scratch):
    """One directory of counts from those of all guests."""
    total = directories[0]
    for number, directory in enumerate(directories[1:]):
        merged = scratch / str(number % 2)
        shutil.rmtree(merged, ignore_errors=True)
        subprocess.run(["gcov-tool", "merge", "-o", merged, total, directory], check=True,
                       stderr=subprocess.DEVNULL)
        total = merged
    return total


def _share(percent, count):
    return float(percent or 0) * int(count or 0) / 100, int(count or 0)


def _what_ran(counts):
    """For each file how many lines and branches ran, and how many there are."""
    for pattern in ("*.gcno", "*.[ch]"):
        for file in (paths.MODULES / "driver").glob(pattern):
            shutil.copy(file, counts)
    done = subprocess.run(["gcov", "-b", "-o", ".", *(path.name for path in counts.glob("*.gcda"))],
                          cwd=counts, capture_output=True, text=True, check=True)
    return {name: (*_share(ran, lines), *_share(taken, branches))
            for name, ran, lines, taken, branches in LINES.findall(done.stdout)}


def _print_coverage():
    directories = sorted(paths.COVERAGE.glob("*"))
    if not directories:
        return
    with tempfile.TemporaryDirectory(dir=paths.FLAVOUR) as scratch:
        total = paths.FLAVOUR / "lines"
        shutil.rmtree(total, ignore_errors=True)
        shutil.copytree(_add_up(directories, Path(scratch)), total)
    files = _what_ran(total)
    ran, lines, taken, branches = (sum(column) for column in zip(*files.values()))
    print(f"  {ran:.0f} of the driver's {lines} lines ran ({100 * ran / lines:.1f} %), "
          f"{taken:.0f} of {branches} branches ({100 * taken / branches:.1f} %); "
          f"{total.relative_to(paths.ROOT)}/*.gcov has them. These lines did not run:")
    for name in sorted(files):
        for line, text in NEVER_RAN.findall((total / f"{name}.gcov").read_text()):
            print(f"    {name}:{line}: {text}")


if __name__ == "__main__":
    _print_reports()
    _print_coverage()
