# SPDX-License-Identifier: GPL-2.0-or-later
"""The two ways in which the balloon's memory is named: by ranges, as free memory is reported,
and block by block in frame numbers."""

import random
import time

import pytest

from rig import CommandFailed, Guest, OUT_OF_MEMORY, clock
from rig.emulated import (AGAIN, DEFLATES_ON_OOM, MIB, MUST_TELL, REPORTS, SILENT, compact,
                          emulated, frames_in, named, reports_in, requests_in,
                          use_all_that_is_available)
from rig.pattern import assert_whole, start_pattern

BLOCK = 1024
BUFFER = 256
BUFFERS = BLOCK // BUFFER
# What one batch of frame numbers can name, in MiB.
LITTLE = 28
# A kernel that clears memory when it is taken needs many steps for it.
TAKES_AT_ONCE = "init_on_alloc=0"
PARAMETER = "/sys/module/virtio_balloon/parameters/inflate_by_report"


def _assert_nothing_in_the_old_queues(log):
    assert frames_in(log, "inflate") == frames_in(log, "deflate") == 0, log


def _assert_soon(condition, timeout=15):
    deadline = clock.now() + timeout
    while not condition():
        assert clock.now() < deadline
        time.sleep(0.2)


def _wait_free(guest, wanted):
    """Reports to the other device keep some memory from being free for a moment."""
    _assert_soon(lambda: guest.free_memory() >= wanted)


def _load_into_scattered_memory(guest):
    """Most of the free memory comes in pieces of seven pages and less."""
    guest.run("echo 0 >/proc/sys/vm/compaction_proactiveness")
    scatter = guest.start("fragment 350 8")
    scatter.wait_output("fragment: ready")
    guest.load_module()
    return scatter


def _spread_balloon(guest, device):
    """Compaction has reason to move it, and has not yet."""
    scatter = _load_into_scattered_memory(guest)
    device.move(150)
    scatter.stop()


def _assert_follows(guest, device, targets=(150, 10, 90, 0)):
    for mib in targets:
        device.move(mib)


# By ranges: what is said


@pytest.mark.parametrize("features", [{"reporting"}, REPORTS], ids=named)
def test_memory_goes_by_ranges_page_for_page_and_comes_back_without_a_word(features):
    with emulated(features, reported_elsewhere=True) as (guest, device):
        pattern = start_pattern(guest)
        free, size = guest.free_memory(), 0
        for pages in (1, 255, 257, 1025, 20001, 3, 0):
            device.clear_log()
            device.move_pages(pages)
            log = device.log()
            assert frames_in(log, "report") == max(pages - size, 0)
            assert device.owned_pages() == 0
            _assert_nothing_in_the_old_queues(log)
            size = pages
        _wait_free(guest, free - 4 * MIB)
        use_all_that_is_available(guest)
        assert_whole(pattern)


def _assert_whole_blocks_only(log):
    assert all(report.smallest >= BLOCK for report in reports_in(log))


def test_blocks_are_named_as_a_whole_and_neighbours_together():
    with emulated(REPORTS, memory=768, cmdline=TAKES_AT_ONCE,
                  reported_elsewhere=True) as (guest, device):
        device.move(400)
        assert sum(report.frames for report in reports_in(device.log())) == 400 * 256
        _assert_whole_blocks_only(device.log())
        assert len(reports_in(device.log())) <= 10
        assert sum(report.ranges for report in reports_in(device.log())) <= 20
        for mib in (48, 76, 300, 4, 32, 100):
            device.clear_log()
            device.move(mib)
            _assert_whole_blocks_only(device.log())


def test_the_driver_that_leaves_says_nothing_of_what_comes_back():
    with emulated(REPORTS, reported_elsewhere=True) as (guest, device):
        device.move(100)
        device.clear_log()
        guest.unload_module()
        log = device.log()
        _assert_nothing_in_the_old_queues(log)
        assert frames_in(log, "report") == 0
        assert log.index("write actual 0") < log.index("reset")


def test_memory_that_is_cleared_when_it_is_freed_goes_by_ranges():
    with emulated(REPORTS | {"page-poison"}, cmdline="init_on_free=1",
                  reported_elsewhere=True) as (guest, device):
        device.move(100)
        device.move(0)
        assert frames_in(device.log(), "report") == 25600
        _assert_nothing_in_the_old_queues(device.log())
        assert guest.run("zeros 300") == "zeros: 0 wrong\n"


# Which way


