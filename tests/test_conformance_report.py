# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules R of docs/conformance.md, and reports to devices that answer late, never or less."""

import random
import time

import pytest

from rig import Device, Guest, clock
from rig.device import SCRIBBLE
from rig.emulated import (AGAIN, MIB, REPORTS, SILENT, emulated, ready_at, reports_in,
                          use_all_that_is_available)
from rig.pattern import assert_whole, start_pattern
from rig.visible import events, trace

BY_FRAMES = "inflate_by_report=off"
POISONS = ["init_on_free=1", "page_poison=1"]


def _use_and_free(guest, mib=200):
    guest.touch(mib)


def _wait_reported(device, mib, timeout=20):
    deadline = clock.now() + timeout
    while sum(report.frames for report in reports_in(device.log())) < mib * 256:
        assert clock.now() < deadline, device.report()
        time.sleep(0.2)
    return device.log()


def test_r1_reported_memory_may_hold_anything_when_it_is_used_again():
    with emulated(REPORTS) as (guest, device):
        pattern = start_pattern(guest)
        for _ in range(3):
            device.clear_log()
            _use_and_free(guest)
            _wait_reported(device, 100)
            guest.touch(250)
        assert_whole(pattern)


@pytest.mark.parametrize("cmdline", POISONS)
def test_r1_a_guest_that_trusts_in_freed_memory_finds_it_as_it_left_it(cmdline):
    with emulated(REPORTS, cmdline=f"{cmdline} init_on_alloc=0") as (guest, device):
        _use_and_free(guest, 300)
        time.sleep(5)
        assert device.came_back_with(SCRIBBLE)[0] == 0
        wrong = guest.run("zeros 300")
        assert "memory corruption" not in guest.log()
        assert wrong == "zeros: 0 wrong\n"


@pytest.mark.parametrize("cmdline", POISONS)
def test_r2_with_page_poison_reported_memory_holds_the_poison_value(cmdline):
    with emulated(REPORTS | {"page-poison"}, cmdline=cmdline) as (guest, device):
        pattern = start_pattern(guest)
        for _ in range(2):
            device.clear_log()
            _use_and_free(guest)
            _wait_reported(device, 100)
        # Memory that holds anything else is a violation that the device notes.
        assert device.violations() == []
        assert "memory corruption" not in guest.log()
        assert_whole(pattern)


def test_r3_reported_memory_is_used_by_nobody_before_the_answer():
    with emulated(REPORTS) as (guest, device):
        pattern = start_pattern(guest)
        device.hold("report")
        _use_and_free(guest)
        device.wait_noted("report", timeout=20)
        reported = device.owned_pages()
        assert reported > 0
        guest.wait_log(f"{SILENT} a report", timeout=20)
        for _ in range(3):
            use_all_that_is_available(guest)
        # Memory that is used before the answer is a violation that the device notes.
        assert device.violations() == []
        assert device.owned_pages() == reported
        device.answer("report")
        device.wait_noted("answered report")
        _wait_reported(device, 150)
        assert_whole(pattern)


def test_r3_what_the_balloon_names_is_used_by_nobody_before_the_answer():
    with emulated(REPORTS, reported_elsewhere=True) as (guest, device):
        pattern = start_pattern(guest)
        device.hold("report")
        device.set_target(32)
        guest.wait_log(SILENT, timeout=15)
        owned = device.owned_pages()
        assert 0 < owned <= 32 * 256
        for _ in range(3):
            use_all_that_is_available(guest)
        # Memory that is used before the answer is a violation that the device notes.
        assert device.violations() == []
        assert device.owned_pages() == owned
        device.answer("report")
        device.wait_actual(32)
        assert_whole(pattern)


def test_r4_nothing_is_reported_before_the_driver_is_ready():
    with emulated(REPORTS, driver=False) as (guest, device):
        device.take_time_to_be_ready(3000)
        for _ in range(2):
            device.clear_log()
            _use_and_free(guest, 100)
            guest.load_module()
            log = device.wait_noted("report", timeout=20)
            first = next(place for place, line in enumerate(log) if line.startswith("report"))
            assert ready_at(log) < first
            guest.unload_module()


def test_r5_large_ranges_are_reported():
    with emulated(REPORTS) as (guest, device):
        device.delay("report", 200)
        _use_and_free(guest)
        log = _wait_reported(device, 150)
        assert min(report.smallest for report in reports_in(log)) >= 512
        # Memory that is written before the answer is a violation that the device notes.
        device.answer("report")
        time.sleep(1)
        assert device.violations() == []
        as_left, of = device.came_back_with(SCRIBBLE)
        assert as_left > 0.9 * of > 0, (as_left, of)


# What no rule spells out


