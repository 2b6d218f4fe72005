# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine stands still, starts anew, goes back in time and loses memory under the balloon.

AEROSTAT_RESETS says how often each guest is reset.
"""

import os
import random
import re
import time

import pytest

from rig import Guest, snapshot
from rig.pattern import assert_whole, start_pattern
from rig.visible import figures, wait_state

MIB = 1 << 20
PAGE = 4096
FREE_MOVABLE = re.compile(r"zone +Movable\n +pages free +(\d+)")
RESETS = int(os.environ.get("AEROSTAT_RESETS", 5))
WAYS = {"by-ranges": "free-page-reporting=on,deflate-on-oom=on",
        "by-frame-numbers": "deflate-on-oom=on"}
STILL_SECONDS = 30
MODULE = ["-m", "slots=2,maxmem=2G", "-object", "memory-backend-ram,id=memory1,size=256M",
          "-device", "pc-dimm,memdev=memory1,id=module1"]
ONLINE_MOVABLE = "memhp_default_state=online_movable"


@pytest.fixture(params=WAYS)
def balloon(request):
    return WAYS[request.param]


def _stop_while_moving(guest, target):
    """Stops the machine when the balloon has begun to move; returns its size then. Tries again
    when it had arrived by then."""
    start = int(guest.balloon_mib())
    for tries_left in reversed(range(5)):
        guest.set_balloon(target)
        guest.wait_moving(start * MIB)
        guest.qmp("stop")
        size = guest.balloon_mib()
        if size != target or not tries_left:
            return size
        guest.qmp("cont")
        guest.move_balloon(start)


@pytest.mark.parametrize("target", [600, 0], ids=["inflating", "deflating"])
def test_a_machine_that_stands_still_in_the_middle_goes_on_where_it_was(balloon, target):
    with Guest(memory=1024, balloon=balloon) as guest:
        pattern = start_pattern(guest, 100)
        guest.move_balloon(600 - target)
        mark = guest.mark_log()
        size = _stop_while_moving(guest, target)
        # What was named by ranges may be back before anyone looks.
        assert 0 < size < 600 or target == 0 and balloon == WAYS["by-ranges"]
        time.sleep(STILL_SECONDS)
        assert guest.balloon_mib() == size
        guest.qmp("cont")
        guest.wait_balloon(target)
        wait_state(guest, "at target")
        assert "virtio_balloon" not in guest.log_since(mark)
        assert_whole(pattern)


def test_a_snapshot_from_the_middle_of_an_inflation_goes_on_from_there(balloon, tmp_path):
    with Guest(memory=1024, balloon=balloon, devices=snapshot.place(tmp_path)) as guest:
        pattern = start_pattern(guest, 100)
        size = _stop_while_moving(guest, 600)
        assert 0 < size < 600
        snapshot.save(guest, "middle")
        guest.qmp("cont")
        guest.wait_balloon(600)
        guest.move_balloon(50)
        guest.touch(500)
        for _ in range(2):
            guest.qmp("stop")
            snapshot.load(guest, "middle")
            assert guest.balloon_mib() == size
            guest.qmp("cont")
            guest.wait_balloon(600)
            guest.move_balloon(0)
            guest.touch(500)
        assert_whole(pattern)


@pytest.mark.parametrize("seed", [1, 2])
def test_resets_at_random_moments_are_each_followed_by_a_good_boot(balloon, seed):
    chance = random.Random(seed)
    with Guest(memory=1024, balloon=balloon, life=60 + RESETS * 15) as guest:
        for _ in range(RESETS):
            guest.set_balloon(chance.randrange(850))
            time.sleep(chance.random() * 0.2)
            guest.set_balloon(chance.randrange(850))
            time.sleep(chance.random() ** 3)
            guest.reset()
            guest.load_module()
        guest.move_balloon(700)


def _hold(guest, of, mib):
    guest.set_target_bytes((of - mib) * MIB)
    guest.wait_until(lambda: figures(guest)["actual"] == mib * MIB, f"{mib} MiB are held")


def test_memory_is_unplugged_while_the_balloon_holds_much_of_it(balloon):
    with Guest(memory=512, balloon=balloon, devices=MODULE, cmdline=ONLINE_MOVABLE) as guest:
        total = guest.meminfo()["MemTotal"]
        assert total > 600 * MIB
        pattern = start_pattern(guest, 60)
        _hold(guest, 768, 500)
        _hold(guest, 768, 240)
        free = FREE_MOVABLE.search(guest.read("/proc/zoneinfo"))
        assert int(free[1]) * PAGE < 100 * MIB
        guest.qmp("device_del", id="module1")
        guest.wait_event("DEVICE_DELETED", timeout=60)
        assert guest.meminfo()["MemTotal"] == total - 256 * MIB
        _hold(guest, 512, 200)
        assert_whole(pattern)
        guest.qmp("device_add", driver="pc-dimm", memdev="memory1", id="module1")
        guest.run(f"until grep -q 'MemTotal: *{total // 1024} kB' /proc/meminfo; "
                  "do sleep 0.1; done")
