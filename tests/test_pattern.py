# SPDX-License-Identifier: GPL-2.0-or-later
"""No byte of the guest's memory changes, whatever the host asks for and when."""

import random
import time

import pytest

from rig import Guest
from rig.pattern import assert_whole, start_pattern

MIB = 1 << 20


@pytest.mark.parametrize("options", ["", "deflate-on-oom=on"])
def test_a_hundred_target_changes_at_random_moments_leave_the_pattern_whole(options):
    chance = random.Random(f"changes {options}")
    with Guest(memory=512, balloon=options) as guest:
        pattern = start_pattern(guest, 256)
        for _ in range(100):
            guest.set_balloon(chance.randrange(0, 150))
            time.sleep(chance.random() * 0.3)
            assert pattern.running(), pattern.output()
        guest.move_balloon(77)
        assert_whole(pattern)


def test_compaction_moves_balloon_pages_and_the_pattern_holds():
    with Guest(memory=512, cpus=2) as guest:
        pattern = start_pattern(guest, "128 base")
        compact = guest.start("while :; do echo 1 >/proc/sys/vm/compact_memory; sleep 0.05; done")
        moved = guest.vmstat()["balloon_migrate"]
        for _ in range(50):
            fragment = guest.start("fragment 200 8")
            fragment.wait_output("fragment: ready")
            guest.move_balloon(160)
            fragment.stop()
            guest.move_balloon(64)
        assert guest.vmstat()["balloon_migrate"] > moved
        compact.stop()
        guest.move_balloon(0)
        assert_whole(pattern)


def test_a_moved_page_goes_to_the_host_and_the_old_one_comes_back():
    with Guest(memory=512) as guest:
        guest.touch(380)
        fragment = guest.start("fragment 350 8")
        fragment.wait_output("fragment: ready")
        guest.move_balloon(200)
        fragment.stop()
        moved = guest.vmstat()["balloon_migrate"]
        guest.run("echo 1 >/proc/sys/vm/compact_memory")
        assert guest.vmstat()["balloon_migrate"] - moved > 1000
        assert guest.balloon_mib() == 200
        used = guest.host_rss()
        guest.touch(150)
        assert guest.host_rss() - used < 160 * MIB
        guest.move_balloon(0)