@pytest.mark.parametrize("features, parameters, cmdline", [
    (REPORTS, "inflate_by_report=off", ""),
    (REPORTS | MUST_TELL, "", ""),
    (REPORTS | {"page-poison"}, "", "page_poison=1"),
], ids=["ruled-out", "must-tell-host", "poisoned"])
def test_where_ranges_will_not_do_frame_numbers_name_all(features, parameters, cmdline):
    with emulated(features, cmdline=cmdline, parameters=parameters,
                  reported_elsewhere=True) as (guest, device):
        device.move(100)
        device.move(0)
        log = device.log()
        assert frames_in(log, "inflate") == frames_in(log, "deflate") == 25600
        assert frames_in(log, "report") == 0


def test_the_choice_is_auto_or_off_and_can_be_read():
    with Guest(memory=256, balloon=None, module=None) as guest:
        for value in ("on", "OFF", "1", "automatic", ""):
            mark = guest.mark_log()
            with pytest.raises(CommandFailed):
                guest.load_module(parameters=f"inflate_by_report={value}")
            guest.wait_log("inflate_by_report is auto or off", since=mark, timeout=5)
            guest.run("! [ -e /sys/module/virtio_balloon ]")
        for parameters, choice in (("", "auto"), ("inflate_by_report=auto", "auto"),
                                   ("inflate_by_report=off", "off")):
            guest.load_module(parameters=parameters)
            assert guest.read(PARAMETER) == f"{choice}\n"
            with pytest.raises(CommandFailed):
                guest.run(f"echo auto >{PARAMETER}")
            assert guest.read(PARAMETER) == f"{choice}\n"
            guest.unload_module()


# By ranges: answers that do not come


def test_what_is_named_stays_out_of_use_and_what_is_held_deflates_until_the_answer():
    with emulated(REPORTS, reported_elsewhere=True) as (guest, device):
        pattern = start_pattern(guest)
        device.move(100)
        device.hold("report")
        device.set_target(132)
        guest.wait_log(SILENT, timeout=15)
        out = device.owned_pages()
        assert 0 < out <= 32 * 256
        assert device.actual_mib() == 100
        use_all_that_is_available(guest)
        device.move(80)
        use_all_that_is_available(guest)
        for mib in (200, 112, 150):
            device.set_target(mib)
            time.sleep(0.5)
        assert (device.actual_mib(), device.owned_pages()) == (80, out)
        # Memory that is used before the answer is a violation that the device notes.
        assert device.violations() == []
        assert guest.log().count(SILENT) == 1
        device.answer("report")
        device.wait_actual(150, timeout=5)
        guest.wait_log(AGAIN)
        assert device.owned_pages() == 0
        assert_whole(pattern)


def test_answers_to_half_of_the_requests_count_for_exactly_their_frames():
    with emulated(REPORTS, driver=False, reported_elsewhere=True) as (guest, device):
        _load_into_scattered_memory(guest)
        device.hold("report")
        device.set_target(150)
        guest.wait_log(SILENT, timeout=20)
        sizes = requests_in(device.log(), "report")
        half = len(sizes) // 2
        assert half > 0
        device.step("report", half)
        device.wait_actual_pages(sum(sizes[:half]), timeout=5)
        time.sleep(1)
        assert device.actual_pages() == sum(sizes[:half])
        device.answer("report")
        device.wait_actual(150)
        assert device.owned_pages() == 0


@pytest.mark.parametrize("features", [{"reporting"}, REPORTS], ids=named)
def test_the_driver_leaves_a_device_that_answers_no_report_within_seconds(features):
    with emulated(features) as (guest, device):
        pattern = start_pattern(guest)
        device.move(50)
        device.hold("report")
        guest.touch(150)
        device.set_target(100)
        device.wait_owned_pages(50 * 256)
        time.sleep(2)
        start = clock.now()
        guest.unload_module(timeout=30)
        assert clock.now() - start < 10
        assert (device.actual_pages(), device.owned_pages()) == (0, 0)
        guest.touch(300)
        assert_whole(pattern)


@pytest.mark.parametrize("leave", ["unload_module", "surprise_unplug", "unplug", "break"])
def test_a_device_goes_at_any_moment_between_ranges_and_answers_and_memory_is_whole(leave):
    chance = random.Random(f"ranges {leave}")
    with emulated(REPORTS, cpus=2) as (guest, device):
        pattern = start_pattern(guest)
        for hold in (False, True, False, False):
            if hold:
                device.hold("report")
            else:
                device.delay("report", chance.randrange(200))
            device.set_target(chance.choice([50, 250]))
            time.sleep(chance.random() * 0.4)
            device.set_target(chance.choice([0, 100]))
            time.sleep(chance.random() * 0.2)
            _leave_and_come_back(guest, device, leave)
        device.answer("report")
        device.move(77)
        assert_whole(pattern)


