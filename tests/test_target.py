# SPDX-License-Identifier: GPL-2.0-or-later
"""The balloon goes where the host wants it, exactly, and the host gets the memory."""

import random
import time

import pytest

from rig import Guest
from rig.emulated import emulated
from rig.pattern import assert_whole, start_pattern
from rig.visible import TRACING

MIB = 1 << 20
STEP_MIB = 256
WORKER = "function resize_work"


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
            guest.move_balloon(mib)
            _assert_gone_from_guest(guest, field, before, mib)
            never_used = 512 * MIB - used
            assert used - guest.host_rss() >= 0.95 * mib * MIB - never_used
            guest.move_balloon(0)
            assert abs(before - guest.meminfo()[field]) <= NOISE[field]
        guest.touch(380)
        assert guest.host_rss() >= 370 * MIB


def _turn(guest, start, goal, back):
    """On the way from one size to another the target changes; returns the size then, and how far
    from the new target the balloon went after that."""
    guest.set_balloon(goal)
    guest.wait_moving(start * MIB)
    guest.set_balloon(back)
    turned_at = size = guest.balloon_mib()
    farthest = 0
    while size != back:
        guest.attend()
        farthest = max(farthest, abs(size - back))
        size = guest.balloon_mib()
    return turned_at, farthest


def _assert_turns(guest, start, goal, back):
    """Tries again if the balloon was there before anybody could turn it."""
    for _ in range(5):
        guest.move_balloon(start)
        turned_at, farthest = _turn(guest, start, goal, back)
        if min(start, goal) < turned_at < max(start, goal):
            break
    assert min(start, goal) < turned_at < max(start, goal)
    # One step may be under way.
    assert farthest <= abs(turned_at - back) + STEP_MIB


def test_a_new_target_is_followed_at_once_in_either_direction():
    with Guest(memory=2048) as guest:
        for _ in range(3):
            _assert_turns(guest, 0, 1600, 20)
            _assert_turns(guest, 1600, 0, 1580)


def test_the_host_sees_progress_while_the_balloon_grows():
    with emulated(memory=2048) as (guest, device):
        device.move(1536, timeout=60)
        shown = [0] + [int(line.split()[2]) // 256 for line in device.log()
                       if line.startswith("write actual")]
        assert shown[-1] == 1536
        assert max(after - before for before, after in zip(shown, shown[1:])) <= STEP_MIB


def test_the_driver_sleeps_at_the_target():
    with Guest(memory=512) as guest:
        guest.run(f"echo 1 >{TRACING}/events/workqueue/workqueue_execute_start/enable")
        guest.move_balloon(100)
        assert WORKER in guest.read(f"{TRACING}/trace")
        time.sleep(1)
        guest.run(f"echo >{TRACING}/trace")
        time.sleep(3)
        assert WORKER not in guest.read(f"{TRACING}/trace")


def _assert_takes_and_gives_back(guest):
    guest.touch(380)
    used = guest.host_rss()
    guest.move_balloon(300)
    assert used - guest.host_rss() >= 285 * MIB
    guest.move_balloon(0)


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
            guest.move_balloon(mib)
        assert_whole(pattern)
