# SPDX-License-Identifier: GPL-2.0-or-later
"""A system that sleeps takes its memory back before, and the balloon grows again after."""

import pytest

from rig import Guest
from rig.disk import empty_disk
from rig.pattern import assert_whole, start_pattern
from rig.visible import FILES

MIB = 1 << 20
SLEEP_IN_THE_MIDDLE = f"""\
cd {FILES}
until [ $(cat actual) != 0 ]; do :; done
cat actual
echo mem >/sys/power/state
"""


def _assert_awake(guest, pattern, mib):
    guest.wait_balloon(mib)
    assert_whole(pattern)
    guest.move_balloon(0)


@pytest.mark.parametrize("options", ["", "deflate-on-oom=on"])
def test_after_suspend_to_ram_the_balloon_is_at_its_target(options):
    with Guest(memory=1024, balloon=options, suspendable=True) as guest:
        pattern = start_pattern(guest, 200)
        guest.move_balloon(512)
        with guest.asleep():
            assert guest.balloon_bytes() == 0
        _assert_awake(guest, pattern, 512)


def test_after_suspend_to_idle_the_balloon_is_at_its_target():
    with Guest(memory=1024) as guest:
        pattern = start_pattern(guest, 200)
        guest.move_balloon(512)
        # Nothing wakes this machine from idle, so the kernel is told to do it by itself.
        guest.run("echo devices >/sys/power/pm_test; echo freeze >/sys/power/state")
        _assert_awake(guest, pattern, 512)


def test_a_target_that_changes_during_sleep_is_followed_after():
    with Guest(memory=512, suspendable=True) as guest:
        guest.move_balloon(200)
        with guest.asleep():
            guest.set_balloon(300)
        guest.wait_balloon(300)


def test_a_system_falls_asleep_in_the_middle_of_inflating_and_goes_on_after():
    with Guest(memory=2048, suspendable=True) as guest:
        asleep = guest.start(SLEEP_IN_THE_MIDDLE)
        guest.set_balloon(1700)
        guest.wait_event("SUSPEND")
        assert guest.balloon_bytes() == 0
        guest.qmp("system_wakeup")
        assert asleep.wait() == 0
        assert 0 < int(asleep.output()) < 1700 * MIB
        guest.wait_balloon(1700)


def test_after_hibernation_the_balloon_is_at_its_target_and_the_pattern_holds(tmp_path):
    with Guest(memory=2048, disks=[empty_disk(tmp_path, 2048)], cmdline="resume=/dev/vda",
               suspendable=True) as guest:
        guest.run("mkswap /dev/vda && swapon /dev/vda")
        pattern = start_pattern(guest, 200)
        guest.move_balloon(1024)
        guest.qmp("set-action", reboot="reset")
        guest.run("echo reboot >/sys/power/disk")
        seen = len(guest.events("RESET"))
        asleep = guest.start("echo disk >/sys/power/state")
        guest.wait_event("RESET", seen, timeout=90)
        assert asleep.wait(timeout=90) == 0
        assert "Image loading done" in guest.log()
        _assert_awake(guest, pattern, 1024)
        guest.run("swapoff /dev/vda", timeout=60)
