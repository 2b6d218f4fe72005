# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules H of docs/conformance.md, and what a device may do with hints: all it likes."""

import random
import time

import pytest

from rig import OUT_OF_MEMORY, clock
from rig.device import DONE, SCRIBBLE, STOP
from rig.emulated import MIB, emulated, place_of
from rig.pattern import assert_whole, start_pattern

HINTS = {"free-page-hint", "deflate-on-oom"}
END = "hint command 0"


def _blocks(log):
    """The first frame and the number of frames of each block."""
    return [(int(line.split()[4], 16), int(line.split()[2]))
            for line in log if line.startswith("hint block")]


def _frames(log):
    return sum(frames for _, frames in _blocks(log))


def _commands(log):
    return [int(line.split()[2]) for line in log if line.startswith("hint command")]


def _hinted(guest, device, command=2):
    """Has a whole round hinted; returns how many bytes."""
    device.clear_log()
    device.command(command)
    return _frames(device.wait_noted(END)) * 4096


def _wait_no_round(device, quiet=1):
    """Until the last round was ended, if one was opened, and nothing is said any more."""
    before = None
    while before != (log := device.log()) or \
            [line for line in log if line.startswith("hint command")][-1:] != [END]:
        before = log
        time.sleep(quiet)


def _free(guest):
    return guest.free_memory()


def test_h1_commands_are_four_bytes():
    with emulated(HINTS) as (guest, device):
        for command in (2, 0xffffffff, 0x01020304):
            _hinted(guest, device, command)
            assert _commands(device.log()) == [command, STOP]
        # A command of another length is a violation that the device notes.


def test_h2_a_round_is_opened_by_its_command_once():
    with emulated(HINTS) as (guest, device):
        device.command(7)
        device.wait_noted(END)
        device.command(7)
        device.move(50)
        device.command(8)
        log = device.wait_noted(END, 2)
        assert _commands(log) == [7, STOP, 8, STOP]
        assert place_of(log, "hint command 7") < place_of(log, "hint block")


@pytest.mark.parametrize("command", [STOP, DONE])
def test_h3_blocks_are_supplied_in_a_round_and_not_after_its_end(command):
    with emulated(HINTS) as (guest, device):
        free = _free(guest)
        device.hold("hint")
        device.clear_log()
        device.command(2)
        device.wait_noted("hint block", 3)
        device.command(command)
        log = device.wait_noted(END)
        # What was named before the driver could know of the end.
        assert 0 < _frames(log) * 4096 < free / 2
        device.answer("hint")
        time.sleep(1)
        assert _blocks(device.log()) == _blocks(log)
        device.clear_log()
        device.command(3)
        assert _frames(device.wait_noted(END)) * 4096 > free / 2


def test_h4_a_round_ends_with_stop_when_no_more_can_be_supplied():
    with emulated(HINTS) as (guest, device):
        device.command(2)
        log = device.wait_noted(END)
        assert [line for line in log if line.startswith("hint")][-1] == END
        time.sleep(1)
        assert _commands(device.log()) == [2, STOP]


def test_h5_a_block_that_comes_back_before_done_is_filled_anew():
    with emulated(HINTS) as (guest, device):
        free = _free(guest)
        hinted = _hinted(guest, device)
        assert hinted > 0.8 * free
        assert device.came_back_with(SCRIBBLE)[0] * 4096 > 0.8 * hinted
        guest.run("for i in 1 2 3 4 5; do echo 2 >/proc/sys/vm/drop_caches; done")
        assert free - _free(guest) < 0.1 * free
        assert device.came_back_with(SCRIBBLE)[0] == 0


def test_h5_a_driver_that_leaves_before_done_fills_all_anew():
    with emulated(HINTS) as (guest, device):
        _hinted(guest, device)
        guest.unload_module()
        assert device.came_back_with(SCRIBBLE)[0] == 0