@pytest.mark.parametrize("queue_size", [2, 4, 32, 1024])
def test_reports_fit_into_queues_of_any_size(queue_size):
    with emulated(REPORTS, queue_size=queue_size) as (guest, device):
        pattern = start_pattern(guest)
        _use_and_free(guest)
        log = _wait_reported(device, 150)
        assert max(report.ranges for report in reports_in(log)) <= max(queue_size // 2, 1)
        assert_whole(pattern)


@pytest.mark.parametrize("queue_size", [2, 128])
def test_a_silent_device_is_reported_once_and_left_within_seconds(queue_size):
    with emulated(REPORTS, parameters=BY_FRAMES, queue_size=queue_size) as (guest, device):
        pattern = start_pattern(guest)
        free = guest.free_memory()
        device.hold("report")
        _use_and_free(guest)
        guest.wait_log(f"{SILENT} a report", timeout=20)
        assert free - guest.free_memory() < 140 * MIB + guest.kept_bytes
        device.move(100)
        time.sleep(6)
        assert guest.log().count(SILENT) == 1
        device.answer("report")
        guest.wait_log(f"{AGAIN}|answers reports")
        device.hold("report")
        device.clear_log()
        _use_and_free(guest)
        device.wait_noted("report", timeout=20)
        start = clock.now()
        guest.unload_module(timeout=15)
        assert clock.now() - start < 8
        assert device.owned_pages() == 0
        assert_whole(pattern)


def test_free_memory_does_not_wait_for_room_in_a_ring_that_a_silent_device_leaves_full():
    with emulated(REPORTS, queue_size=2) as (guest, device):
        device.hold("report")
        device.set_target(300)
        guest.wait_log(SILENT, timeout=20)
        trace(guest)
        guest.touch(60)
        guest.wait_until(lambda: events(guest, "report"), "a report is over", timeout=60)
        assert all(event["wanted"] > 0 == event["bytes"] for event in events(guest, "report"))
        device.answer("report")
        device.wait_actual(300)


def test_a_system_goes_to_sleep_though_a_report_is_not_answered():
    with emulated(REPORTS, parameters=BY_FRAMES, suspendable=True) as (guest, device):
        pattern = start_pattern(guest)
        device.move(50)
        device.hold("report")
        _use_and_free(guest)
        device.wait_noted("report", timeout=20)
        for level in ("freezer", "devices"):
            device.clear_log()
            guest.run(f"echo {level} >/sys/power/pm_test; echo mem >/sys/power/state", timeout=30)
            device.wait_actual(50)
            assert any(line == "reset" for line in device.log())
            _use_and_free(guest)
            device.wait_noted("report", timeout=20)
        device.answer("report")
        _wait_reported(device, 100)
        assert_whole(pattern)


def test_reports_go_on_after_sleep():
    with emulated(REPORTS, suspendable=True) as (guest, device):
        for level in ("freezer", "devices"):
            guest.run(f"echo {level} >/sys/power/pm_test; echo mem >/sys/power/state", timeout=60)
            device.clear_log()
            _use_and_free(guest)
            _wait_reported(device, 100)


@pytest.mark.parametrize("leave", ["unload_module", "surprise_unplug", "unplug", "break"])
def test_a_device_goes_in_the_middle_of_a_report_and_memory_is_whole(leave):
    chance = random.Random(leave)
    with emulated(REPORTS, cpus=2) as (guest, device):
        pattern = start_pattern(guest)
        for _ in range(4):
            device.set_target(chance.choice([0, 100]))
            device.clear_log()
            device.delay("report", chance.randrange(0, 300))
            _use_and_free(guest, 150)
            device.wait_noted("report", timeout=20)
            time.sleep(chance.random() * 0.3)
            if leave == "break":
                device.break_queues()
            if leave in ("unload_module", "break"):
                guest.unload_module(timeout=15)
                guest.load_module()
            else:
                getattr(device, leave)(timeout=15)
                device.plug()
        assert_whole(pattern)


def test_reports_and_a_moving_balloon_do_not_mix_up_their_answers():
    chance = random.Random("reports")
    with emulated(REPORTS | {"must-tell-host", "free-page-hint"}, cpus=2) as (guest, device):
        pattern = start_pattern(guest)
        for turn in range(40):
            device.set_num_pages(chance.choice([0, 257, 20000, 40000]))
            device.command(turn + 2 if turn % 3 else 1)
            if turn % 4 == 0:
                device.delay(chance.choice(["inflate", "deflate", "report", "hint"]),
                             chance.randrange(0, 200))
            if turn % 5 == 0:
                guest.touch(60)
            time.sleep(chance.random() * 0.3)
        for queue in ("inflate", "deflate", "report", "hint"):
            device.answer(queue)
        device.command(1)
        device.move_pages(7777)
        device.clear_log()
        guest.touch(100)
        device.wait_noted("answered report")
        assert_whole(pattern)


def test_of_two_devices_one_reports_and_both_take_and_give_back():
    with Guest(memory=512, balloon="free-page-reporting=on", module=None) as guest:
        device = Device(guest, REPORTS)
        device.plug()
        guest.load_module()
        assert guest.log().count("not reported to the host: another device reports it") == 1
        for mib in (50, 0):
            guest.set_balloon(mib)
            device.set_target(mib)
            guest.wait_balloon(mib)
            device.wait_actual(mib)
        guest.unload_module()
        assert device.violations() == []
        device.remove()
