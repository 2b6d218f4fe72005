# SPDX-License-Identifier: GPL-2.0-or-later
"""Devices that answer late, never or wrongly, or vanish: the guest lives, no byte of its
memory changes, and in the end all of it is back."""

import random
import time

import pytest

from rig import CommandFailed, Device, Guest, OUT_OF_MEMORY, clock
from rig.emulated import (AGAIN, DEFLATES_ON_OOM, MIB, MUST_TELL, REPORTS, SILENT,
                          assert_none_used_untold, compact, emulated, named, place_of, ready_at,
                          spread_balloon, use_all_that_is_available)
from rig.pattern import assert_whole, start_pattern
from rig.visible import figures, wait_state


# The device itself


def test_what_the_device_can_not_understand_changes_nothing_and_is_explained():
    with emulated(driver=False) as (guest, device):
        controls = "/sys/kernel/debug/balloon_device"
        for control, value in [("queue_size", 3), ("answer_inflate", "'late soon'"),
                               ("num_pages", "4294967296"), ("plugged", "maybe")]:
            before = guest.read(f"{controls}/{control}")
            with pytest.raises(CommandFailed):
                guest.run(f"echo {value} >{controls}/{control}")
            assert guest.read(f"{controls}/{control}") == before
            assert f"balloon_device: {control} is " in guest.log()


def test_the_device_notices_a_driver_that_speaks_too_early():
    with Guest(memory=512, balloon=None, module=None) as guest:
        device = Device(guest, {"stats"})
        device.plug()
        guest.load_module("shipped")
        assert "statistics: a notification before DRIVER_OK" in device.violations()
        guest.unload_module()
        device.remove()


# An inflate request without an answer


def test_a_silent_device_is_reported_once_and_named_pages_stay_out_of_use():
    with emulated() as (guest, device):
        pattern = start_pattern(guest)
        device.hold("inflate")
        device.set_target(100)
        guest.wait_log(SILENT, timeout=10)
        use_all_that_is_available(guest)
        for mib in (50, 200, 100):
            device.set_target(mib)
        time.sleep(12)
        assert guest.log().count(SILENT) == 1
        assert device.actual_pages() == 0 < device.owned_pages()
        device.answer("inflate")
        device.wait_actual(100)
        guest.wait_log(AGAIN)
        assert device.owned_mib() == 100
        assert_whole(pattern)


def test_while_inflating_is_not_answered_the_balloon_deflates():
    with emulated() as (guest, device):
        device.move(100)
        device.hold("inflate")
        device.set_target(120)
        device.wait_owned_pages(101 * 256)
        device.move(10, timeout=15)
        device.answer("inflate")
        guest.wait_until(lambda: device.owned_mib() == 10, "the host owns 10 MiB")
        assert device.actual_mib() == 10


def test_a_late_answer_to_half_of_the_requests_counts_for_half():
    with emulated() as (guest, device):
        device.hold("inflate")
        device.set_target(16)
        guest.wait_log(SILENT, timeout=10)
        requests = [int(line.split()[1]) for line in device.log() if line.startswith("inflate")]
        half = len(requests) // 2
        assert half > 0
        device.step("inflate", half)
        device.wait_actual_pages(sum(requests[:half]))
        assert device.owned_pages() == sum(requests)
        device.answer("inflate")
        device.wait_actual(16)


@pytest.mark.parametrize("features", [(), MUST_TELL], ids=named)
def test_the_driver_leaves_a_device_that_never_answers_within_seconds(features):
    with emulated(features) as (guest, device):
        pattern = start_pattern(guest)
        device.move(50)
        device.hold("inflate")
        device.hold("deflate")
        device.set_target(100)
        device.wait_owned_pages(51 * 256)
        start = clock.now()
        guest.unload_module(timeout=30)
        assert clock.now() - start < 10
        assert device.owned_pages() == 0
        assert device.actual_pages() == 0
        guest.touch(300)
        assert_whole(pattern)


@pytest.mark.parametrize("features", [DEFLATES_ON_OOM, MUST_TELL], ids=named)
def test_an_answer_that_takes_its_time_is_waited_for_without_a_word(features):
    with emulated(features) as (guest, device):
        for queue in ("inflate", "deflate"):
            device.delay(queue, 3000)
        device.move(20)
        device.move(4)
        assert SILENT not in guest.log()


# A deflate request without an answer


@pytest.mark.parametrize("features", [DEFLATES_ON_OOM, MUST_TELL], ids=named)
def test_a_silent_deflation_is_reported_once_and_new_targets_do_not_hang(features):
    with emulated(features) as (guest, device):
        device.move(100)
        device.hold("deflate")
        device.set_target(20)
        guest.wait_log(SILENT, timeout=15)
        for mib in (150, 0, 120):
            device.set_target(mib)
        time.sleep(12)
        assert guest.log().count(SILENT) == 1
        device.answer("deflate")
        device.wait_actual(120)
        guest.wait_log(AGAIN)


