# SPDX-License-Identifier: GPL-2.0-or-later
"""What the README shows first: memory moves for whoever looks, and figures are a run's own."""

import re
import shutil
import subprocess

import pytest

from rig import flavour, paths

BENCH = paths.ROOT / "bench"
DRAWN = sorted(path.name for path in (BENCH / "results").iterdir())


def _run(*words):
    return subprocess.run(["/usr/bin/python3", *words], cwd=paths.ROOT, capture_output=True,
                          text=True)


@pytest.mark.skipif(flavour.NAME != "", reason="people see it in Debian's kernel")
@pytest.mark.parametrize("options, most", [((), 210), (("--reporting",), 512)],
                         ids=["as-it-is", "with-reporting"])
def test_the_demo_moves_memory_with_both_drivers_and_puts_them_side_by_side(options, most):
    # With reporting a busy guest's free memory may go back as well.
    done = _run(BENCH / "demo.py", "--memory", "512", "--take", "200", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    table = done.stdout[done.stdout.rindex("Aerostat"):]
    assert "shipped with Linux" in table.splitlines()[0]
    [back] = [re.findall(r"(\d+) MiB \(", line) for line in table.splitlines() if " MiB (" in line]
    assert len(back) == 2
    assert all(180 <= int(mib) <= most for mib in back), table


def test_table_and_drawings_are_made_from_the_results_and_nothing_else(tmp_path):
    shutil.copy(BENCH / "results" / "results.json", tmp_path)
    done = _run(BENCH / "bench.py", "--redraw", "--results", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in DRAWN:
        assert (tmp_path / name).read_text() == (BENCH / "results" / name).read_text(), name
