# SPDX-License-Identifier: GPL-2.0-or-later
"""Experiments with a guest that needs its memory itself."""

import random
import re
import tempfile
import time
from pathlib import Path
from statistics import median

from experiments import booted, load_and_take_before_reporting_starts, named
from measure import MIB, host_processor_seconds
from rig import paths

REPETITIONS = 3
GROWS_SECONDS = 900
REST_SECONDS = 3
SETTLE_SECONDS = 30
WATCH_SECONDS = 60
PROGRAMS = 10
CHURN_MIB = 70
WORK_SECONDS = 600
CHANGE_SECONDS = 10


def _rest(guest, mib):
    """Asks for a balloon of that size, and waits until it grows no more."""
    guest.set_balloon(mib)
    before = -1
    while (reached := guest.balloon_mib()) != before:
        before = reached
        time.sleep(REST_SECONDS)


def squeezed(driver, setting, needs):
    """A program needs memory that the balloon holds: how much longer does it take?"""
    with booted(driver, setting) as guest:
        guest.load_module(driver)
        first = guest.touch(needs) / 1000
        in_place = median(guest.touch(needs) for _ in range(REPETITIONS)) / 1000
        _rest(guest, setting.take)
        mark = guest.mark_log()
        grows = guest.touch(needs, timeout=GROWS_SECONDS) / 1000
        _rest(guest, setting.take)
        return {"first": first, "in place": in_place, "grows": grows,
                "ratio": grows / first, "ratio in place": grows / in_place,
                "killed": guest.vmstat()["oom_kill"],
                "lines": guest.log_since(mark).count("virtio_balloon")}


def _processor_share(guest):
    """What of a processor the guest needs while nothing is asked of it, in percent."""
    before = host_processor_seconds(guest)
    time.sleep(WATCH_SECONDS)
    return 100 * (host_processor_seconds(guest) - before) / WATCH_SECONDS


def at_rest(driver, setting):
    """What a target out of reach costs, beyond what an idle guest does."""
    with booted(driver, setting) as guest:
        guest.load_module(driver)
        time.sleep(SETTLE_SECONDS)
        idle = _processor_share(guest)
        _rest(guest, setting.take)
        time.sleep(SETTLE_SECONDS)
        scans = guest.vmstat()["pgscan_kswapd"]
        share = _processor_share(guest)
        return {"idle": idle, "share": share, "more": max(share - idle, 0),
                "scans": guest.vmstat()["pgscan_kswapd"] - scans}


def cached(driver, setting):
    """All that is taken is clean page cache."""
    with tempfile.TemporaryDirectory(dir=paths.BUILD) as directory:
        disk = Path(directory) / "disk"
        with open(disk, "wb") as file:
            file.truncate(setting.take * MIB)
        with booted(driver, setting, disks=[disk]) as guest:
            reader = guest.start("exec 8</dev/vda; cat <&8 >/dev/null; echo read; sleep 10000")
            reader.wait_output("read", timeout=300)
            held = guest.host_rss()
            figures = load_and_take_before_reporting_starts(guest, driver, setting.take)
            returned = (held - guest.host_rss()) / MIB
            return named("take", {**figures, "returned": 100 * returned / setting.take})


def _work_of(guest, meanwhile):
    """How many pages ten programs work on in a second, while meanwhile() is called."""
    programs = [guest.start(f"exec churn {CHURN_MIB} {seed}") for seed in range(1, PROGRAMS + 1)]
    meanwhile(time.monotonic() + WORK_SECONDS)
    for program in programs:
        program.signal()
    return sum(_work_in(program) for program in programs) / WORK_SECONDS


def _work_in(program):
    program.wait()
    found = re.search(r"worked on (\d+) pages, 0 wrong", program.output())
    return int(found[1]) if found else 0


def at_work(driver, setting):
    """Ten programs that grow and shrink, without a balloon and while the target changes."""
    chance = random.Random("at work")

    def rest(end):
        time.sleep(end - time.monotonic())

    def change(end):
        while time.monotonic() < end:
            guest.set_balloon(chance.randrange(0, setting.take))
            time.sleep(chance.random() * CHANGE_SECONDS)

    with booted(driver, setting) as guest:
        guest.load_module(driver)
        empty = _work_of(guest, rest)
        moving = _work_of(guest, change)
        return {"empty": empty, "moving": moving, "share": 100 * moving / empty,
                "killed": guest.vmstat()["oom_kill"]}
