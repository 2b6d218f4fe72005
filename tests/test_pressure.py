# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that is squeezed stays alive and at work, and the balloon comes back when it can."""

import time

import pytest

from rig import Guest
from rig.disk import empty_disk
from rig.emulated import AGAIN, REPORTS, SILENT, emulated
from rig.pattern import assert_whole, start_pattern
from rig.visible import events, figures, trace, wait_state

MIB = 1 << 20
PAGE = 4096
SHORT = "is short of memory"
NO_MORE = "no more memory to give"
WAYS = ["deflate-on-oom=on,free-page-reporting=on", "deflate-on-oom=on"]


def _directions(guest, since):
    """The ways that the balloon went, each turn once."""
    ways = [event["to"] for event in events(guest, "state")[since:]
            if event["to"] in ("inflating", "deflating", "holding off")]
    return [way for place, way in enumerate(ways) if not place or way != ways[place - 1]]


def _squeeze(guest, left):
    guest.set_balloon(guest.memory - left)
    wait_state(guest, "at target" if left >= 200 else "out of memory to give", timeout=60)


@pytest.mark.parametrize("balloon", WAYS, ids=["by-ranges", "by-frame-numbers"])
@pytest.mark.parametrize("left, mib", [(200, 600), (20, 500)], ids=["in-reach", "out-of-reach"])
def test_a_program_that_grows_meets_the_balloon_a_handful_of_times(balloon, left, mib):
    with Guest(memory=1024, balloon=balloon) as guest:
        guest.count_all_free()
        alone = guest.touch(mib)
        trace(guest)
        _squeeze(guest, left)
        mark, at = guest.mark_log(), len(events(guest, "oom"))
        states = len(events(guest, "state"))
        squeezed = guest.touch(mib)
        needs, given = events(guest, "oom")[at:], events(guest, "oom", "relieve")
        print(f"{squeezed:.0f} ms instead of {alone:.0f} ms, {len(needs)} times out of memory")
        assert 0 < len(needs) <= 6
        assert sum(portion["bytes"] for portion in given) == figures(guest)["taken_back"]
        assert guest.vmstat()["oom_kill"] == 0
        wait_state(guest, "at target" if left >= 200 else "out of memory to give", timeout=60)
        assert len(_directions(guest, states)) <= 3, _directions(guest, states)
        assert guest.log_since(mark).count("virtio_balloon") <= 2


def test_at_a_target_out_of_reach_the_guest_rests():
    with Guest(memory=1024, balloon="deflate-on-oom=on") as guest:
        guest.set_balloon(1004)
        wait_state(guest, "out of memory to give", timeout=60)
        time.sleep(30)
        before, refused, mark = guest.vmstat(), figures(guest)["refused"], guest.mark_log()
        time.sleep(30)
        after = guest.vmstat()
        assert figures(guest)["refused"] - refused <= 4
        scans = [name for name in after if name.startswith("pgscan")]
        assert {name: after[name] - before[name] for name in scans} == dict.fromkeys(scans, 0)
        assert "virtio_balloon" not in guest.log_since(mark)


def test_the_balloon_holds_off_until_the_guest_has_had_enough_for_a_while():
    with Guest(memory=512, balloon="deflate-on-oom=on") as guest:
        guest.move_balloon(300)
        trace(guest)
        program = guest.start("occupy 230 hold")
        program.wait_output("\n")
        wait_state(guest, "holding off")
        held = figures(guest)["actual"]
        assert held < 290 * MIB
        # A new target changes nothing while the guest needs its memory.
        guest.set_balloon(310)
        time.sleep(8)
        assert guest.read("/proc/vmstat").count("oom_kill 0") == 1
        assert figures(guest)["actual"] <= held
        guest.move_balloon(int(held / MIB) - 40, timeout=10)
        guest.set_balloon(310)
        program.stop()
        guest.wait_balloon(310, timeout=20)
        assert guest.log().count(SHORT) <= 2
        begin, over = events(guest, "hold_off")[0], events(guest, "hold_off")[-1]
        assert begin["wait_ms"] == 10000
        assert over["available"] >= over["missing"]