# Out of memory


@pytest.mark.parametrize("features", [DEFLATES_ON_OOM, MUST_TELL], ids=named)
def test_a_guest_out_of_memory_lives_on_when_deflation_is_never_answered(features):
    # In need a guest uses memory before the device can be told, which must not overwrite it.
    with emulated(features, scribble=features == MUST_TELL) as (guest, device):
        guest.forgive(OUT_OF_MEMORY)
        device.move(300)
        device.hold("deflate")
        program = guest.start("occupy 400")
        lived = program.wait(timeout=60) == 0
        assert lived == (features == DEFLATES_ON_OOM)
        assert guest.run("echo alive") == "alive\n"


# Shapes of devices


@pytest.mark.parametrize("features", [DEFLATES_ON_OOM, MUST_TELL], ids=named)
@pytest.mark.parametrize("queue_size", [2, 4, 1024])
def test_queues_of_any_size_serve(features, queue_size):
    with emulated(features, queue_size=queue_size) as (guest, device):
        pattern = start_pattern(guest)
        for mib in (150, 10, 90, 0):
            device.move(mib)
            assert device.owned_mib() == mib
        assert_whole(pattern)


@pytest.mark.parametrize("features", [DEFLATES_ON_OOM, MUST_TELL], ids=named)
def test_with_tiny_queues_pages_are_not_used_before_the_device_was_told(features):
    with emulated(features, queue_size=2) as (guest, device):
        pattern = start_pattern(guest)
        device.move(200)
        device.hold("deflate")
        device.set_target(100)
        device.wait_noted("deflate")
        if features == DEFLATES_ON_OOM:
            assert_none_used_untold(device)
        use_all_that_is_available(guest)
        time.sleep(2)
        device.answer("deflate")
        device.wait_actual(100)
        assert_whole(pattern)


@pytest.mark.parametrize("extra", [set(), {"stats", "must-tell-host"}, {"event-index"}], ids=named)
def test_a_legacy_device_serves(extra):
    with emulated(DEFLATES_ON_OOM | extra, legacy=True) as (guest, device):
        pattern = start_pattern(guest)
        for mib in (150, 10, 90, 0):
            device.move(mib)
            assert device.owned_mib() == mib
        assert_whole(pattern)


def test_features_that_the_driver_can_not_keep_are_declined():
    offered = {"page-poison", "access-platform", "indirect", "event-index", "must-tell-host"}
    with emulated(offered) as (guest, device):
        accepted = [line.split()[1] for line in device.log() if line.startswith("features")]
        assert int(accepted[-1], 16) == 1 << 32 | 1 << 29 | 1 << 0
        device.move(50)


# Targets


@pytest.mark.parametrize("features", [(), DEFLATES_ON_OOM], ids=named)
def test_odd_targets_are_hit_exactly(features):
    with emulated(features) as (guest, device):
        pattern = start_pattern(guest)
        for pages in (1, 255, 257, 256, 20001, 3, 0):
            device.move_pages(pages)
            assert device.owned_pages() == pages
        assert_whole(pattern)


@pytest.mark.parametrize("features", [(), DEFLATES_ON_OOM], ids=named)
def test_a_target_of_all_ones_leaves_a_living_guest(features):
    with emulated(features) as (guest, device):
        pattern = start_pattern(guest)
        device.set_num_pages(0xffffffff)
        guest.wait_log("no more memory to give")
        guest.run("occupy 2")
        device.move_pages(257)
        assert_whole(pattern)


@pytest.mark.parametrize("features", [DEFLATES_ON_OOM, MUST_TELL], ids=named)
def test_two_hundred_targets_and_random_latencies_leave_the_pattern_whole(features):
    chance = random.Random(f"latencies {sorted(features)}")
    with emulated(features, cpus=2) as (guest, device):
        pattern = start_pattern(guest)
        for turn in range(200):
            device.set_num_pages(chance.choice([0, 1, 257, 10000, 30000, 50000]))
            if turn % 4 == 0:
                device.delay(chance.choice(["inflate", "deflate"]), chance.randrange(0, 40))
            time.sleep(chance.random() * 0.02)
        assert pattern.running(), pattern.output()
        device.answer("inflate")
        device.answer("deflate")
        device.move_pages(7777)
        assert device.owned_pages() == 7777
        assert_whole(pattern)


# Queues that can't be had


def test_a_probe_that_fails_at_any_queue_leaves_nothing_behind():
    with emulated({"deflate-on-oom", "stats"}, driver=False) as (guest, device):
        for count in range(3):
            device.limit_queues(count)
            guest.load_module()
            assert "memory balloon ready" not in guest.log()
            guest.unload_module()
        device.limit_queues(3)
        guest.load_module()
        device.move(100)


