#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What ran where, as a table in the README: of each kernel the last run of all its tests.

    tests/matrix.py record FILE   keeps what pytest wrote to that file, which is the row's name
    tests/matrix.py show          writes the table anew

No cell is written by hand: `make matrix-<row>` records what `make check-<row>` ran, and
`make check-kernels` and `make check-archs` do so for many rows.
"""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from rig import flavour, kernel, paths  # noqa: E402
from rig.emulator import PROGRAM  # noqa: E402

RECORDS = paths.ROOT / "docs" / "matrix"
README = paths.ROOT / "README.md"
TABLE = re.compile(r"(<!-- what ran where -->\n).*?(<!-- end -->)", re.DOTALL)
# The rows' order, and what readers call these kernels.
KERNELS = {
    "debian": "Debian 12",
    "newest-qemu": "Debian 12",
    "cloud": "Debian 12, for clouds",
    "rt": "Debian 12, PREEMPT_RT",
    "backports": "Debian 12, backports",
    "sanitizers": "Linux from source, with checks",
    "kcsan": "Linux from source, with KCSAN",
    "i386": "Debian 12",
    "arm64": "Debian 12",
    "s390x": "Debian 12",
    "ppc64el": "Debian 12",
}
# The columns' heads, and where their cells are kept.
COLUMNS = {"Linux": "linux", "architecture": "architecture", "devices on": "bus", "QEMU": "qemu",
           "driver": "driver", "passed": "passed", "failed": "failed", "skipped": "skipped"}
BUSES = {"pci": "PCI", "ccw": "CCW", "microvm": "MMIO"}


def _output(*command):
    return subprocess.run(command, cwd=paths.ROOT, check=True, capture_output=True,
                          text=True).stdout.strip()


def _buses():
    machines = flavour.ARCHITECTURE.machines
    return [BUSES[flavour.ARCHITECTURE.channel]] + [BUSES[name] for name in machines
                                                    if name in BUSES]


def _commit():
    changed = _output("git", "status", "--porcelain", "--", "driver")
    return _output("git", "rev-parse", "--short=10", "HEAD") + (" and changes" if changed else "")


def record(results):
    [suite] = ElementTree.parse(results).getroot().iter("testsuite")
    count = {name: int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")}
    failed = count["failures"] + count["errors"]
    kept = {
        "linux": kernel.version(),
        "architecture": flavour.FLAVOUR.architecture,
        "bus": " and ".join(_buses()),
        "passed": count["tests"] - failed - count["skipped"],
        "failed": failed,
        "skipped": count["skipped"],
        "minutes": round(float(suite.get("time")) / 60),
        "qemu": re.search(r"\d+\.\d+", _output(PROGRAM, "--version"))[0],
        "driver": _commit(),
        "day": date.today().isoformat(),
    }
    RECORDS.mkdir(exist_ok=True)
    file = RECORDS / f"{Path(results).stem}.json"
    file.write_text(json.dumps(kept, indent=1) + "\n")
    print(f"{file.relative_to(paths.ROOT)}: {kept['passed']} passed, {failed} failed; "
          "`make matrix` writes the table")


def _row(cells):
    return f"| {' | '.join(cells)} |\n"


def table():
    rows = [_row(["kernel", *COLUMNS]), _row(["---"] * (1 + len(COLUMNS)))]
    for name, words in KERNELS.items():
        file = RECORDS / f"{name}.json"
        if file.exists():
            kept = json.loads(file.read_text())
            rows.append(_row([words, *(str(kept[key]) for key in COLUMNS.values())]))
    return "".join(rows)


def with_table(readme):
    return TABLE.sub(lambda found: found[1] + table() + found[2], readme)


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "record":
        record(sys.argv[2])
    elif sys.argv[1:] == ["show"]:
        README.write_text(with_table(README.read_text()))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
