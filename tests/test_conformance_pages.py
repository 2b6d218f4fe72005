# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules O of docs/conformance.md: pages go to the host and come back as the standard says."""

import time

import pytest

from rig import OUT_OF_MEMORY, clock
from rig.emulated import (AGAIN, DEFLATES_ON_OOM, MIB, MUST_TELL, REPORTS, SILENT,
                          assert_none_used_untold, compact, emulated, frames_in, named, place_of,
                          spread_balloon, use_all_that_is_available)
from rig.pattern import assert_whole, start_pattern

BLOCK_BYTES = 4 * MIB

POISONED = REPORTS | {"page-poison"}
NO_MORE = "no more memory to give"


@pytest.mark.parametrize("features, cmdline", [((), ""), (POISONED, "page_poison=1")],
                         ids=["plain", "poisoned"])
def test_o1_pages_are_supplied_when_the_target_is_above_the_size(features, cmdline):
    with emulated(features, cmdline=cmdline) as (guest, device):
        for pages in (1, 2560, 51200, 51201, 51457):
            device.move_pages(pages)
            assert device.owned_pages() == pages


def test_o2_pages_are_taken_back_when_the_target_is_below_the_size():
    with emulated(()) as (guest, device):
        device.move(200)
        free = guest.free_memory()
        for before, mib in ((200, 120), (120, 30), (30, 0)):
            device.clear_log()
            device.move(mib)
            assert device.owned_mib() == mib
            assert frames_in(device.log(), "deflate") == (before - mib) * 256
        assert guest.free_memory() - free > 190 * MIB - guest.kept_bytes


def test_o3_without_deflate_on_oom_a_guest_out_of_memory_uses_no_page_of_the_balloon():
    with emulated(()) as (guest, device):
        guest.forgive(OUT_OF_MEMORY)
        device.move(250)
        program = guest.start("occupy 400")
        while program.running():
            assert device.actual_mib() == device.owned_mib() == 250
            time.sleep(0.1)
        assert program.wait(timeout=60) != 0
        assert guest.vmstat()["oom_kill"] > 0
        assert device.actual_mib() == device.owned_mib() == 250


def test_o3_a_guest_that_has_no_more_to_give_takes_nothing_back():
    with emulated(()) as (guest, device):
        guest.forgive(OUT_OF_MEMORY)
        device.set_target(1000)
        guest.wait_log(NO_MORE)
        held = device.actual_pages()
        device.clear_log()
        guest.start("occupy 400").wait(timeout=60)
        assert guest.vmstat()["oom_kill"] > 0
        time.sleep(3)
        log = device.log()
        assert frames_in(log, "deflate") <= frames_in(log, "inflate"), "compaction only moves pages"
        assert device.owned_pages() == device.actual_pages() >= held > 0


@pytest.mark.parametrize("features", [DEFLATES_ON_OOM, MUST_TELL], ids=named)
def test_o4_with_deflate_on_oom_a_program_gets_its_memory_from_the_balloon(features):
    with emulated(features) as (guest, device):
        device.move(300)
        device.delay("deflate", 5)
        program = guest.start("occupy 300")
        assert program.wait(timeout=60) == 0, program.output()
        assert guest.vmstat()["oom_kill"] == 0


@pytest.mark.parametrize("features", [(), MUST_TELL], ids=named)
def test_o5_the_device_is_told_of_each_page_that_comes_back(features):
    with emulated(features) as (guest, device):
        pattern = start_pattern(guest)
        device.move(200)
        device.clear_log()
        device.move(70)
        assert frames_in(device.log(), "deflate") == 130 * 256
        assert device.owned_mib() == 70
        assert_none_used_untold(device)
        use_all_that_is_available(guest)
        assert_whole(pattern)
        device.clear_log()
        guest.unload_module()
        assert frames_in(device.log(), "deflate") == 70 * 256


@pytest.mark.parametrize("features", [DEFLATES_ON_OOM, MUST_TELL], ids=named)
def test_o5_the_device_is_told_of_what_a_guest_out_of_memory_takes_back(features):
    with emulated(features) as (guest, device):
        device.move(300)
        program = guest.start("occupy 300 hold")
        program.wait_output("\n", timeout=60)
        _wait_agreed(device)
        assert device.owned_mib() < 250
        program.stop()