def test_h6_all_blocks_come_back_at_done():
    with emulated(HINTS) as (guest, device):
        free = _free(guest)
        for command in (2, 3):
            hinted = _hinted(guest, device, command)
            assert free - _free(guest) > 0.9 * hinted
            device.command(DONE)
            _wait_back(guest, free)


def test_h6_blocks_of_an_earlier_round_and_late_ones_come_back_too():
    with emulated(HINTS) as (guest, device):
        free = _free(guest)
        _hinted(guest, device)
        device.delay("hint", 300)
        device.clear_log()
        device.command(3)
        device.wait_noted("hint block")
        device.command(DONE)
        device.wait_noted(END)
        device.answer("hint")
        _wait_back(guest, free)


def _wait_back(guest, free):
    deadline = clock.now() + 10
    while free - _free(guest) > 0.02 * free:
        assert clock.now() < deadline, "the blocks did not come back"
        time.sleep(0.05)


# What no rule spells out


def test_a_new_round_names_again_what_is_kept():
    with emulated(HINTS) as (guest, device):
        first = _hinted(guest, device, 2)
        before = set(_blocks(device.log()))
        assert _hinted(guest, device, 3) >= first
        assert before <= set(_blocks(device.log()))


def test_a_block_is_used_by_nobody_before_the_device_has_acknowledged_it():
    with emulated(HINTS) as (guest, device):
        pattern = start_pattern(guest)
        device.hold("hint")
        device.command(2)
        device.wait_noted("hint block", 15)
        owned = device.owned_pages()
        assert owned > 0
        device.command(DONE)
        guest.touch(guest.meminfo()["MemAvailable"] // MIB - 60)
        assert device.owned_pages() == owned
        device.answer("hint")
        device.wait_noted(END)
        assert_whole(pattern)


def test_a_round_leaves_the_guest_free_memory():
    with emulated(HINTS) as (guest, device):
        _hinted(guest, device)
        assert _free(guest) > 14 * MIB


def test_blocks_go_back_at_once_to_a_guest_that_needs_memory():
    with emulated(HINTS) as (guest, device):
        pattern = start_pattern(guest)
        free = _free(guest)
        _hinted(guest, device)
        guest.touch(int(free / MIB * 0.8))
        assert guest.vmstat()["oom_kill"] == 0
        assert free - _free(guest) < 0.5 * free
        assert_whole(pattern)


def test_a_small_need_gets_back_a_small_part():
    with emulated(HINTS) as (guest, device):
        free = _free(guest)
        _hinted(guest, device)
        guest.touch(60)
        assert free - _free(guest) > 0.4 * free


def test_a_guest_that_takes_blocks_back_supplies_no_more_in_this_round():
    with emulated(HINTS) as (guest, device):
        device.delay("hint", 30)
        device.command(2)
        device.wait_noted("answered hint", 20)
        guest.run("echo 2 >/proc/sys/vm/drop_caches")
        log = device.wait_noted(END)
        time.sleep(0.5)
        assert _blocks(device.log()) == _blocks(log)


@pytest.mark.parametrize("queue_size", [2, 4, 1024])
def test_hints_fit_into_queues_of_any_size(queue_size):
    with emulated(HINTS, queue_size=queue_size) as (guest, device):
        free = _free(guest)
        for command in (2, 3):
            assert _hinted(guest, device, command) > 0.8 * free
        device.command(DONE)


def test_a_device_that_changes_its_mind_at_every_step_gets_rounds_that_begin_and_end():
    chance = random.Random("hints")
    with emulated(HINTS, cpus=2) as (guest, device):
        pattern = start_pattern(guest)
        free = _free(guest)
        command = 2
        for turn in range(150):
            command += 1
            device.command(chance.choice([STOP, DONE, command, command]))
            if turn % 5 == 0:
                device.delay("hint", chance.randrange(0, 20))
            if turn % 20 == 0:
                device.set_num_pages(chance.randrange(0, 30000))
            if turn % 30 == 0:
                guest.touch(60)
            if turn == 120:
                # What the device has noted of all turns is too much to be kept.
                device.clear_log()
            time.sleep(chance.random() * 0.03)
        device.answer("hint")
        device.move_pages(0)
        device.command(DONE)
        time.sleep(1)
        commands = _commands(device.log())
        assert len(commands) > 8
        assert all(bool(first) != bool(second) for first, second in zip(commands, commands[1:]))
        assert free - _free(guest) < 0.1 * free
        assert_whole(pattern)


def test_a_silent_device_keeps_little_and_loses_nothing():
    with emulated(HINTS) as (guest, device):
        pattern = start_pattern(guest)
        free = _free(guest)
        device.hold("hint")
        device.command(2)
        device.wait_noted("hint block", 15)
        assert 40 * MIB < free - _free(guest) < 80 * MIB
        device.command(3)
        device.command(DONE)
        device.move(100)
        guest.unload_module(timeout=10)
        assert free - _free(guest) < 10 * MIB + guest.kept_bytes
        assert_whole(pattern)


def test_hints_survive_sleep_and_a_device_that_vanishes():
    with emulated(HINTS, suspendable=True) as (guest, device):
        pattern = start_pattern(guest)
        free = _free(guest)
        _hinted(guest, device)
        device.command(DONE)
        guest.run("echo devices >/sys/power/pm_test; echo mem >/sys/power/state", timeout=60)
        assert _hinted(guest, device, 3) > 0.8 * free
        device.command(DONE)
        _hinted(guest, device, 4)
        device.surprise_unplug()
        assert free - _free(guest) < 10 * MIB + guest.kept_bytes
        device.command(DONE)
        device.plug()
        assert _hinted(guest, device, 5) > 0.8 * free
        device.break_queues()
        device.command(DONE)
        guest.forgive(OUT_OF_MEMORY)
        guest.touch(200)
        assert_whole(pattern)


def test_a_guest_under_load_gets_back_what_it_needs_and_not_all():
    with emulated(HINTS, memory=2048, cpus=2, scribble=False) as (guest, device):
        hinted = _hinted(guest, device)
        programs = [guest.start("occupy 150 hold") for _ in range(4)]
        for program in programs:
            program.wait_output("\n", timeout=60)
        assert guest.vmstat()["oom_kill"] == 0
        kept = guest.meminfo()["KReclaimable"]
        assert kept > hinted - 1000 * MIB


def test_memory_of_which_blocks_are_kept_can_be_taken_offline():
    with emulated(HINTS, memory=1024, cmdline="movable_node") as (guest, device):
        before = _taken_offline(guest)
        _hinted(guest, device)
        assert _taken_offline(guest) >= before > 0
        device.command(DONE)


def _taken_offline(guest):
    """How many blocks of the guest's memory can be taken offline; they are back afterwards."""
    return int(guest.run(
        "count=0; for block in /sys/devices/system/memory/memory*; do"
        " [ $(cat $block/state) = online ] && echo offline >$block/state 2>/dev/null &&"
        " count=$((count+1)) && echo online >$block/state; done; echo $count", timeout=120))


def test_a_driver_that_leaves_while_it_opens_a_round_begins_anew_without_one():
    with emulated(HINTS | {"reporting"}, cpus=2, suspendable=True) as (guest, device):
        device.hold("report")
        guest.touch(200)
        device.wait_noted("report", timeout=20)
        device.take_time_to_notice(3000)
        device.command(2)
        guest.run("echo freezer >/sys/power/pm_test; echo mem >/sys/power/state", timeout=60)
        device.take_time_to_notice(0)
        device.answer("report")
        device.command(DONE)
        device.move(50)
        _wait_no_round(device)
        # A block outside of any round is a violation that the device notes.
        assert _hinted(guest, device, 3) > 100 * MIB
        device.command(DONE)
