# SPDX-License-Identifier: GPL-2.0-or-later
"""The tool balloonstat says in the guest what the host knows."""

import json

import pytest

from rig import CommandFailed, Guest

MIB = 1 << 20


def _fails(guest, arguments, status, words):
    with pytest.raises(CommandFailed) as failure:
        guest.run(f"balloonstat {arguments}")
    assert failure.value.status == status
    assert words in failure.value.output


@pytest.mark.parametrize("balloon", ["deflate-on-oom=on", "free-page-reporting=on"])
def test_the_figures_agree_with_the_hypervisors(balloon):
    with Guest(memory=768, balloon=balloon) as guest:
        total = guest.meminfo()["MemTotal"]
        for mib in (0, 300, 77):
            guest.move_balloon(mib)
            shown = json.loads(guest.run("balloonstat --json"))
            assert shown["actual"] == shown["target"] == guest.balloon_bytes() == mib * MIB
            assert shown["machine"] == total
            assert shown["state"] == "at target"
            assert shown["deflates_on_oom"] == ("oom" in balloon)
        text = guest.run("balloonstat")
        assert f"77 MiB of this machine's {total / MIB:.0f} MiB is lent to the host" in text
        assert "The host asked for just that." in text


def test_a_line_each_second_shows_memory_move():
    with Guest(memory=1024, balloon="deflate-on-oom=on") as guest:
        watch = guest.start("balloonstat 1 4")
        guest.move_balloon(400)
        assert watch.wait(timeout=15) == 0
        lines = [line.split() for line in watch.output().splitlines()]
        assert lines[1][:4] == ["target", "actual", "blocks", "pages"]
        assert len(lines) == 6
        assert lines[-1][:2] == ["400", "400"]
        assert sum(int(line[4]) for line in lines[2:]) == pytest.approx(400, abs=3)
        reports = guest.run("balloonstat --json 1 2").splitlines()
        assert [json.loads(report)["actual"] for report in reports] == [400 * MIB] * 2


def test_without_a_balloon_or_with_another_driver_it_says_so():
    with Guest(memory=256, module=None) as guest:
        _fails(guest, "", 1, "no driver uses")
        guest.load_module("shipped")
        _fails(guest, "", 1, "its driver is not Aerostat")
        guest.unload_module()
        guest.unplug_balloon()
        _fails(guest, "", 1, "has no memory balloon")
        _fails(guest, "--json", 1, "has no memory balloon")


def test_a_balloon_that_goes_ends_it():
    with Guest(memory=256) as guest:
        watch = guest.start("balloonstat 1")
        guest.run("sleep 2")
        guest.unload_module()
        assert watch.wait(timeout=10) == 1
        assert "has gone" in watch.output()


@pytest.mark.parametrize("arguments", ["0", "-1", "x", "1 0", "1 2 3", "1.5", "9" * 30,
                                       "--what"])
def test_what_makes_no_sense_is_refused(arguments):
    with Guest(memory=256) as guest:
        _fails(guest, arguments, 2, "balloonstat")
