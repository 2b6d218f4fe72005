# SPDX-License-Identifier: GPL-2.0-or-later
"""Every mixture of the six features serves, on old devices and new, in guests that give freed
memory a value and in guests that do not: the emulated device numbers its queues without gaps,
as real ones do."""

from itertools import combinations

import pytest

from rig import Device, Guest
from rig.device import DONE, FEATURES
from rig.emulated import accepted
from rig.pattern import assert_whole, start_pattern

SIX = sorted(name for name, bit in FEATURES.items() if bit <= 5)
ALL = [set(chosen) for count in range(7) for chosen in combinations(SIX, count)]
FEW = [ALL[0], ALL[-1], {"reporting", "free-page-hint"}, {"stats", "reporting", "page-poison"}]


def _expected(offered, gives_values):
    taken = set(offered)
    if not gives_values:
        taken.discard("page-poison")
    elif "page-poison" not in offered:
        taken.discard("reporting")
    return sum(1 << FEATURES[name] for name in taken)


def _assert_every_queue_is_heard(device, taken):
    """A driver that takes one queue for another waits in vain."""
    if taken & 1 << FEATURES["stats"]:
        device.step("statistics")
        device.wait_noted("answered statistics")
    if taken & 1 << FEATURES["free-page-hint"]:
        device.command(2)
        device.wait_noted("hint command 0")
        device.command(DONE)


def _assert_serves(guest, device, offered, gives_values):
    device.offer(offered)
    device.clear_log()
    device.plug()
    guest.load_module()
    taken = _expected(offered, gives_values)
    assert accepted(device) & 0x3f == taken, offered
    for mib in (30, 10):
        device.move(mib)
    _assert_every_queue_is_heard(device, taken)
    guest.unload_module()
    assert device.actual_pages() == device.owned_pages() == 0
    device.set_target(0)
    device.unplug()
    assert device.violations() == [], offered


def _assert_all_serve(offers, cmdline="", legacy=False):
    with Guest(memory=512, balloon=None, module=None, cmdline=cmdline, life=600) as guest:
        pattern = start_pattern(guest)
        device = Device(guest, legacy=legacy)
        for offered in offers:
            _assert_serves(guest, device, offered, gives_values=bool(cmdline))
        device.remove()
        assert "pagealloc:" not in guest.log()
        assert_whole(pattern)


@pytest.mark.parametrize("cmdline", ["", "init_on_free=1"])
def test_all_sixty_four_combinations_initialise_inflate_deflate_and_unload(cmdline):
    assert len(ALL) == 64
    _assert_all_serve(ALL, cmdline)


def test_combinations_serve_in_a_guest_that_checks_its_poison():
    _assert_all_serve(FEW, "page_poison=1")


def test_combinations_serve_on_a_legacy_device():
    _assert_all_serve(FEW, legacy=True)