def _leave_and_come_back(guest, device, leave):
    if leave == "break":
        device.break_queues()
    if leave in ("unload_module", "break"):
        guest.unload_module(timeout=15)
        assert device.owned_pages() == 0
        guest.load_module()
    else:
        getattr(device, leave)(timeout=15)
        assert device.owned_pages() == 0
        device.plug()


# By ranges: shapes of devices


@pytest.mark.parametrize("queue_size", [2, 4, 32, 1024])
def test_ranges_fit_into_queues_of_any_size(queue_size):
    with emulated(REPORTS, driver=False, queue_size=queue_size,
                  reported_elsewhere=True) as (guest, device):
        _load_into_scattered_memory(guest)
        pattern = start_pattern(guest)
        _assert_follows(guest, device)
        largest = max(report.ranges for report in reports_in(device.newest_log()))
        assert largest == min(max(queue_size // 2, 1), 32)
        assert_whole(pattern)


def test_a_legacy_device_takes_ranges():
    with emulated(REPORTS, legacy=True, reported_elsewhere=True) as (guest, device):
        pattern = start_pattern(guest)
        _assert_follows(guest, device)
        _assert_nothing_in_the_old_queues(device.log())
        assert_whole(pattern)


# By ranges: the guest needs memory, moves it, and reports it


def test_a_guest_out_of_memory_gets_some_back_without_a_word():
    with emulated(REPORTS, reported_elsewhere=True) as (guest, device):
        device.move(300)
        device.clear_log()
        program = guest.start("occupy 260 hold")
        assert program.wait_output("\n").strip().isdigit()
        assert guest.vmstat()["oom_kill"] == 0
        _assert_nothing_in_the_old_queues(device.log())
        program.stop()


def test_a_guest_gets_memory_back_while_the_worker_takes_it():
    with emulated(REPORTS, cpus=2, reported_elsewhere=True) as (guest, device):
        device.delay("report", 20)
        for mib in (350, 340, 300):
            device.set_target(mib)
            program = guest.start("occupy 220")
            assert program.wait() == 0, program.output()
            device.move(0)
        assert guest.vmstat()["oom_kill"] == 0
        _assert_nothing_in_the_old_queues(device.log())


def test_a_guest_out_of_memory_gets_blocks_while_the_one_page_waits_for_its_answer():
    with emulated(REPORTS, reported_elsewhere=True) as (guest, device):
        guest.run("echo 0 >/proc/sys/vm/compaction_proactiveness")
        _assert_soon(lambda: _moves_the_one_page(guest, device))
        device.clear_log()
        program = guest.start("occupy 260 hold")
        assert program.wait_output("\n").strip().isdigit()
        assert guest.vmstat()["oom_kill"] == 0
        assert requests_in(device.log(), "report") == []
        program.stop()
        device.answer("report")


def _moves_the_one_page(guest, device):
    """Whether compaction names a page in place of the only one that is in no block."""
    device.answer("report")
    for pages in (0, 70 * BLOCK + 1):
        device.move_pages(pages)
        guest.touch(50)
    device.hold("report")
    device.clear_log()
    compact(guest, times=1)
    return requests_in(device.log(), "report") == [1]


def test_a_guest_out_of_memory_lives_on_while_no_report_is_answered():
    with emulated(REPORTS, reported_elsewhere=True) as (guest, device):
        guest.forgive(OUT_OF_MEMORY)
        device.move(200)
        device.hold("report")
        device.set_target(300)
        device.wait_owned_pages(1)
        device.clear_log()
        program = guest.start("occupy 450")
        program.wait()
        assert guest.run("echo alive") == "alive\n"
        device.wait_noted("write actual 0")
        _assert_nothing_in_the_old_queues(device.log())


def test_compaction_names_the_new_page_and_the_old_one_comes_back_without_a_word():
    with emulated(REPORTS, driver=False, reported_elsewhere=True) as (guest, device):
        _spread_balloon(guest, device)
        notified, moved = device.notifications("report"), guest.vmstat()["balloon_migrate"]
        free = guest.free_memory()
        device.clear_log()
        compact(guest, times=1)
        moved = guest.vmstat()["balloon_migrate"] - moved
        assert moved > 1000
        assert device.notifications("report") - notified == moved
        assert set(requests_in(device.newest_log(), "report")) == {1}
        _assert_nothing_in_the_old_queues(device.newest_log())
        assert device.actual_mib() == 150
        _wait_free(guest, free - moved * 4096 // 2)
        use_all_that_is_available(guest)


def test_a_page_that_compaction_fills_is_used_by_nobody_before_the_answer():
    with emulated(REPORTS, driver=False, reported_elsewhere=True) as (guest, device):
        _spread_balloon(guest, device)
        device.hold("report")
        device.clear_log()
        compact(guest, times=3)
        assert requests_in(device.wait_noted("report"), "report") == [1]
        device.set_target(0)
        device.wait_actual_pages(1)
        for _ in range(2):
            use_all_that_is_available(guest)
        # A page that is used before the answer is a violation that the device notes.
        assert device.violations() == []
        assert (device.actual_pages(), device.owned_pages()) == (1, 1)
        device.answer("report")
        device.wait_actual(0)


def test_the_kernels_reports_and_the_balloons_do_not_mix_up():
    chance = random.Random("both")
    with emulated(REPORTS, cpus=2) as (guest, device):
        pattern = start_pattern(guest)
        user = guest.start("while :; do occupy 60; sleep 0.5; done")
        for turn in range(40):
            device.set_num_pages(chance.choice([0, 257, 4096, 20000, 40000]))
            if turn % 4 == 0:
                device.delay("report", chance.randrange(200))
            time.sleep(chance.random() * 0.3)
        device.answer("report")
        for pages in (7777, 0, 1025):
            device.move_pages(pages)
        _assert_nothing_in_the_old_queues(device.log())
        device.clear_log()
        assert min(requests_in(device.wait_noted("report"), "report")) >= 512
        user.stop()
        assert_whole(pattern)


# By frame numbers


def _first_frames(log, queue):
    return [int(line.split()[3], 16) for line in log if line.startswith(f"{queue} ")]


def _assert_names_whole_blocks(log, queue):
    firsts = _first_frames(log, queue)
    assert set(requests_in(log, queue)) == {BUFFER}
    for at in range(0, len(firsts), BUFFERS):
        assert firsts[at] % BLOCK == 0
        assert firsts[at:at + BUFFERS] == list(range(firsts[at], firsts[at] + BLOCK, BUFFER))


def test_a_block_is_named_in_rising_order_and_with_few_notifications():
    with emulated(DEFLATES_ON_OOM, cmdline=TAKES_AT_ONCE) as (guest, device):
        for target, queue in ((LITTLE, "inflate"), (0, "deflate")):
            device.clear_log()
            before = device.notifications(queue)
            device.move(target)
            log = device.log()
            assert len(requests_in(log, queue)) == LITTLE
            _assert_names_whole_blocks(log, queue)
            assert device.notifications(queue) - before <= 4


def test_many_buffers_are_in_flight_and_no_more_than_the_driver_has():
    with emulated(DEFLATES_ON_OOM, cmdline=TAKES_AT_ONCE) as (guest, device):
        device.hold("inflate")
        device.set_target(300)
        device.wait_noted("inflate", 32)
        guest.wait_log(SILENT, timeout=15)
        log = device.log()
        assert 32 <= len(requests_in(log, "inflate")) <= 64
        assert device.notifications("inflate") <= 8
        assert device.actual_pages() == 0
        device.answer("inflate")
        device.wait_actual(300)


@pytest.mark.parametrize("features", [DEFLATES_ON_OOM, MUST_TELL], ids=named)
def test_a_block_counts_when_all_of_its_buffers_are_answered(features):
    with emulated(features) as (guest, device):
        pattern = start_pattern(guest)
        device.hold("inflate")
        device.set_target(12)
        device.wait_noted("inflate", 3 * BUFFERS)
        for answers, blocks in ((3, 0), (1, 1), (5, 2), (2, 2)):
            device.step("inflate", answers)
            device.wait_actual_pages(blocks * BLOCK)
            time.sleep(0.5)
            assert device.actual_pages() == blocks * BLOCK
        assert device.owned_pages() == 3 * BLOCK
        device.move(0)
        use_all_that_is_available(guest)
        # Frames that are told or used too early are violations that the device notes.
        assert device.violations() == []
        assert device.owned_pages() == BLOCK
        device.answer("inflate")
        device.wait_noted("deflate", 3 * BUFFERS)
        device.wait_actual(0)
        assert_whole(pattern)