def test_o5_what_was_named_by_ranges_comes_back_without_a_word():
    with emulated(REPORTS, reported_elsewhere=True) as (guest, device):
        device.move(200)
        for mib in (67, 0):
            device.move(mib)
        # Frames that are told and were never named are violations that the device notes.
        assert frames_in(device.log(), "deflate") == frames_in(device.log(), "inflate") == 0
        assert device.violations() == []


def test_o5_the_device_is_told_of_the_page_that_compaction_moved():
    with emulated(cpus=2) as (guest, device):
        spread_balloon(guest, device, 150)
        device.clear_log()
        compact(guest)
        device.wait_noted("inflate")
        _wait_agreed(device)
        assert device.owned_mib() == 150


def _wait_agreed(device):
    """Waits until the driver's size is what the host owns."""
    deadline = clock.now() + 5
    while device.actual_pages() != device.owned_pages():
        assert clock.now() < deadline, device.report()
        time.sleep(0.1)


@pytest.mark.parametrize("features", [MUST_TELL, MUST_TELL | REPORTS], ids=named)
def test_o6_with_must_tell_host_pages_come_back_only_with_the_answer(features):
    with emulated(features, reported_elsewhere="reporting" in features) as (guest, device):
        pattern = start_pattern(guest)
        device.move(200)
        device.hold("deflate")
        free = guest.free_memory()
        device.set_target(0)
        guest.wait_log(SILENT, timeout=15)
        assert abs(guest.free_memory() - free) < 3 * MIB + guest.kept_bytes
        assert device.owned_mib() == 200
        use_all_that_is_available(guest)
        device.answer("deflate")
        device.wait_actual(0)
        guest.wait_log(AGAIN)
        assert guest.free_memory() - free > 190 * MIB - guest.kept_bytes
        assert_whole(pattern)


def test_o6_a_block_comes_back_only_with_the_last_of_its_answers():
    with emulated(MUST_TELL) as (guest, device):
        pattern = start_pattern(guest)
        device.move(100)
        device.hold("deflate")
        device.set_target(68)
        device.wait_noted("deflate", 32)
        free = guest.free_memory()
        for answers, blocks in ((3, 0), (1, 1), (3, 1), (1, 2)):
            device.step("deflate", answers)
            time.sleep(0.5)
            gone = guest.free_memory() - free - blocks * BLOCK_BYTES
            assert abs(gone) < 2 * MIB + guest.kept_bytes
        use_all_that_is_available(guest)
        # Memory that is used before the last answer is a violation that the device notes.
        assert device.violations() == []
        device.answer("deflate")
        device.wait_actual(68)
        assert_whole(pattern)


def test_o6_the_page_that_compaction_has_moved_comes_back_only_with_the_answer():
    with emulated(MUST_TELL, cpus=2) as (guest, device):
        spread_balloon(guest, device, 150)
        device.hold("deflate")
        compact(guest)
        device.wait_noted("deflate")
        for _ in range(3):
            use_all_that_is_available(guest)
        # A page that is used while it is the host's is a violation that the device notes.
        device.answer("deflate")


def test_o7_without_must_tell_host_pages_come_back_before_the_answer():
    with emulated() as (guest, device):
        pattern = start_pattern(guest)
        device.move(200)
        free = guest.free_memory()
        device.hold("deflate")
        device.move(180)
        assert_none_used_untold(device)
        assert guest.free_memory() - free > 15 * MIB - guest.kept_bytes
        device.set_target(0)
        guest.wait_log(SILENT, timeout=15)
        use_all_that_is_available(guest)
        device.answer("deflate")
        device.wait_actual(0)
        guest.wait_log(AGAIN)
        assert device.owned_pages() == 0
        assert_whole(pattern)


def test_o8_a_page_that_was_named_is_used_by_nobody_before_the_answer():
    with emulated() as (guest, device):
        pattern = start_pattern(guest)
        device.hold("inflate")
        device.set_target(100)
        guest.wait_log(SILENT, timeout=15)
        named_pages = device.owned_pages()
        assert named_pages > 0 == device.actual_pages()
        device.set_target(0)
        for _ in range(3):
            use_all_that_is_available(guest)
        assert device.owned_pages() == named_pages
        device.answer("inflate")
        while device.owned_pages():
            time.sleep(0.1)
        assert_whole(pattern)