def test_a_device_that_comes_back_from_sleep_without_its_queues_can_be_left():
    with emulated({"deflate-on-oom", "stats"}, suspendable=True) as (guest, device):
        device.move(100)
        device.limit_queues(1)
        guest.run("echo devices >/sys/power/pm_test; echo mem >/sys/power/state")
        guest.touch(300)
        guest.unload_module()
        device.limit_queues(3)
        guest.load_module()
        device.wait_actual(100)


# Devices that break and vanish


@pytest.mark.parametrize("features", [DEFLATES_ON_OOM, MUST_TELL], ids=named)
@pytest.mark.parametrize("start, end", [(0, 300), (300, 0)], ids=["inflating", "deflating"])
def test_a_device_that_breaks_is_reported_once_and_gone_with_the_driver(features, start, end):
    chance = random.Random(f"break {sorted(features)} {end}")
    with emulated(features) as (guest, device):
        pattern = start_pattern(guest)
        for _ in range(3):
            device.move(start)
            device.delay("inflate", 5)
            device.delay("deflate", 5)
            mark = guest.mark_log()
            device.set_target(end)
            time.sleep(chance.random() * 0.2)
            device.break_queues()
            device.set_target(100)
            guest.wait_log("is broken", since=mark, timeout=15)
            assert guest.log_since(mark).count("is broken") == 1
            if features == DEFLATES_ON_OOM and end < start:
                assert_none_used_untold(device)
            guest.touch(50)
            guest.unload_module(timeout=15)
            assert device.owned_pages() == 0
            guest.load_module()
        assert_whole(pattern)


@pytest.mark.parametrize("features", [DEFLATES_ON_OOM, MUST_TELL], ids=named)
def test_ten_unplugs_by_surprise_at_random_moments_leave_the_pattern_whole(features):
    chance = random.Random(f"surprise {sorted(features)}")
    with emulated(features) as (guest, device):
        pattern = start_pattern(guest)
        for _ in range(10):
            device.set_target(chance.choice([50, 250]))
            time.sleep(chance.random() * 0.4)
            device.set_target(chance.choice([0, 100]))
            time.sleep(chance.random() * 0.1)
            device.surprise_unplug(timeout=15)
            assert device.owned_pages() == 0
            device.plug()
        device.move(77)
        assert_whole(pattern)


@pytest.mark.parametrize("features", [(), MUST_TELL], ids=named)
def test_after_sleep_the_balloon_is_at_its_target(features):
    with emulated(features, suspendable=True) as (guest, device):
        pattern = start_pattern(guest)
        device.move(200)
        guest.run("echo devices >/sys/power/pm_test")
        device.clear_log()
        guest.run("echo mem >/sys/power/state", timeout=60)
        assert "write actual 0" in device.log()
        device.wait_actual(200)
        assert device.owned_mib() == 200
        assert_whole(pattern)


def test_a_system_goes_to_sleep_though_the_device_does_not_answer():
    with emulated(suspendable=True) as (guest, device):
        pattern = start_pattern(guest)
        device.move(50)
        device.hold("inflate")
        device.hold("deflate")
        device.set_target(100)
        device.wait_owned_pages(51 * 256)
        guest.run("echo devices >/sys/power/pm_test")
        guest.run("echo mem >/sys/power/state", timeout=60)
        device.answer("inflate")
        device.answer("deflate")
        device.wait_actual(100)
        assert_whole(pattern)


def _taken_offline(guest, patience=60):
    """What became of each block of memory: 0 is success. It is back afterwards."""
    return guest.run(
        "for block in /sys/devices/system/memory/memory*; do"
        f' timeout {patience} sh -c "echo offline >$block/state" 2>/dev/null; echo $?;'
        " echo online >$block/state 2>/dev/null; done; true", timeout=600).split()


def _assert_some_is_refused(guest):
    refused = [status for status in _taken_offline(guest) if status != "0"]
    assert refused and set(refused) == {"1"}, refused


@pytest.mark.parametrize("ends", ["hold", "break_queues"])
def test_the_kernel_does_not_try_for_ever_to_take_memory_of_a_silent_balloon_offline(ends):
    with emulated(memory=1024, cmdline="movablecore=512M") as (guest, device):
        device.move_pages(500 * 256 + 1)
        if ends == "hold":
            device.hold("inflate")
            device.hold("deflate")
            device.set_target(510)
        else:
            device.break_queues()
            device.set_target(0)
        guest.wait_log("does not answer|is broken")
        _assert_some_is_refused(guest)
        if ends == "hold":
            device.answer("inflate")
            device.answer("deflate")
            device.wait_actual(510)


