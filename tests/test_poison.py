# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that gives freed memory a value keeps memory and value, whatever the device offers.

The kernel writes zeroes when it frees memory (init_on_free), or a poison that it checks at
the next use (page_poison). Memory that the host discarded comes back as zeroes: the first
guest does not mind, the second would complain.
"""

from contextlib import contextmanager

import pytest

from rig import Guest
from rig.pattern import assert_whole, start_pattern

MIB = 1 << 20
POISON, REPORTING = 4, 5
UNREPORTED = "free memory is not reported"
GIVE_VALUES = pytest.mark.parametrize("cmdline", ["page_poison=1", "init_on_free=1"])


def _wait_rss(guest, at_most):
    guest.wait_until(lambda: guest.host_rss() <= at_most,
                     f"the host holds {at_most / MIB:.0f} MiB of the guest's memory or less",
                     timeout=60)


def _use_and_free(guest, mib):
    """Returns what the host held of the guest's memory while it was in use."""
    hog = guest.start(f"occupy {mib} hold")
    hog.wait_output("\n")
    used = guest.host_rss()
    hog.stop()
    return used


@contextmanager
def _whole_pattern(guest):
    """A program runs all the while, and finds its memory whole at the end."""
    pattern = start_pattern(guest, 50)
    yield
    assert_whole(pattern)


@contextmanager
def _healthy_guest(cmdline, options, memory=512):
    """With a program's pattern that stays whole, and poison that nobody overwrites."""
    with Guest(memory=memory, balloon=options, cmdline=cmdline) as guest:
        with _whole_pattern(guest):
            yield guest
        # All memory is checked once more on its way to a program.
        guest.touch(memory - 150)
        assert "pagealloc:" not in guest.log()


# Not zeroes with reporting: the balloon may then take what the host has back already.
@pytest.mark.parametrize("cmdline, options", [
    ("init_on_free=1", "page-poison=on"),
    ("page_poison=1", "page-poison=on"),
    ("page_poison=1", "page-poison=on,free-page-reporting=on")])
def test_inflating_returns_memory_that_has_a_value(cmdline, options):
    with _healthy_guest(cmdline, options) as guest:
        used = _use_and_free(guest, 300)
        guest.move_balloon(300)
        assert used - guest.host_rss() >= 0.95 * 300 * MIB
        guest.move_balloon(0)


def test_memory_that_is_freed_as_zeroes_goes_back_by_itself_and_through_the_balloon():
    with _healthy_guest("init_on_free=1", "page-poison=on,free-page-reporting=on") as guest:
        assert {POISON, REPORTING} <= guest.balloon_features()
        used = _use_and_free(guest, 300)
        _wait_rss(guest, used - 250 * MIB)
        reported = guest.host_rss()
        # The guest writes zeroes to a page that it gives: the host must lose it once more.
        guest.move_balloon(300)
        assert guest.host_rss() <= reported + 15 * MIB
        guest.move_balloon(0)
        assert UNREPORTED not in guest.log()


def test_poisoned_memory_is_reported_and_keeps_its_poison():
    with _healthy_guest("page_poison=1", "page-poison=on,free-page-reporting=on") as guest:
        assert {POISON, REPORTING} <= guest.balloon_features()
        for _ in range(2):
            answers = guest.balloon_interrupts()
            used = _use_and_free(guest, 300)
            guest.wait_until(lambda: guest.balloon_interrupts() > answers + 1, "two reports")
            assert guest.host_rss() >= used - MIB
        assert UNREPORTED not in guest.log()


@GIVE_VALUES
def test_without_poisoning_reporting_is_off_and_that_is_said_once(cmdline):
    with _healthy_guest(cmdline, "page-poison=off,free-page-reporting=on") as guest:
        assert not {POISON, REPORTING} & guest.balloon_features()
        guest.move_balloon(300)
        guest.move_balloon(0)
        assert guest.log().count(UNREPORTED) == 1


def test_a_guest_that_gives_no_value_declines_poisoning_and_reports():
    with Guest(memory=256, balloon="page-poison=on,free-page-reporting=on") as guest:
        assert {POISON, REPORTING} & guest.balloon_features() == {REPORTING}
        assert UNREPORTED not in guest.log()
