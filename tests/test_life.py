# SPDX-License-Identifier: GPL-2.0-or-later
"""The device and the driver come and go at any moment, and no memory stays behind."""

import random
import time

import pytest

from rig import Guest, kernel
from rig.pattern import assert_whole, start_pattern


def _wait_bound(guest):
    guest.run("until [ -e /sys/bus/virtio/drivers/virtio_balloon/virtio* ]; do sleep 0.05; done")


def test_the_device_is_unplugged_and_plugged_twenty_times_at_random_moments():
    chance = random.Random("unplug")
    with Guest(memory=1024) as guest:
        pattern = start_pattern(guest, 200)
        for _ in range(20):
            guest.set_balloon(chance.choice([100, 600]))
            time.sleep(chance.random())
            guest.set_balloon(chance.choice([0, 300]))
            time.sleep(chance.random() * 0.3)
            guest.unplug_balloon()
            guest.plug_balloon()
            _wait_bound(guest)
        guest.move_balloon(123)
        assert_whole(pattern)


def test_the_driver_is_loaded_and_unloaded_fifty_times_at_random_moments():
    chance = random.Random("unload")
    with Guest(memory=512) as guest:
        for _ in range(50):
            guest.set_balloon(chance.choice([0, 100, 300, 400]))
            time.sleep(chance.random() * 0.5)
            guest.unload_module()
            assert guest.balloon_bytes() == 0
            guest.load_module()
        guest.move_balloon(200)


def test_unbinding_gives_all_back_and_binding_takes_it_again():
    with Guest(memory=512) as guest:
        total = guest.meminfo()["MemTotal"]
        guest.move_balloon(300)
        driver = "/sys/bus/virtio/drivers/virtio_balloon"
        name = guest.run(f"basename {driver}/virtio*").strip()
        guest.run(f"echo {name} >{driver}/unbind")
        assert guest.balloon_bytes() == 0
        assert guest.meminfo()["MemTotal"] == total
        guest.run(f"echo {name} >{driver}/bind")
        guest.wait_balloon(300)


def test_a_reset_of_the_machine_with_an_inflated_balloon_is_followed_by_a_good_boot():
    with Guest(memory=512) as guest:
        guest.move_balloon(300)
        guest.reset()
        guest.load_module()
        guest.wait_balloon(300)
        guest.move_balloon(0)


def test_a_reboot_leaves_the_balloon_empty():
    with Guest(memory=512) as guest:
        guest.move_balloon(300)
        seen = len(guest.events("RESET"))
        guest.qmp("set-action", reboot="reset")
        guest.run("reboot -f >/dev/null 2>&1 &")
        guest.wait_balloon(0, poll=0.001)
        guest.wait_event("RESET", seen)
        guest.after_reboot()
        guest.load_module()
        guest.wait_balloon(300)


def test_a_kernel_that_writes_a_crash_dump_keeps_its_memory():
    # Where there is no image of the crashed kernel, this one says so and boots all the same.
    with Guest(memory=512, cmdline="elfcorehdr=0x40000000") as guest:
        guest.wait_log("this kernel is there to write a crash dump")
        guest.set_balloon(300)
        time.sleep(3)
        assert guest.balloon_bytes() == 0


def _tells_drivers_of_resets():
    return tuple(map(int, kernel.version().split("-")[0].split(".")[:2])) >= (6, 14)


@pytest.mark.skipif(not _tells_drivers_of_resets(),
                    reason="before Linux 6.14 a driver does not hear of it")
@pytest.mark.parametrize("balloon", ["deflate-on-oom=on", "free-page-reporting=on"],
                         ids=["by-frame-numbers", "by-ranges"])
def test_a_device_that_its_bus_resets_is_begun_anew_and_the_balloon_is_back_at_its_target(balloon):
    chance = random.Random(f"reset {balloon}")
    with Guest(memory=1024, machine="q35", balloon=f"bus=bridge0,{balloon}",
               devices=["-device", "pcie-root-port,id=bridge0"]) as guest:
        pattern = start_pattern(guest, 200)
        for _ in range(10):
            guest.set_balloon(chance.choice([0, 300, 600]))
            time.sleep(chance.random() * 0.3)
            guest.run("cd -P /sys/bus/virtio/drivers/virtio_balloon/virtio*; echo 1 >../reset")
        guest.move_balloon(300)
        assert_whole(pattern)