def test_the_kernel_does_not_try_for_ever_to_take_memory_offline_that_is_to_come_back():
    with emulated(MUST_TELL, memory=1024, cmdline="movablecore=800M") as (guest, device):
        device.move(30)
        device.hold("deflate")
        device.set_target(0)
        guest.wait_log("does not answer")
        _assert_some_is_refused(guest)
        device.answer("deflate")
        device.wait_actual(0)


def test_a_silent_device_is_noticed_by_who_takes_memory_offline_though_the_guest_is_in_need():
    with emulated(memory=1024, cmdline="movablecore=512M") as (guest, device):
        device.move_pages(500 * 256 + 1)
        device.hold("inflate")
        device.set_target(510)
        guest.wait_log(SILENT)
        guest.touch(guest.meminfo()["MemAvailable"] // MIB + 20)
        wait_state(guest, "holding off")
        _assert_some_is_refused(guest)
        device.answer("inflate")


def test_the_kernel_does_not_try_for_ever_to_take_free_memory_offline_that_is_being_reported():
    with emulated(REPORTS, parameters="inflate_by_report=off", memory=1024) as (guest, device):
        device.hold("report")
        guest.touch(600)
        device.wait_noted("report")
        _assert_some_is_refused(guest)
        device.answer("report")


def test_of_a_device_that_was_not_known_to_be_silent_only_the_first_try_has_to_be_given_up():
    with emulated(memory=1024, cmdline="movablecore=512M") as (guest, device):
        device.move_pages(500 * 256 + 1)
        device.hold("inflate")
        device.hold("deflate")
        refused = [status for status in _taken_offline(guest, 10) if status != "0"]
        assert refused and set(refused[1:]) == {"1"}, refused
        device.answer("inflate")
        device.answer("deflate")


# Compaction


@pytest.mark.parametrize("features", [DEFLATES_ON_OOM, MUST_TELL], ids=named)
@pytest.mark.parametrize("queue", ["inflate", "deflate"])
def test_compaction_ends_while_the_device_is_silent_and_moves_pages_when_it_answers(features,
                                                                                    queue):
    with emulated(features, cpus=2) as (guest, device):
        spread_balloon(guest, device, 150)
        pattern = start_pattern(guest)
        device.hold(queue)
        device.clear_log()
        compact(guest)
        noted = device.log()
        assert any(line.startswith(queue) for line in noted), noted
        device.answer(queue)
        moved = guest.vmstat()["balloon_migrate"]
        compact(guest)
        assert guest.vmstat()["balloon_migrate"] > moved
        device.move(0)
        assert device.owned_pages() == 0
        assert_whole(pattern)


@pytest.mark.parametrize("features", [DEFLATES_ON_OOM, MUST_TELL], ids=named)
def test_the_driver_leaves_while_compaction_waits_for_a_silent_device(features):
    with emulated(features, cpus=2) as (guest, device):
        spread_balloon(guest, device, 150)
        pattern = start_pattern(guest)
        device.hold("inflate")
        device.clear_log()
        compaction = guest.start("while :; do echo 1 >/proc/sys/vm/compact_memory; done")
        device.wait_noted("inflate")
        guest.unload_module(timeout=15)
        compaction.stop()
        assert device.owned_pages() == 0
        assert_whole(pattern)


def test_a_move_that_a_silent_device_did_not_let_finish_is_over_when_the_system_has_slept():
    with emulated(cpus=2, suspendable=True) as (guest, device):
        spread_balloon(guest, device, 100)
        device.hold("inflate")
        device.clear_log()
        compact(guest, times=1)
        device.wait_noted("inflate")
        device.set_target(0)
        guest.run("echo devices >/sys/power/pm_test; echo mem >/sys/power/state", timeout=60)
        device.answer("inflate")
        device.wait_actual(0)
        spread_balloon(guest, device, 100)
        before = figures(guest)["migrated"]
        compact(guest)
        assert figures(guest)["migrated"] > before


# Order


def test_the_device_hears_of_an_empty_balloon_when_the_driver_leaves():
    with emulated() as (guest, device):
        device.move(100)
        device.clear_log()
        guest.unload_module()
        log = device.log()
        assert log.index("write actual 0") < log.index("reset")
        assert sum(int(line.split()[1]) for line in log if line.startswith("deflate")) == 25600
        assert device.actual_pages() == 0


def test_nothing_is_said_to_a_device_that_is_not_ready():
    features = {"stats", "reporting", "free-page-hint", "deflate-on-oom"}
    with emulated(features, driver=False) as (guest, device):
        device.set_target(50)
        device.command(2)
        guest.load_module()
        device.wait_actual(50)
        log = device.wait_noted("hint command 0")
        device.command(1)
        assert place_of(log, "features") < ready_at(log)
        before = log[place_of(log, "features"):ready_at(log)]
        assert {line.split()[0] for line in before} == {"features", "status"}
