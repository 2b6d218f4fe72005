# SPDX-License-Identifier: GPL-2.0-or-later
"""What a balloon is for, shown in few steps: these tests run on every architecture too."""

import pytest

from rig import Guest, flavour
from rig.pattern import assert_whole, start_pattern

MIB = 1 << 20
REPORTING = "free-page-reporting=on"
DEVICE = "/machine/peripheral/balloon0"
WAYS = [pytest.param("", id="by-frame-numbers"), pytest.param(REPORTING, id="by-ranges")]
# Of what a guest freed, the pieces that are too small to be reported.
NOT_REPORTED = 0.25


@pytest.mark.parametrize("options", WAYS)
def test_the_host_gets_just_what_it_asked_for_and_the_guest_gets_it_back(options):
    with Guest(memory=768, balloon=options) as guest:
        total = guest.meminfo()["MemTotal"]
        pattern = start_pattern(guest)
        guest.touch(500)
        for mib in (128, 384, 192):
            guest.move_balloon(mib)
            assert total - guest.meminfo()["MemTotal"] == mib * MIB
            assert guest.host_rss() < guest.memory_bytes - 0.9 * mib * MIB
        guest.move_balloon(0)
        assert guest.meminfo()["MemTotal"] == total
        guest.touch(500)
        assert_whole(pattern)


def test_the_statistics_are_the_guests_own():
    with Guest(memory=512) as guest:
        guest.move_balloon(64)
        guest.qmp("qom-set", path=DEVICE, property="guest-stats-polling-interval", value=1)

        def figures():
            return guest.qmp("qom-get", path=DEVICE, property="guest-stats")["stats"]

        guest.wait_until(lambda: figures()["stat-total-memory"] == guest.meminfo()["MemTotal"],
                         "the host knows the guest's memory")
        free = guest.meminfo()["MemFree"]
        guest.wait_until(lambda: abs(figures()["stat-free-memory"] - free) < 16 * MIB,
                         "the host knows what is free")


def test_a_program_in_need_gets_what_only_the_balloon_has():
    with Guest(memory=1024, balloon="deflate-on-oom=on") as guest:
        guest.move_balloon(600)
        hog = guest.start("occupy 500 hold")
        hog.wait_output("\n", timeout=120)
        assert hog.running(), hog.output()
        assert guest.balloon_mib() < 500
        assert guest.vmstat()["oom_kill"] == 0
        hog.stop()
        guest.wait_balloon(600, timeout=120)


def test_what_the_guest_freed_goes_back_without_being_asked_for():
    with Guest(memory=1024, balloon=REPORTING) as guest:
        before = guest.host_rss()
        guest.touch(600)
        guest.wait_until(lambda: guest.host_rss() < before + NOT_REPORTED * 600 * MIB,
                         "the host has back what was freed", timeout=90)
        assert guest.balloon_bytes() == 0


@pytest.mark.parametrize("options", WAYS)
def test_nothing_is_lost_when_the_driver_leaves_with_a_full_balloon(options):
    with Guest(memory=768, balloon=options) as guest:
        total = guest.meminfo()["MemTotal"]
        pattern = start_pattern(guest)
        guest.move_balloon(400)
        guest.unload_module()
        assert guest.meminfo()["MemTotal"] == total
        guest.touch(500)
        guest.load_module()
        guest.wait_balloon(400)
        assert_whole(pattern)


@pytest.mark.skipif(not flavour.ARCHITECTURE.unplugs,
                    reason="a guest of this architecture lets go of no device by itself")
@pytest.mark.parametrize("options", WAYS)
def test_nothing_is_lost_when_the_device_leaves_with_a_full_balloon(options):
    with Guest(memory=768, balloon=options) as guest:
        total = guest.meminfo()["MemTotal"]
        pattern = start_pattern(guest)
        guest.move_balloon(400)
        guest.unplug_balloon(timeout=60)
        # Some buses tell the guest only when the device is gone.
        guest.wait_until(lambda: guest.meminfo()["MemTotal"] == total, "all memory is back")
        guest.touch(500)
        guest.plug_balloon(options)
        guest.wait_bound()
        guest.move_balloon(100)
        assert_whole(pattern)