def test_o8_ranges_that_were_named_are_held_by_nobody_before_the_answer():
    with emulated(REPORTS, reported_elsewhere=True) as (guest, device):
        device.hold("report")
        device.set_target(28)
        device.wait_noted("report")
        time.sleep(1)
        owned = device.owned_pages()
        assert device.actual_pages() == 0 < owned <= 28 * 256
        device.set_target(0)
        for _ in range(2):
            use_all_that_is_available(guest)
        # Memory that is used while it is the host's is a violation that the device notes.
        assert device.violations() == []
        assert device.owned_pages() == owned
        device.answer("report")
        while device.owned_pages():
            time.sleep(0.1)


def test_o8_the_page_that_compaction_fills_is_used_by_nobody_before_the_answer():
    with emulated(cpus=2) as (guest, device):
        spread_balloon(guest, device, 150)
        device.hold("inflate")
        device.clear_log()
        compact(guest)
        device.wait_noted("inflate")
        for _ in range(3):
            use_all_that_is_available(guest)
        # A page that is used while it is the host's is a violation that the device notes.
        device.answer("inflate")


def test_o9_a_page_is_not_deflated_before_its_inflation_is_acknowledged():
    with emulated() as (guest, device):
        pattern = start_pattern(guest)
        device.move(50)
        device.hold("inflate")
        device.set_target(66)
        device.wait_owned_pages(51 * 256)
        device.step("inflate", 3)
        device.set_target(0)
        guest.wait_log(SILENT, timeout=15)
        log = device.log()
        inflated, acknowledged = frames_in(log, "inflate"), _answered(log, "inflate")
        assert acknowledged < inflated
        assert 50 * 256 <= frames_in(log, "deflate") <= acknowledged
        device.answer("inflate")
        device.wait_actual(0)
        # Frames that are deflated too early are violations that the device notes.
        assert_whole(pattern)


def test_o9_the_page_that_compaction_fills_is_not_deflated_before_the_answer():
    with emulated(cpus=2) as (guest, device):
        spread_balloon(guest, device, 150)
        device.hold("inflate")
        device.clear_log()
        compact(guest)
        device.wait_noted("inflate")
        device.set_target(0)
        # What stays is that page and the one that it stands for.
        deadline = clock.now() + 20
        while device.owned_pages() > 2:
            assert clock.now() < deadline, device.report()
            time.sleep(0.1)
        time.sleep(1)
        # Frames that are deflated too early are violations that the device notes.
        assert device.violations() == []
        assert device.owned_pages() == 2
        device.answer("inflate")
        device.wait_actual(0)


def _answered(log, queue):
    return sum(int(line.split()[2]) for line in log if line.startswith(f"answered {queue} "))


def test_o10_the_size_is_written_after_the_number_of_pages_has_changed():
    with emulated() as (guest, device):
        for before, mib in ((0, 100), (100, 33)):
            device.clear_log()
            device.move(mib)
            log = device.log()
            queue = "answered inflate" if mib > before else ("deflate", "posted deflate")
            assert place_of(log, queue) < place_of(log, "write actual")
            _assert_never_ahead(log, before * 256)
            assert device.owned_mib() == mib


def test_o10_the_size_is_not_written_before_the_number_of_pages_has_changed():
    with emulated() as (guest, device):
        device.hold("inflate")
        device.set_target(10)
        guest.wait_log(SILENT, timeout=15)
        device.set_target(20)
        time.sleep(1)
        assert device.owned_pages() > 0 == device.actual_pages()
        device.answer("inflate")
        device.wait_actual(20)
        _assert_never_ahead(device.log(), 0)


def test_o10_the_size_is_written_though_the_target_is_out_of_reach():
    with emulated() as (guest, device):
        device.set_target(1000)
        guest.wait_log(NO_MORE)
        _wait_agreed(device)
        assert device.actual_mib() > 200


def _assert_never_ahead(log, size):
    """What is written has changed hands by then; of what was answered some may be missing.

    The log begins before the first request to deflate. What was posted counts before the
    device has looked at it.
    """
    deflated = [int(line.split()[1]) for line in log if line.startswith("deflate")]
    grows, seen, posted = False, 0, 0
    for line in log:
        words = line.split()
        if line.startswith("answered inflate"):
            size, grows = size + int(words[2]), True
        elif line.startswith("deflate"):
            seen, grows = seen + 1, False
        elif line.startswith("posted deflate"):
            posted, grows = int(words[2]), False
        elif line.startswith("write actual"):
            now = size - sum(deflated[:max(seen, posted)])
            assert int(words[2]) == now or grows and int(words[2]) < now, (line, now)
