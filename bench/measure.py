# SPDX-License-Identifier: GPL-2.0-or-later
"""The measuring itself: time, processor seconds and notifications of one balloon operation,
and what the machine allows without a guest.
"""

import re
import subprocess
import time
from pathlib import Path

from rig import GuestTimeout, paths

MIB = 1 << 20
MIB_PER_GIB = 1024
TIME_LIMIT_SECONDS = 300
# One part in a hundred of the time so far: the clock is read closely when it matters.
POLL_SHARE = 0.01
POLL_LEAST_SECONDS = 0.0001
POLL_MOST_SECONDS = 0.001
GUEST_TICKS_PER_SECOND = 100
LIMIT_PROGRAM = paths.BUILD / "bench" / "limit"
LIMIT_MIB = 3072
LIMIT_STEPS_KIB = (4, 64, 2048, 4096, 65536, LIMIT_MIB * 1024)
LIMIT_REPETITIONS_LEAST = 3
NOTIFICATION = re.compile(r"^virtio_(queue_notify|notify) vdev (\w+)", re.MULTILINE)
DIRECTION = {"queue_notify": "to_host", "notify": "to_guest"}


class Skipped(Exception):
    """This machine cannot measure that; says why."""


# One operation of the balloon

def move_balloon(guest, mib):
    """Returns the seconds from the command until the device says that it is done."""
    start = time.monotonic()
    guest.set_balloon(mib)
    while guest.balloon_mib() != mib:
        passed = time.monotonic() - start
        if passed > TIME_LIMIT_SECONDS:
            raise guest.with_console(
                GuestTimeout, f"after {TIME_LIMIT_SECONDS} s the balloon holds "
                f"{guest.balloon_mib():.0f} MiB instead of {mib} MiB")
        time.sleep(min(max(passed * POLL_SHARE, POLL_LEAST_SECONDS), POLL_MOST_SECONDS))
    return time.monotonic() - start


def measure_move(guest, mib, moved_mib):
    """Seconds, and processor seconds for each GiB moved."""
    gib = moved_mib / MIB_PER_GIB
    guest_before = guest_busy_seconds(guest)
    host_before = host_processor_seconds(guest)
    seconds = move_balloon(guest, mib)
    host = host_processor_seconds(guest) - host_before
    busy = guest_busy_seconds(guest) - guest_before
    return {"seconds": seconds, "host_cpu": host / gib, "guest_cpu": busy / gib}


def host_processor_seconds(guest):
    """Of the threads that run the guest; the monitor's only answer the benchmark itself."""
    threads = (processor["thread-id"] for processor in guest.qmp("query-cpus-fast"))
    times = (Path(f"/proc/{guest.pid}/task/{thread}/schedstat").read_text()
             for thread in threads)
    return sum(int(text.split()[0]) for text in times) / 1e9


def guest_busy_seconds(guest):
    """What the guest's kernel counts as work, waiting for disks left out."""
    user, nice, system, _, _, *interrupts = map(
        int, guest.run("head -n 1 /proc/stat").split()[1:8])
    return (user + nice + system + sum(interrupts)) / GUEST_TICKS_PER_SECOND


# Notifications

class Notifications:
    """What the balloon device and its driver sent each other, from QEMU's own trace."""

    def __init__(self, path):
        self._path = path
        self._path.unlink(missing_ok=True)
        self._others = set()

    def emulator_arguments(self):
        return ["-D", str(self._path), "-trace", "virtio_queue_notify", "-trace", "virtio_notify"]

    def leave_out_devices_so_far(self):
        """To be called before a balloon driver is loaded: the others have spoken by then."""
        self._others = {device for _, device in self._all()}

    def counts(self):
        """How many since the start, to the host and to the guest."""
        seen = [DIRECTION[event] for event, device in self._all()
                if device not in self._others]
        return {way: seen.count(way) for way in DIRECTION.values()}

    def _all(self):
        return NOTIFICATION.findall(self._path.read_text())


# The machine

def limit_once():
    """Maps each step in KiB to the seconds that discarding LIMIT_MIB took."""
    output = subprocess.run([LIMIT_PROGRAM, str(LIMIT_MIB), *map(str, LIMIT_STEPS_KIB)],
                            check=True, capture_output=True, text=True).stdout
    return {int(step): float(seconds) for step, seconds in
            (line.split() for line in output.splitlines())}


def measure_limit(runs):
    samples = [limit_once() for _ in range(max(runs, LIMIT_REPETITIONS_LEAST))]
    return {step: [sample[step] for sample in samples] for step in LIMIT_STEPS_KIB}


def host_meminfo(name):
    text = Path("/proc/meminfo").read_text()
    return int(re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)[1])


def require_host_memory(mib):
    available = host_meminfo("MemAvailable") // 1024
    if available < mib:
        raise Skipped(f"the host has {available} MiB of memory available, this needs {mib} MiB")
