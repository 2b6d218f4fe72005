# SPDX-License-Identifier: GPL-2.0-or-later
"""Demands that can't be met, or make no sense, leave a living guest and a clear log."""

import time

import pytest

from rig import CommandFailed, Guest

NO_MORE = "no more memory to give"


def _works(guest):
    guest.run("occupy 2")
    assert guest.run("echo alive") == "alive\n"


@pytest.mark.parametrize("options, left", [("", 1), ("deflate-on-oom=on", 1 << 20)],
                         ids=["all", "all but 1 MiB"])
def test_more_than_the_guest_has_is_refused_once_in_words_and_the_guest_lives(options, left):
    with Guest(memory=512, balloon=options) as guest:
        guest.set_target_bytes(left)
        match = guest.wait_log(rf"{NO_MORE}: (\d+) of (\d+) MiB are taken")
        assert int(match[1]) > 250
        assert int(match[2]) == (guest.memory_bytes - left) >> 20
        time.sleep(6)
        _works(guest)
        for _ in range(100):
            guest.set_target_bytes(left)
        time.sleep(2)
        _works(guest)
        assert guest.log().count(NO_MORE) == 1
        guest.move_balloon(0)
        guest.set_target_bytes(left)
        guest.wait_log(f"(?s){NO_MORE}.*{NO_MORE}")
        guest.move_balloon(64)


def test_memory_that_comes_free_later_is_taken_then():
    with Guest(memory=512) as guest:
        hog = guest.start("occupy 300 hold")
        hog.wait_output("\n")
        guest.set_balloon(300)
        guest.wait_log(NO_MORE)
        hog.stop()
        guest.wait_balloon(300, timeout=15)


def test_a_bad_parameter_is_refused_with_the_allowed_range():
    with Guest(memory=256) as guest:
        path = "/sys/module/virtio_balloon/parameters/oom_pages"
        for value in ("0", "8193", "-1", "many", "99999999999"):
            mark = guest.mark_log()
            with pytest.raises(CommandFailed):
                guest.run(f"echo {value} >{path}")
            assert "from 1 to 8192" in guest.log_since(mark)
            assert guest.read(path) == "256\n"
        guest.run(f"echo 8192 >{path}")
        assert guest.read(path) == "8192\n"
