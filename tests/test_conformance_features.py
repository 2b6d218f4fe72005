# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules F, L and P of docs/conformance.md: what is accepted, old devices, poisoned memory."""

import time

import pytest

from rig import OUT_OF_MEMORY
from rig.device import SCRIBBLE
from rig.emulated import MUST_TELL, SILENT, accepted, emulated, named, place_of, ready_at
from rig.pattern import assert_whole, start_pattern

MUST_TELL_HOST, PAGE_POISON, REPORTING, VERSION_1 = 1 << 0, 1 << 4, 1 << 5, 1 << 32
POISONS = {"init_on_free=1": 0, "page_poison=1": 0xaaaaaaaa}
NOT_REPORTED = "free memory is not reported to the host: this guest fills memory"


@pytest.mark.parametrize("offered", [set(), {"must-tell-host"}, MUST_TELL], ids=named)
def test_f1_must_tell_host_is_accepted_if_it_is_offered(offered):
    with emulated(offered) as (guest, device):
        assert bool(accepted(device) & MUST_TELL_HOST) == ("must-tell-host" in offered)


@pytest.mark.parametrize("cmdline", ["", *POISONS])
def test_f2_page_poison_is_accepted_only_where_freed_memory_is_initialised(cmdline):
    with emulated({"page-poison"}, cmdline=cmdline) as (guest, device):
        assert bool(accepted(device) & PAGE_POISON) == bool(cmdline)


@pytest.mark.parametrize("cmdline", ["", *POISONS])
@pytest.mark.parametrize("offered", [{"reporting"}, {"reporting", "page-poison"}],
                         ids=["reporting", "both"])
def test_f3_free_memory_with_a_value_is_reported_only_to_a_device_that_keeps_it(cmdline, offered):
    declines = bool(cmdline) and "page-poison" not in offered
    with emulated(offered, cmdline=cmdline) as (guest, device):
        assert bool(accepted(device) & REPORTING) != declines
        assert guest.log().count(NOT_REPORTED) == declines
        guest.touch(100)
        if declines:
            time.sleep(3)
            assert not any(line.startswith("report") for line in device.log())
        else:
            device.wait_noted("report", timeout=20)


@pytest.mark.parametrize("length", [0, 1, 0xffffffff])
def test_l1_a_legacy_devices_used_lengths_are_ignored(length):
    features = {"stats", "must-tell-host", "reporting", "free-page-hint"}
    with emulated(features, legacy=True) as (guest, device):
        assert not accepted(device) & VERSION_1
        device.claim_written(length)
        for mib in (100, 30):
            device.move(mib)
        device.step("statistics")
        device.wait_noted("statistics", 2)
        device.command(2)
        device.wait_noted("hint command 0")
        device.command(1)
        device.wait_noted("answered report", 2, timeout=15)
        assert SILENT not in guest.log()


def test_l2_a_legacy_device_gets_the_four_bytes_of_actual_at_once():
    with emulated(legacy=True) as (guest, device):
        for pages in (1, 255, 256, 65535, 65536, 100000, 0):
            device.move_pages(pages)
        # Anything but four bytes at once is a violation that the device notes.
        written = {int(line.split()[2]) for line in device.log()
                   if line.startswith("write actual")}
        assert {1, 255, 256, 65535, 65536, 100000, 0} <= written


def test_l3_a_legacy_devices_configuration_is_little_endian_and_the_rest_the_guests():
    with emulated({"stats", "free-page-hint"}, legacy=True) as (guest, device):
        device.move_pages(0x1234)
        device.command(0x12345678)
        log = device.wait_noted("hint command 0")
        assert f"hint command {0x12345678}" in log
        digits = next(line for line in log if line.startswith("statistics")).split()[3]
        entries = bytes.fromhex(digits)
        tags = [int.from_bytes(entries[at:at + 2], "little") for at in range(0, len(entries), 10)]
        assert tags == list(range(16))
        device.command(1)


@pytest.mark.parametrize("cmdline, value", POISONS.items())
def test_p1_the_poison_value_is_written_before_the_driver_is_ready_and_not_after(cmdline, value):
    features = {"page-poison", "reporting", "deflate-on-oom"}
    with emulated(features, cmdline=cmdline, suspendable=True) as (guest, device):
        device.move(50)
        _assert_poison_before_ready(device.log(), value)
        device.clear_log()
        guest.run("echo devices >/sys/power/pm_test; echo mem >/sys/power/state", timeout=60)
        device.wait_actual(50)
        _assert_poison_before_ready(device.log(), value)


def _assert_poison_before_ready(log, value):
    writes = [line for line in log if line.startswith("write poison")]
    assert writes == [f"write poison {value:#x}"]
    assert place_of(log, "write poison") < ready_at(log)


@pytest.mark.parametrize("cmdline, value", POISONS.items())
def test_p2_pages_that_come_back_hold_the_poison_value(cmdline, value):
    with emulated({"page-poison", "deflate-on-oom"}, cmdline=cmdline) as (guest, device):
        guest.forgive(OUT_OF_MEMORY)
        pattern = start_pattern(guest)
        device.move(200)
        device.move(0)
        initialised, came_back = device.came_back_with(device.poison() << 32 | device.poison())
        assert came_back >= 200 * 256
        assert initialised >= 0.9 * came_back
        assert device.came_back_with(SCRIBBLE)[0] == 0
        assert device.poison() == value
        guest.touch(250)
        assert "memory corruption" not in guest.log()
        assert_whole(pattern)
