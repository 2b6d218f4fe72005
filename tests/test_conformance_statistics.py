# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules S of docs/conformance.md: one buffer of statistics, at the device whenever it can be."""

import time

from rig.emulated import MIB, emulated, ready_at

FREE, TOTAL = 4, 5


def _buffers(log):
    return [line.split() for line in log if line.startswith("statistics")]


def _entries(words):
    data = bytes.fromhex(words[3])
    return {int.from_bytes(data[at:at + 2], "little"): int.from_bytes(data[at + 2:at + 10],
                                                                      "little")
            for at in range(0, len(data), 10)}


def _turns(device, count):
    """Asks for statistics that many times; returns all buffers so far."""
    for _ in range(count):
        seen = len(_buffers(device.log()))
        device.step("statistics")
        device.wait_noted("statistics", seen + 1)
    return _buffers(device.log())


def test_s1_the_device_never_has_more_than_one_buffer():
    with emulated({"stats", "deflate-on-oom"}) as (guest, device):
        for mib in (100, 0, 50):
            device.move(mib)
        assert len(_turns(device, 5)) == 6
        time.sleep(0.5)
        assert len(_buffers(device.log())) == 6


def test_s2_the_device_has_a_buffer_once_the_driver_is_ready():
    with emulated({"stats"}) as (guest, device):
        log = device.wait_noted("statistics")
        first = next(place for place, line in enumerate(log) if line.startswith("statistics"))
        assert ready_at(log) < first


def test_s3_the_device_gets_the_buffer_again_after_each_use():
    with emulated({"stats"}) as (guest, device):
        device.wait_noted("statistics")
        assert len(_turns(device, 10)) == 11
        guest.unload_module()
        device.clear_log()
        guest.load_module()
        device.wait_noted("statistics")
        assert len(_turns(device, 3)) == 4


def test_s4_the_buffer_is_filled_before_it_is_offered():
    with emulated({"stats"}) as (guest, device):
        device.wait_noted("statistics")
        free = []
        for mib in (0, 150, 300):
            device.move(mib)
            entries = _entries(_turns(device, 1)[-1])
            assert abs(entries[TOTAL] - guest.meminfo()["MemTotal"]) < MIB
            free.append(entries[FREE])
        assert 130 * MIB < free[0] - free[1] < 170 * MIB
        assert 130 * MIB < free[1] - free[2] < 170 * MIB


def test_s5_the_tags_are_the_same_each_time():
    with emulated({"stats", "deflate-on-oom"}) as (guest, device):
        device.wait_noted("statistics")
        guest.touch(200)
        device.move(100)
        tags = {tuple(_entries(words)) for words in _turns(device, 5)}
        assert tags == {tuple(range(16))}


def test_s6_the_buffer_holds_whole_entries_only():
    with emulated({"stats"}) as (guest, device):
        device.wait_noted("statistics")
        lengths = {int(words[1]) for words in _turns(device, 3)}
        assert lengths == {160}
