# SPDX-License-Identifier: GPL-2.0-or-later
"""A host whose commands about free memory make no sense: the guest lives, a balloon goes on,
and the next round that makes sense is served."""

import time

import pytest

from rig import OUT_OF_MEMORY, clock
from rig.pattern import assert_whole, start_pattern

FEATURES = {"deflate-on-oom", "free-page-hint", "stats"}
STOP, DONE, LAST = 0, 1, 0xffffffff


def assert_serves_a_round(guest, device, number=77):
    """A round from its beginning to its end."""
    device.read_commands()
    device.answer("hint")
    device.command(DONE)
    device.clear_log()
    device.command(number)
    device.wait_noted(f"hint command {number}")
    device.wait_noted("hint block")
    device.wait_noted("hint command 0")
    device.command(DONE)
    guest.wait_until(lambda: device.owned_pages() == device.actual_pages(),
                     "all hints are answered")
    device.move(5)


@pytest.mark.parametrize("commands", [
    pytest.param((DONE,), id="done-of-no-round"),
    pytest.param((STOP, STOP), id="stop-of-no-round"),
    pytest.param((2, DONE), id="done-before-the-end"),
    pytest.param((2, DONE, DONE), id="done-twice"),
    pytest.param((2, STOP), id="stop-in-the-middle"),
    pytest.param((2, 3, 4, 5), id="rounds-without-an-end"),
    pytest.param((2, 3, 2, 3), id="the-same-rounds-again"),
    pytest.param((9, 8, 7, 6), id="rounds-that-count-down"),
    pytest.param((LAST, 2, LAST), id="the-largest-number"),
    pytest.param((2, STOP, 2, DONE, 2), id="a-round-that-comes-back"),
])
def test_commands_in_any_order_are_survived(arena, commands):
    with arena.scenario(FEATURES) as (guest, device):
        pattern = start_pattern(guest, 8)
        for command in commands * 3:
            device.command(command)
            time.sleep(0.01)
        assert_serves_a_round(guest, device)
        assert_whole(pattern)


@pytest.mark.parametrize("commands", [
    pytest.param((2, 3), id="round-and-round"),
    pytest.param((2, DONE), id="round-and-done"),
    pytest.param((2, STOP), id="round-and-stop"),
    pytest.param((DONE, STOP, 2, LAST), id="everything"),
])
def test_a_command_that_differs_at_each_read_is_survived(arena, commands):
    with arena.scenario(FEATURES) as (guest, device):
        pattern = start_pattern(guest, 8)
        device.read_commands(*commands)
        for _ in range(30):
            device.command(0)
        time.sleep(0.3)
        assert_serves_a_round(guest, device)
        assert_whole(pattern)


@pytest.mark.parametrize("command", [STOP, DONE, 3])
def test_a_command_that_changes_while_no_hint_is_answered_is_survived(arena, command):
    with arena.scenario(FEATURES) as (guest, device):
        device.hold("hint")
        device.command(2)
        device.wait_noted("hint block")
        device.command(command)
        time.sleep(0.1)
        assert_serves_a_round(guest, device)


def test_a_command_at_each_hint_that_is_answered_is_survived(arena):
    with arena.scenario(FEATURES) as (guest, device):
        device.hold("hint")
        for number in range(2, 12):
            device.command(number)
            device.step("hint", 1)
        assert_serves_a_round(guest, device)


def test_hints_that_are_never_answered_cost_no_more_than_sixteen_blocks(arena):
    with arena.scenario(FEATURES) as (guest, device):
        device.hold("hint")
        for number in range(2, 8):
            device.command(number)
            time.sleep(0.02)
        device.wait_noted("hint block")
        assert 0 < device.owned_mib() <= 64
        start = clock.now()
        guest.unload_module(timeout=20)
        assert clock.now() - start < 10


def test_a_guest_that_needs_memory_gets_what_a_senseless_round_keeps(arena):
    with arena.scenario(FEATURES, forgive=OUT_OF_MEMORY.split("|")) as (guest, device):
        for number in (2, 3, 4):
            device.command(number)
            device.wait_noted(f"hint command {number}")
        guest.run("occupy 100", timeout=60)
        assert_serves_a_round(guest, device)


def test_rounds_and_targets_at_the_same_time_end_at_the_target(arena):
    with arena.scenario(FEATURES) as (guest, device):
        pattern = start_pattern(guest, 8)
        for number in range(2, 30):
            device.command(number)
            device.set_target(number % 3 * 10)
        device.move(15)
        assert_serves_a_round(guest, device)
        assert_whole(pattern)
