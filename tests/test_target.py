# SPDX-License-Identifier: GPL-2.0-or-later
"""The balloon goes where the host wants it, exactly, and the host gets the memory."""

import random
import time

import pytest

from rig import Guest
from rig.pattern import assert_whole, start_pattern

MIB = 1 << 20


# What MemFree moves by itself: pages that are free wait on a processor's own lists.
NOISE = {"MemTotal": 0, "MemFree": 4 * MIB}


def _assert_gone_from_guest(guest, field, before, mib):
    """To the byte from MemTotal, within 1 % from MemFree."""
    gone = before - guest.meminfo()[field]
    tolerance = max(NOISE[field], mib * MIB / 100 if NOISE[field] else 0)
    assert abs(gone - mib * MIB) <= tolerance


@pytest.mark.parametrize("options, field", [("", "MemTotal"), ("deflate-on-oom=on", "MemFree")])
def test_ten_random_targets_are_hit_exactly_and_the_host_gets_the_memory(options, field):
    targets = random.Random(field).sample(range(16, 340), 10)
    with Guest(memory=512, balloon=options) as guest:
        for mib in targets:
            guest.touch(380)
            guest.run("sync; echo 3 >/proc/sys/vm/drop_caches")
            used, before = guest.host_rss(), guest.meminfo()[field]
            guest.set_balloon(mib)
            guest.wait_balloon(mib)
            _assert_gone_from_guest(guest, field, before, mib)
            never_used = 512 * MIB - used
            assert used - guest.host_rss() >= 0.95 * mib * MIB - never_used
            guest.set_balloon(0)
            guest.wait_balloon(0)
            assert abs(before - guest.meminfo()[field]) <= NOISE[field]
        guest.touch(380)
        assert guest.host_rss() >= 370 * MIB


def _turn(guest, start, goal, back):
    """On the way from one size to another the target changes; returns the size then."""
    guest.set_balloon(goal)
    guest.wait_moving(start * MIB)
    guest.set_balloon(back)
    turned_at = guest.balloon_mib()
    guest.wait_balloon(back)
    return turned_at


def test_a_new_target_is_followed_at_once_in_either_direction():
    with Guest(memory=2048) as guest:
        for _ in range(5):
            assert 0 < _turn(guest, 0, 1600, 20) < 1600
            guest.set_balloon(1600)
            guest.wait_balloon(1600)
            assert 0 < _turn(guest, 1600, 0, 1580) < 1600
            guest.set_balloon(0)
            guest.wait_balloon(0)


def test_the_host_sees_progress_while_the_balloon_grows():
    with Guest(memory=2048) as guest:
        seen = {0}
        guest.set_balloon(1536)
        while guest.balloon_mib() < 1536:
            seen.add(guest.balloon_mib())
        steps = sorted(seen | {1536})
        assert max(after - before for before, after in zip(steps, steps[1:])) <= 256


def test_the_driver_sleeps_at_the_target():
    with Guest(memory=512) as guest:
        guest.set_balloon(100)
        guest.wait_balloon(100)
        time.sleep(1)
        before = guest.balloon_interrupts()
        time.sleep(3)
        assert guest.balloon_interrupts() == before > 0


def _assert_takes_and_gives_back(guest):
    guest.touch(380)
    used = guest.host_rss()
    guest.set_balloon(300)
    guest.wait_balloon(300)
    assert used - guest.host_rss() >= 285 * MIB
    guest.set_balloon(0)
    guest.wait_balloon(0)


@pytest.mark.parametrize("machine", ["q35", "microvm"])
@pytest.mark.parametrize("options", ["", "deflate-on-oom=on"])
def test_every_machine_and_transport_takes_and_gives_back(machine, options):
    with Guest(memory=512, machine=machine, balloon=options) as guest:
        _assert_takes_and_gives_back(guest)


@pytest.mark.parametrize("options", ["", "deflate-on-oom=on"])
def test_a_legacy_device_takes_and_gives_back(options):
    legacy = ",".join(filter(None, ["disable-modern=on,disable-legacy=off", options]))
    with Guest(memory=512, balloon=legacy) as guest:
        _assert_takes_and_gives_back(guest)


def test_two_processors_take_and_give_back():
    with Guest(memory=1024, cpus=2) as guest:
        pattern = start_pattern(guest, 300)
        for mib in (500, 20, 400, 0):
            guest.set_balloon(mib)
            guest.wait_balloon(mib)
        assert_whole(pattern)
