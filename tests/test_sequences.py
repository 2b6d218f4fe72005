# SPDX-License-Identifier: GPL-2.0-or-later
"""Sequences of steps that nobody thought of: some that are the same each time, some new."""

import re
import subprocess
import time

from rig import paths
from sequences import play

# As tests/guest/adversary.c plays them; SECONDS is what they may take at most.
KNOWN_SEED, KNOWN_COUNT = 20000, 200
NEW_COUNT = 50


def _played(output):
    return int(re.findall(r"adversary: (\d+) sequences in", output)[-1])


def test_two_hundred_known_sequences_leave_nothing_behind():
    assert _played(play(KNOWN_SEED, KNOWN_COUNT, "sequences-known")) == KNOWN_COUNT


def test_fifty_new_sequences_leave_nothing_behind():
    seed = int(time.time()) * 1000000
    print(f"the first seed is {seed}")
    assert _played(play(seed, NEW_COUNT, "sequences-new")) == NEW_COUNT


def test_a_seed_stands_for_the_same_steps_always():
    def show(seed):
        program = paths.GUEST_PROGRAMS / "adversary"
        return subprocess.run([program, "show", str(seed)], check=True, capture_output=True).stdout
    assert show(4711) == show(4711) != show(4712)
