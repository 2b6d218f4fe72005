# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest whose host means harm, for many scenarios one after the other.

A scenario has a device and a driver of its own. In the end the guest lives, its log holds no
complaint, the driver has left within its limit and kept all rules, all memory is back, and a
good device works. A guest in which a scenario failed is not used again.
"""

import contextlib
import re
import time

from . import clock
from .console import COMPLAINT
from .device import Device
from .emulated import DEFLATES_ON_OOM
from .errors import GuestUnhealthy
from .guest import Guest

MIB = 1 << 20
LEAVE_SECONDS = 20
SETTLE_SECONDS = 10
GOOD_PAGES = 1000
BROKEN = "the device is broken"
READY = "memory balloon ready"

# The kernel's own word to a device that is gone, and so never reads as reset.
NEVER_RESET = r"WARNING: .* virtio_dev_remove|Call Trace"


# On a busy machine a guest may stand still: its kernel is not to judge the timer by that, nor
# itself. What really stands still is found by the limits of the tests.
PATIENT = "no_timer_check rcupdate.rcu_cpu_stall_timeout=300"


class Arena:
    def __init__(self, name, memory=384, cpus=2, life=1500):
        self._name = name
        self._boots = 0
        self._options = {"memory": memory, "cpus": cpus, "life": life, "cmdline": PATIENT}
        self._guest = None
        self._device = None
        self._free = None

    def _ensure(self):
        if self._guest:
            return
        self._boots += 1
        self._guest = Guest(balloon=None, module=None, name=f"{self._name}-{self._boots}",
                            **self._options)
        self._guest.__enter__()
        self._device = Device(self._guest)
        self._guest.load_module()
        self._try_good_device()
        self._free = self._measure()

    def close(self):
        if self._guest:
            self._guest.close()
        self._guest = self._device = None

    @contextlib.contextmanager
    def scenario(self, features=DEFLATES_ON_OOM, queue_size=128, plug=True, forgive=(),
                 limit=LEAVE_SECONDS):
        """
        plug     with the device plugged and the driver ready, else with neither
        forgive  what the log may hold
        limit    seconds that the driver may take to leave
        """
        self._ensure()
        try:
            yield from self._play(features, queue_size, plug, forgive, limit)
        except BaseException:
            self.close()
            raise

    def _play(self, features, queue_size, plug, forgive, limit):
        guest, device = self._guest, self._device
        mark = guest.mark_log()
        device.offer(features)
        device.set_queue_size(queue_size)
        device.clear_log()
        if plug:
            device.plug()
        else:
            guest.unload_module()
        yield guest, device
        guest.stop_processes()
        self._leave(limit)
        self._check_log(mark, forgive)
        guest.load_module()
        self._try_good_device()
        self._check_memory()

    def _leave(self, limit):
        guest, device = self._guest, self._device
        device.calm()
        start = clock.now()
        if guest.module:
            guest.unload_module(timeout=2 * limit)
        device.take_out(timeout=2 * limit)
        seconds = clock.now() - start
        assert seconds < limit, f"the driver took {seconds:.1f} s to leave"
        assert device.violations() == [], device.report()
        assert device.owned_pages() == 0

    def _check_log(self, mark, forgive):
        complaints = [line for line in self._guest.log_since(mark).splitlines()
                      if COMPLAINT.search(line)
                      and not any(re.search(pattern, line) for pattern in forgive)]
        if complaints:
            raise self._guest.with_console(
                GuestUnhealthy, "the guest's log complains:\n  " + "\n  ".join(complaints))

    def _measure(self):
        self._guest.run("sync; echo 3 >/proc/sys/vm/drop_caches")
        return self._guest.free_memory()

    def _check_memory(self):
        deadline = clock.now() + SETTLE_SECONDS
        tolerance = self._free // 100 + self._guest.kept_bytes
        while self._free - self._measure() > tolerance:
            if clock.now() > deadline:
                raise self._guest.with_console(
                    GuestUnhealthy, f"{(self._free - self._measure()) / MIB:.1f} MiB of the "
                    "guest's memory are not free again")
            time.sleep(0.2)

    def _try_good_device(self):
        device = self._device
        device.offer(DEFLATES_ON_OOM)
        device.set_queue_size(128)
        device.set_num_pages(GOOD_PAGES)
        device.command(0)
        device.plug()
        device.wait_actual_pages(GOOD_PAGES)
        device.move_pages(0)
        device.take_out()


def wait_struck(guest, device):
    guest.wait_until(device.has_struck, f"the device has struck\n{device.report()}")


def wait_gone(guest, device):
    guest.wait_until(lambda: not device.is_plugged(), "the device is out")
