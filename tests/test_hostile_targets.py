# SPDX-License-Identifier: GPL-2.0-or-later
"""A host that does not know what it wants, or says so without end: the guest lives, and
follows the first host that does."""

import random
import time

import pytest

from rig import OUT_OF_MEMORY
from rig.emulated import MUST_TELL
from rig.pattern import assert_whole, start_pattern

ALL = {"deflate-on-oom", "stats", "free-page-hint", "reporting"}
FRAMES = {"deflate-on-oom", "stats", "free-page-hint"}
ALL_ONES = 0xffffffff
LATE_MS = 20


def assert_follows(device, mib=9):
    device.read_targets()
    device.move(mib)


@pytest.mark.parametrize("features", [FRAMES, MUST_TELL, ALL],
                         ids=["frames", "must-tell", "ranges"])
@pytest.mark.parametrize("targets", [(0, 10000), (4096, 1, 2, 257, 0, 9999)],
                         ids=["far-apart", "at-random"])
def test_a_target_that_differs_at_each_read_is_survived(arena, features, targets):
    with arena.scenario(features) as (guest, device):
        pattern = start_pattern(guest, 8)
        device.read_targets(*targets)
        for _ in range(30):
            device.set_num_pages(0)
        time.sleep(0.5)
        assert_follows(device)
        assert_whole(pattern)


@pytest.mark.parametrize("features", [FRAMES, ALL], ids=["frames", "ranges"])
def test_a_target_that_is_nothing_and_everything_in_turn_is_survived(arena, features):
    with arena.scenario(features, forgive=OUT_OF_MEMORY.split("|")) as (guest, device):
        device.read_targets(0, ALL_ONES)
        for _ in range(20):
            device.set_num_pages(0)
        time.sleep(1)
        guest.run("occupy 10")
        assert_follows(device)


@pytest.mark.parametrize("features", [FRAMES, MUST_TELL, ALL],
                         ids=["frames", "must-tell", "ranges"])
def test_two_hundred_targets_in_a_row_end_at_the_last_one(arena, features):
    chance = random.Random(f"hostile targets {sorted(features)}")
    with arena.scenario(features) as (guest, device):
        values = [chance.choice([0, 1, 255, 257, 3000, 9000]) for _ in range(200)]
        controls = "/sys/kernel/debug/balloon_device"
        guest.run(f"for pages in {' '.join(map(str, values))}; do "
                  f"echo $pages >{controls}/num_pages; done", timeout=60)
        assert_follows(device)


@pytest.mark.parametrize("moment", ["at-rest", "inflating", "deflating", "silent", "broken"])
def test_a_storm_of_interrupts_without_a_reason_changes_nothing(arena, moment):
    with arena.scenario(ALL - {"reporting"}) as (guest, device):
        pattern = start_pattern(guest, 8)
        device.move(20)
        for queue in ("inflate", "deflate"):
            device.delay(queue, LATE_MS)
        if moment == "silent":
            device.hold("inflate")
        if moment in ("inflating", "silent"):
            device.set_target(40)
        elif moment == "deflating":
            device.set_target(2)
        elif moment == "broken":
            device.break_queues()
        device.storm(1000)
        if moment in ("at-rest", "broken"):
            assert device.actual_mib() == device.owned_mib() == 20
        for queue in ("inflate", "deflate"):
            device.answer(queue)
        if moment != "broken":
            assert_follows(device)
        assert_whole(pattern)


def test_a_storm_of_interrupts_while_hints_are_supplied_changes_nothing(arena):
    with arena.scenario(FRAMES) as (guest, device):
        device.delay("hint", 3)
        device.command(2)
        device.storm(500)
        device.wait_noted("hint command 0")
        device.command(1)
        assert_follows(device)


@pytest.mark.parametrize("step", ["queue 1", "queue 3", "status 3", "status 4", "get 1"])
def test_a_storm_of_interrupts_in_the_middle_of_a_probe_changes_nothing(arena, step):
    event, count = step.split()
    with arena.scenario(FRAMES, plug=False) as (guest, device):
        device.plug()
        device.strike(event, int(count) - (event == "status"), "storm")
        guest.load_module()
        assert_follows(device)
        assert device.has_struck()


def test_a_storm_of_interrupts_while_the_driver_leaves_changes_nothing(arena):
    with arena.scenario(FRAMES) as (guest, device):
        device.move(30)
        storm = guest.start("echo 20000 >/sys/kernel/debug/balloon_device/storm")
        guest.unload_module(timeout=20)
        assert device.actual_pages() == 0
        storm.wait(timeout=60)


@pytest.mark.parametrize("moment", ["at-rest", "inflating", "deflating", "supplying-hints"])
def test_a_device_that_needs_a_reset_can_be_left(arena, moment):
    with arena.scenario(FRAMES) as (guest, device):
        pattern = start_pattern(guest, 8)
        device.move(20)
        if moment != "at-rest":
            queue = {"inflating": "inflate", "deflating": "deflate"}.get(moment, "hint")
            device.strike(f"request-{queue}", 2, "need-reset")
            device.set_target({"inflating": 40, "deflating": 2}.get(moment, 20))
            if moment == "supplying-hints":
                device.command(2)
            guest.wait_until(device.has_struck, "the device needs a reset")
        else:
            device.act("need-reset")
        guest.run("occupy 30")
        assert_whole(pattern)


def test_a_driver_that_comes_back_follows_a_device_that_needed_a_reset(arena):
    with arena.scenario(FRAMES) as (guest, device):
        device.act("need-reset")
        guest.unload_module(timeout=20)
        guest.load_module()
        assert_follows(device)


def test_a_configuration_whose_generation_never_stands_still_is_read_all_the_same(arena):
    # The emulated device numbers each look at the generation anew.
    with arena.scenario(ALL) as (_, device):
        for mib in (5, 0, 9):
            assert_follows(device, mib)


def test_a_guest_that_is_asked_for_everything_and_never_answered_lives(arena):
    with arena.scenario(MUST_TELL, forgive=OUT_OF_MEMORY.split("|")) as (guest, device):
        for queue in ("inflate", "deflate"):
            device.hold(queue)
        device.set_num_pages(ALL_ONES)
        time.sleep(1)
        guest.run("occupy 10")
