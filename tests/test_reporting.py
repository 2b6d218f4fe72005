# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory that the guest freed goes back to the host by itself, in the background.

QEMU's own device plays the host. The kernel reports free memory a part at a time, every
two seconds, so all of it is gone well within a minute.
"""

import time
from contextlib import contextmanager

import pytest

from rig import Guest, clock
from rig.pattern import assert_whole

MIB = 1 << 20
TOLERANCE = 200 * MIB
REPORTING = "free-page-reporting=on"
# Longer than the pause between two reports.
QUIET_SECONDS = 3


def _settled_rss(guest):
    """What the host holds once the guest has been quiet for a while."""
    lowest, since = guest.host_rss(), clock.now()
    while clock.now() - since < QUIET_SECONDS:
        time.sleep(0.2)
        if guest.host_rss() < lowest - MIB:
            lowest, since = guest.host_rss(), clock.now()
    return lowest


def _wait_rss(guest, at_most, timeout=60):
    """Waits until the host holds no more than that of the guest's memory."""
    guest.wait_until(lambda: guest.host_rss() <= at_most,
                     f"the host holds {at_most / MIB:.0f} MiB of the guest's memory or less",
                     timeout)


@contextmanager
def _whole_pattern(guest):
    """A program runs all the while, when others leave it time, and finds its memory whole."""
    pattern = guest.start("renice -n 19 -p $$; pattern 100")
    pattern.wait_output("pattern: ready")
    yield
    assert_whole(pattern)


def _use_and_free(guest, mib):
    """The host sees the memory come, so that it can see it go."""
    hog = guest.start(f"occupy {mib} hold")
    hog.wait_output("\n", timeout=120)
    assert guest.host_rss() >= mib * MIB
    hog.stop()


def _assert_used_memory_goes_back(guest, before, mib):
    """That no balloon is asked for is the point: the target stays where it is."""
    _use_and_free(guest, mib)
    _wait_rss(guest, before + TOLERANCE)


def test_freed_memory_goes_back_to_the_host_within_a_minute():
    with Guest(memory=4096, balloon=REPORTING) as guest:
        before = _settled_rss(guest)
        _assert_used_memory_goes_back(guest, before, 3072)
        assert guest.balloon_bytes() == 0


def test_beside_an_inflated_balloon_freed_memory_goes_back_and_targets_are_hit():
    with Guest(memory=4096, balloon=REPORTING) as guest, _whole_pattern(guest):
        guest.move_balloon(1536)
        before = _settled_rss(guest)
        _assert_used_memory_goes_back(guest, before, 2048)
        assert guest.balloon_mib() == 1536
        for mib in (3000, 100, 0):
            guest.move_balloon(mib)


def _sleep(guest):
    with guest.asleep():
        pass


def _plug_again(guest):
    guest.unplug_balloon()
    guest.plug_balloon(REPORTING)
    guest.wait_bound()


def _load_again(guest):
    guest.unload_module()
    guest.load_module()


INTERRUPTIONS = [pytest.param(_sleep, id="sleep"), pytest.param(_plug_again, id="unplug"),
                 pytest.param(_load_again, id="unload")]


@pytest.mark.parametrize("interrupt", INTERRUPTIONS)
def test_freed_memory_goes_back_after_reporting_was_interrupted(interrupt):
    with Guest(memory=4096, balloon=REPORTING, suspendable=interrupt is _sleep) as guest:
        before = _settled_rss(guest)
        with _whole_pattern(guest):
            _use_and_free(guest, 1024)
            _wait_rss(guest, guest.host_rss() - MIB)
            interrupt(guest)
            _assert_used_memory_goes_back(guest, before, 3072)
