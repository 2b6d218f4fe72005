# SPDX-License-Identifier: GPL-2.0-or-later
"""A host whose answers are lies: the guest lives, and what was named stays out of use."""

import time

import pytest

from rig.emulated import MUST_TELL, SILENT, use_all_that_is_available
from rig.hostile import BROKEN, MIB
from rig.pattern import assert_whole, start_pattern

ALL = {"deflate-on-oom", "stats", "free-page-hint", "reporting"}
FRAMES = {"deflate-on-oom", "stats", "free-page-hint"}
MUST = MUST_TELL | {"stats", "free-page-hint"}
BASE, MORE = 12, 24


# What makes the driver put a request into each queue; which features it takes; whether the
# balloon stops when that queue breaks.
QUEUES = {
    "inflate": (FRAMES, True),
    "deflate": (MUST, True),
    "statistics": (FRAMES, False),
    "hint": (FRAMES, False),
    "report": (ALL, True),
}
SIZING = ("inflate", "deflate", "report")


def hold_a_request(device, queue):
    """Afterwards the device has requests of that queue, and answers none."""
    device.move(BASE)
    device.hold(queue)
    if queue in ("inflate", "report"):
        device.set_target(MORE)
    elif queue == "deflate":
        device.set_target(1)
    elif queue == "hint":
        device.command(2)
    device.wait_noted(queue)


def assert_broken_alone(guest, device, queue, mark):
    """The log says that the balloon stands still, or that goes on; and so do the statistics."""
    if QUEUES[queue][1]:
        guest.wait_log(BROKEN, since=mark, timeout=30)
    else:
        device.move(BASE + 3)
    if queue != "statistics":
        seen = sum(line.startswith("statistics") for line in device.log())
        device.step("statistics")
        device.wait_noted("statistics", seen + 1)


def lie(guest, device, queue, what, value=0):
    """Returns where the log was before."""
    hold_a_request(device, queue)
    mark = guest.mark_log()
    assert device.lie(queue, what, value), device.report()
    return mark


@pytest.mark.parametrize("queue", QUEUES)
def test_an_answer_to_what_was_never_asked_breaks_that_queue_alone(arena, queue):
    features, _ = QUEUES[queue]
    with arena.scenario(features) as (guest, device):
        pattern = start_pattern(guest, 8)
        mark = lie(guest, device, queue, "id", 65535)
        guest.wait_log("out of range", since=mark)
        assert_broken_alone(guest, device, queue, mark)
        assert_whole(pattern)


@pytest.mark.parametrize("queue", [name for name in QUEUES if name != "statistics"])
def test_a_request_that_is_answered_twice_breaks_that_queue_alone(arena, queue):
    features, _ = QUEUES[queue]
    with arena.scenario(features) as (guest, device):
        pattern = start_pattern(guest, 8)
        mark = lie(guest, device, queue, "twice")
        guest.wait_log("is not a head", since=mark)
        assert_broken_alone(guest, device, queue, mark)
        assert_whole(pattern)


def test_statistics_that_are_answered_twice_stop_the_statistics_alone(arena):
    with arena.scenario(FRAMES) as (guest, device):
        device.wait_noted("statistics")
        mark = guest.mark_log()
        assert device.lie("statistics", "twice")
        guest.wait_log("is not a head", since=mark)
        assert_broken_alone(guest, device, "statistics", mark)


@pytest.mark.parametrize("queue", QUEUES)
def test_an_answer_to_another_request_than_the_device_has_is_survived(arena, queue):
    features, _ = QUEUES[queue]
    with arena.scenario(features) as (guest, device):
        hold_a_request(device, queue)
        told = [device.lie(queue, "id", number) for number in range(4)]
        assert any(told)
        device.set_target(MORE)
        guest.run("occupy 20")


@pytest.mark.parametrize("queue", QUEUES)
@pytest.mark.parametrize("distance", [1025, -1], ids=["far-ahead", "one-back"])
def test_a_used_index_that_jumps_is_survived(arena, queue, distance):
    features, _ = QUEUES[queue]
    with arena.scenario(features) as (guest, device):
        lie(guest, device, queue, "jump", distance)
        device.set_target(MORE)
        guest.run("occupy 20")


