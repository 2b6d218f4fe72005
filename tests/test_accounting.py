# SPDX-License-Identifier: GPL-2.0-or-later
"""Who counts ballooned memory, and who may have it back."""

import time

import pytest

from rig import OUT_OF_MEMORY, Guest
from rig.visible import events, figures, trace

MIB = 1 << 20
KILLED = 128 + 9


def test_without_deflate_on_oom_memory_leaves_the_total_and_stays_in_the_balloon():
    with Guest(memory=1024) as guest:
        total = guest.meminfo()["MemTotal"]
        guest.move_balloon(700)
        assert total - guest.meminfo()["MemTotal"] == 700 * MIB
        guest.forgive(OUT_OF_MEMORY)
        hog = guest.start("occupy 600")
        assert hog.wait() == KILLED
        assert guest.balloon_mib() == 700
        assert figures(guest)["taken_back"] == 0
        guest.move_balloon(0)


def test_with_deflate_on_oom_a_program_gets_memory_that_only_the_balloon_has():
    with Guest(memory=1024, balloon="deflate-on-oom=on") as guest:
        total = guest.meminfo()["MemTotal"]
        guest.move_balloon(700)
        assert guest.meminfo()["MemTotal"] == total
        kills = guest.vmstat()["oom_kill"]
        hog = guest.start("occupy 600 hold")
        hog.wait_output("\n")
        assert hog.running(), hog.output()
        guest.wait_until(lambda: guest.balloon_mib() < 450, "the program has the balloon's memory")
        assert guest.vmstat()["oom_kill"] == kills
        hog.stop()
        guest.wait_balloon(700)


def test_memory_taken_back_on_oom_is_not_taken_away_again_at_once():
    with Guest(memory=512, balloon="deflate-on-oom=on") as guest:
        guest.move_balloon(350)
        mark = guest.mark_log()
        program = guest.start("occupy 250 hold")
        program.wait_output("\n")
        time.sleep(1)
        taken_back = guest.balloon_mib()
        assert taken_back < 300
        time.sleep(3)
        assert guest.balloon_mib() == taken_back
        program.stop()
        guest.wait_balloon(350)
        assert guest.log_since(mark).count("short of memory") == 1


def test_a_new_target_is_followed_when_the_guest_has_plenty():
    with Guest(memory=512, balloon="deflate-on-oom=on") as guest:
        guest.move_balloon(350)
        guest.run("occupy 250")
        guest.move_balloon(340, timeout=5)


def test_the_first_rescue_gives_back_what_the_parameter_says_and_each_further_one_twice_that():
    with Guest(memory=512, balloon="deflate-on-oom=on", parameters="oom_pages=1024") as guest:
        assert guest.read("/sys/module/virtio_balloon/parameters/oom_pages") == "1024\n"
        guest.move_balloon(352)
        trace(guest)
        guest.run("occupy 200")
        rescues = [event["wanted"] for event in events(guest, "oom", "relieve")]
        # The worker may tell first what it gave after the rescue.
        assert sorted(rescues[:4]) == [4 * MIB, 8 * MIB, 16 * MIB, 32 * MIB]
        assert all(0 < rescue <= 352 * MIB / 8 for rescue in rescues[4:])


@pytest.mark.parametrize("options", ["", "deflate-on-oom=on"])
def test_ballooned_memory_is_marked_so_that_crash_dumps_skip_it(options):
    with Guest(memory=512, balloon=options) as guest:
        before = int(guest.run("offline"))
        guest.move_balloon(200)
        # What is held whole is marked once memory has stopped moving.
        guest.wait_until(lambda: int(guest.run("offline")) - before == 200 * MIB // 4096,
                         "all of it is marked")
        guest.move_balloon(0)
        assert int(guest.run("offline")) == before
