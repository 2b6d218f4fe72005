# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures that the host gets are the guest's own, whatever the device's age."""

import struct
import time

import pytest

from rig import Guest, OUT_OF_MEMORY, clock
from rig.disk import empty_disk
from rig.pattern import start_pattern

DEVICE = "/machine/peripheral/balloon0"
PAGE = 4096
KILLED = 128 + 9

# What each tag is in the guest's own words.
OWN_FIGURES = {
    0: lambda meminfo, vmstat: vmstat["pswpin"] * PAGE,
    1: lambda meminfo, vmstat: vmstat["pswpout"] * PAGE,
    2: lambda meminfo, vmstat: vmstat["pgmajfault"],
    3: lambda meminfo, vmstat: vmstat["pgfault"],
    4: lambda meminfo, vmstat: meminfo["MemFree"],
    5: lambda meminfo, vmstat: meminfo["MemTotal"],
    6: lambda meminfo, vmstat: meminfo["MemAvailable"],
    7: lambda meminfo, vmstat: vmstat["nr_file_pages"] * PAGE,
    8: lambda meminfo, vmstat: vmstat["htlb_buddy_alloc_success"],
    9: lambda meminfo, vmstat: vmstat["htlb_buddy_alloc_fail"],
    10: lambda meminfo, vmstat: vmstat["oom_kill"],
    11: lambda meminfo, vmstat: sum(value for name, value in vmstat.items()
                                    if name.startswith("allocstall_")),
    12: lambda meminfo, vmstat: vmstat["pgscan_kswapd"] * PAGE,
    13: lambda meminfo, vmstat: vmstat["pgscan_direct"] * PAGE,
    14: lambda meminfo, vmstat: vmstat["pgsteal_kswapd"] * PAGE,
    15: lambda meminfo, vmstat: vmstat["pgsteal_direct"] * PAGE,
}

QEMU_NAMES = ["swap-in", "swap-out", "major-faults", "minor-faults", "free-memory",
              "total-memory", "available-memory", "disk-caches", "htlb-pgalloc", "htlb-pgfail"]


def _poll_each_second(guest):
    guest.qmp("qom-set", path=DEVICE, property="guest-stats-polling-interval", value=1)


def _last_update(guest):
    return guest.qmp("qom-get", path=DEVICE, property="guest-stats")["last-update"]


def _wait_updates(guest, count):
    for _ in range(count):
        last = _last_update(guest)
        deadline = clock.now() + 15
        while _last_update(guest) == last:
            assert clock.now() < deadline, "the driver no longer answers"
            time.sleep(0.05)


def _buffer(guest, path):
    """The bytes that the device has in hand, read from the guest's memory."""
    queue = {"path": f"{DEVICE}/virtio-backend", "queue": 2}
    status = guest.qmp("x-query-virtio-queue-status", **queue)
    newest = (status["last-avail-idx"] - 1) % 65536
    element = guest.qmp("x-query-virtio-queue-element", **queue, index=newest)
    [buffer] = element["descs"]
    guest.qmp("pmemsave", val=buffer["addr"], size=buffer["len"], filename=str(path))
    return path.read_bytes()


def _make_every_counter_move(guest):
    guest.forgive(OUT_OF_MEMORY)
    guest.run("mkswap /dev/vda && swapon /dev/vda")
    pattern = start_pattern(guest, 230)
    time.sleep(1)
    pattern.stop()
    assert guest.start("occupy 900").wait() == KILLED
    guest.run("swapoff /dev/vda", timeout=60)
    guest.run("echo 8 >/proc/sys/vm/nr_hugepages; echo 4000 >/proc/sys/vm/nr_hugepages;"
              "echo 0 >/proc/sys/vm/nr_hugepages")


@pytest.mark.parametrize("options", ["", "disable-modern=on,disable-legacy=off"],
                         ids=["modern", "legacy"])
def test_all_sixteen_statistics_are_the_guests_own_figures(options, tmp_path):
    with Guest(memory=256, balloon=options, disks=[empty_disk(tmp_path, 300)]) as guest:
        guest.move_balloon(32)
        _make_every_counter_move(guest)
        _poll_each_second(guest)
        _wait_updates(guest, 3)
        data = _buffer(guest, tmp_path / "statistics")
        meminfo, vmstat = guest.meminfo(), guest.vmstat()

        assert len(data) == 160
        entries = [struct.unpack_from("<HQ", data, at) for at in range(0, 160, 10)]
        assert [tag for tag, _ in entries] == list(range(16))
        for tag, value in entries:
            own = OWN_FIGURES[tag](meminfo, vmstat)
            assert own > 0, f"the test does not move the counter of tag {tag}"
            assert abs(value - own) <= own * 0.02, (tag, value, own)

        shown = guest.qmp("qom-get", path=DEVICE, property="guest-stats")["stats"]
        for tag, name in enumerate(QEMU_NAMES):
            own = OWN_FIGURES[tag](meminfo, vmstat)
            assert abs(shown[f"stat-{name}"] - own) <= own * 0.02, name


def test_statistics_go_on_while_the_balloon_moves_and_after_sleep():
    with Guest(memory=512, suspendable=True) as guest:
        _poll_each_second(guest)
        guest.set_balloon(300)
        _wait_updates(guest, 2)
        guest.wait_balloon(300)
        with guest.asleep():
            pass
        _wait_updates(guest, 3)
        guest.unload_module()
        guest.load_module()
        _wait_updates(guest, 2)