@pytest.mark.parametrize("queue", QUEUES)
def test_a_used_ring_full_of_garbage_is_survived(arena, queue):
    features, _ = QUEUES[queue]
    with arena.scenario(features, queue_size=16) as (guest, device):
        device.answer_in_order("kept", chance=len(queue))
        lie(guest, device, queue, "garbage")
        device.lie(queue, "jump", 7)
        device.set_target(MORE)
        guest.run("occupy 20")


@pytest.mark.parametrize("queue", SIZING)
def test_what_was_named_stays_out_of_use_in_a_broken_queue(arena, queue):
    features, _ = QUEUES[queue]
    with arena.scenario(features) as (guest, device):
        mark = lie(guest, device, queue, "id", 65535)
        guest.wait_log(BROKEN, since=mark, timeout=30)
        owned, held = device.owned_pages(), device.actual_pages()
        assert owned > 0
        use_all_that_is_available(guest)
        # What was held may have come back through the other queue, if that was not enough.
        guest.wait_until(lambda: device.owned_pages() >= owned - (held - device.actual_pages()),
                         "what was named is still the host's")


def test_a_guest_in_need_takes_back_what_can_be_told_when_only_the_inflate_queue_broke(arena):
    with arena.scenario(MUST) as (guest, device):
        device.move(160)
        device.hold("inflate")
        device.set_target(180)
        device.wait_noted("inflate")
        mark = guest.mark_log()
        assert device.lie("inflate", "id", 65535), device.report()
        guest.wait_log(BROKEN, since=mark, timeout=30)
        guest.touch(guest.meminfo()["MemAvailable"] // MIB + 60)
        assert device.actual_mib() < 160


@pytest.mark.parametrize("features", [FRAMES, MUST, ALL], ids=["frames", "must-tell", "ranges"])
@pytest.mark.parametrize("length", [1, 0xffffffff])
def test_used_lengths_mean_nothing_to_the_driver(arena, features, length):
    with arena.scenario(features) as (guest, device):
        pattern = start_pattern(guest, 8)
        device.claim_written(length)
        device.answer("statistics")
        for mib in (MORE, 3, BASE):
            device.move(mib)
        device.hold("statistics")
        assert_whole(pattern)


@pytest.mark.parametrize("features", [FRAMES, MUST, ALL], ids=["frames", "must-tell", "ranges"])
@pytest.mark.parametrize("order", ["reversed", "random"])
def test_answers_out_of_order_lose_nothing(arena, features, order):
    with arena.scenario(features) as (guest, device):
        pattern = start_pattern(guest, 8)
        device.answer_in_order(order)
        for queue in ("inflate", "deflate", "report"):
            device.delay(queue, 8)
        for mib in (MORE, 3, 40, 0, BASE):
            device.move(mib)
            assert features is ALL or device.owned_mib() == mib
        assert_whole(pattern)


@pytest.mark.parametrize("order", ["reversed", "random"])
def test_hints_that_are_answered_out_of_order_come_back_all_the_same(arena, order):
    with arena.scenario(FRAMES) as (guest, device):
        pattern = start_pattern(guest, 8)
        free = guest.free_memory()
        device.answer_in_order(order)
        device.delay("hint", 10)
        device.command(2)
        device.wait_noted("hint command 0")
        assert guest.free_memory() < free - 50 * MIB
        device.command(1)
        guest.wait_until(lambda: device.owned_pages() == 0, "all hints are answered")
        guest.wait_until(lambda: guest.free_memory() > free - 8 * MIB - guest.kept_bytes,
                         "all of it is free again")
        assert_whole(pattern)


@pytest.mark.parametrize("queue", SIZING)
def test_a_queue_that_answers_one_request_and_then_none_is_told_of(arena, queue):
    features, _ = QUEUES[queue]
    with arena.scenario(features, queue_size=8) as (guest, device):
        hold_a_request(device, queue)
        mark = guest.mark_log()
        device.step(queue, 1)
        guest.wait_log(SILENT, since=mark, timeout=30)
        device.answer(queue)
        guest.wait_log("answers (reports of free memory )?again", since=mark)


def test_a_guest_whose_queues_all_lie_at_once_lives(arena):
    with arena.scenario(ALL) as (guest, device):
        device.set_target(BASE)
        device.command(2)
        time.sleep(0.1)
        told = [device.lie(queue, *lie) for queue in QUEUES
                for lie in (("garbage",), ("jump", 3))]
        assert any(told)
        device.set_target(MORE)
        device.command(3)
        guest.run("occupy 20")