def test_a_guest_out_of_memory_gets_what_a_silent_device_left_no_room_to_name():
    with emulated(REPORTS, memory=640, queue_size=2, reported_elsewhere=True,
                  cmdline="init_on_alloc=0") as (guest, device):
        fragment = guest.start("fragment 400 8")
        fragment.wait_output("fragment: ready")
        available = guest.meminfo()["MemAvailable"]
        device.hold("report")
        device.set_target(200)
        device.wait_noted("report", 2)
        guest.wait_until(lambda: available - guest.meminfo()["MemAvailable"] > 32 * MIB,
                         "the balloon has taken memory")
        guest.touch(available // MIB - 16)
        assert guest.vmstat()["oom_kill"] == 0
        device.answer("report")
        fragment.stop()


@pytest.mark.parametrize("features", [("deflate-on-oom",), ("deflate-on-oom", "reporting")],
                         ids=["by-frame-numbers", "by-ranges"])
def test_a_guest_out_of_memory_gets_all_that_is_held_from_a_device_that_is_silent(features):
    # Until it is told, the device takes what came back for its own, and must not overwrite it.
    with emulated(features, memory=640, scribble="reporting" in features,
                  reported_elsewhere="reporting" in features) as (guest, device):
        pattern = start_pattern(guest)
        device.move(400)
        for queue in ("inflate", "deflate", "report"):
            device.hold(queue)
        trace(guest)
        guest.touch(380)
        assert guest.vmstat()["oom_kill"] == 0
        taken_back = sum(need["bytes"] for need in events(guest, "oom", "relieve"))
        assert taken_back > 200 * MIB
        for queue in ("inflate", "deflate", "report"):
            device.answer(queue)
        device.move(10)
        # The device has been told of all that came back, where it has to be.
        assert device.owned_mib() == (0 if "reporting" in features else 10)
        assert_whole(pattern)


def test_what_came_back_untold_is_told_before_anything_is_named_again():
    with emulated(("deflate-on-oom",), memory=640, scribble=False) as (guest, device):
        device.move(400)
        device.hold("deflate")
        program = guest.start("occupy 420 hold")
        program.wait_output("\n")
        device.clear_log()
        program.stop()
        guest.wait_log(SILENT, timeout=30)
        assert not [line for line in device.log() if line.startswith("inflate")]
        device.answer("deflate")
        guest.wait_log(AGAIN)
        device.wait_actual(400, timeout=60)
        assert device.owned_mib() == 400


def test_clean_cache_gives_way_to_a_target_that_free_memory_does_not_reach(tmp_path):
    disk = empty_disk(tmp_path, 700)
    with Guest(memory=1024, balloon=WAYS[0], disks=[disk]) as guest:
        reader = guest.start("exec 8</dev/vda; cat <&8 >/dev/null; echo read; sleep 1000")
        reader.wait_output("read", timeout=60)
        assert guest.meminfo()["Buffers"] > 650 * MIB
        guest.move_balloon(800)
        assert NO_MORE not in guest.log()
        assert guest.vmstat()["oom_kill"] == 0


def test_cold_memory_is_swapped_out_and_nothing_is_killed(tmp_path):
    with Guest(memory=512, balloon=WAYS[0], disks=[empty_disk(tmp_path, 600)]) as guest:
        guest.run("mkswap /dev/vda && swapon /dev/vda")
        pattern = start_pattern(guest, 250)
        guest.move_balloon(330, timeout=120)
        assert guest.vmstat()["pswpout"] > 100 * MIB // PAGE
        assert guest.vmstat()["oom_kill"] == 0
        guest.move_balloon(0)
        assert_whole(pattern)
        pattern.stop()
        guest.run("swapoff /dev/vda", timeout=120)
