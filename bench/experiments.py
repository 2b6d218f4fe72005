# SPDX-License-Identifier: GPL-2.0-or-later
"""What is done with a guest to get figures: each experiment boots one guest with one driver
and returns its figures by name.
"""

import contextlib
import re
from dataclasses import dataclass
from functools import partial
from statistics import median

from hugepages import huge_page_directory
from measure import (MIB, MIB_PER_GIB, Notifications, measure_move, move_balloon,
                     require_host_memory)
from rig import Guest, paths
from usage import fragment, touch, use, use_memory

REPORTING = "free-page-reporting=on"
DEFLATE_ON_OOM = "deflate-on-oom=on"
LIFE_SECONDS = 1800
LATENCY_CYCLES = 10
IDLE_SECONDS = 3
ZEROING_REPETITIONS = 3


@dataclass(frozen=True)
class Setting:
    memory: int = 4096
    take: int = 3072
    reporting: bool = True
    zeroing: bool = False
    deflate_on_oom: bool = False

    def words(self):
        return (f"{self.memory // MIB_PER_GIB} GiB guest, "
                f"reporting {'on' if self.reporting else 'off'}, "
                f"{'deflate-on-oom, ' if self.deflate_on_oom else ''}"
                f"init_on_alloc={int(self.zeroing)}")

    def balloon(self):
        """Options of the balloon device."""
        return ",".join([REPORTING] * self.reporting + [DEFLATE_ON_OOM] * self.deflate_on_oom)


@contextlib.contextmanager
def booted(driver, setting, **options):
    """A guest without a driver, so that nothing returns memory before the driver is loaded."""
    with Guest(memory=setting.memory, module=None, name=f"bench-{driver}", life=LIFE_SECONDS,
               fresh=True, balloon=setting.balloon(),
               cmdline=f"init_on_alloc={int(setting.zeroing)}", **options) as guest:
        yield guest


def load_and_take_before_reporting_starts(guest, driver, mib):
    guest.load_module(driver)
    return measure_move(guest, mib, mib)


def named(prefix, figures):
    return {f"{prefix}_{name}": value for name, value in figures.items()}


def take(guest, driver, setting):
    held = guest.host_rss()
    figures = load_and_take_before_reporting_starts(guest, driver, setting.take)
    returned = (held - guest.host_rss()) / MIB
    return named("take", {**figures, "returned": 100 * returned / setting.take})


def give_back(guest, setting):
    return named("give", measure_move(guest, 0, setting.take))


def cycle(driver, setting):
    """All of the memory is used, taken, given back and used again."""
    with booted(driver, setting) as guest:
        use_memory(guest, setting.take)
        in_place = touch(guest, setting.take)
        huge = guest.host_huge()
        figures = take(guest, driver, setting)
        figures |= give_back(guest, setting)
        again = touch(guest, setting.take)
        huge_again = guest.host_huge()
    return {**figures, "touch_in_place": in_place, "touch_again": again,
            "touch_ratio": again / in_place, "huge_before": huge / MIB,
            "huge_after": huge_again / MIB, "huge_share": 100 * huge_again / huge}


def zeroing_seconds(guest, setting):
    return median(use(guest, f"wipe {setting.take}") for _ in range(ZEROING_REPETITIONS))


def zeroing(driver, setting):
    """How long the guest's processor takes for the zeros, and how long the driver in all."""
    with booted(driver, setting) as guest:
        use_memory(guest, setting.take)
        alone = zeroing_seconds(guest, setting)
        figures = take(guest, driver, setting)
    return {**figures, "zeroing": alone, "rest": (figures["take_seconds"] - alone) * 1000}


def notifications(driver, setting):
    """Not timed: tracing slows both sides."""
    trace = Notifications(paths.BUILD / "bench" / f"notifications-{driver}.log")
    gib = setting.take / MIB_PER_GIB
    with booted(driver, setting, devices=trace.emulator_arguments()) as guest:
        use_memory(guest, setting.take)
        trace.leave_out_devices_so_far()
        guest.load_module(driver)
        at_start = trace.counts()
        move_balloon(guest, setting.take)
        at_top = trace.counts()
        move_balloon(guest, 0)
        at_end = trace.counts()
    figures = {}
    for way in at_start:
        figures[f"take_{way}"] = (at_top[way] - at_start[way]) / gib
        figures[f"give_{way}"] = (at_end[way] - at_top[way]) / gib
    return figures


def huge_page_file(driver, setting):
    """The guest's memory is a file on hugetlbfs."""
    require_host_memory(setting.memory)
    with huge_page_directory(setting.memory) as directory:
        backend = f"memory-backend-file,mem-path={directory},share=on"
        with booted(driver, setting, memory_backend=backend) as guest:
            use_memory(guest, setting.take)
            return take(guest, driver, setting)


def fragmented(driver, setting):
    """One page in every few stays in use, all over the memory."""
    with booted(driver, setting) as guest:
        fragment(guest, setting.take)
        return take(guest, driver, setting)


def untouched(driver, setting):
    """The guest has booted and used nothing."""
    require_host_memory(setting.memory)
    with booted(driver, setting) as guest:
        figures = load_and_take_before_reporting_starts(guest, driver, setting.take)
    return {"take_per_gib": figures["seconds"] * MIB_PER_GIB / setting.take}


def worst_lateness(guest, during):
    program = guest.start("exec punctual")
    program.wait_output("punctual: ready")
    during()
    program.signal()
    program.wait()
    return float(re.search(r"worst ([\d.]+)", program.output())[1])


def take_and_give_back_often(guest, setting):
    for _ in range(LATENCY_CYCLES):
        move_balloon(guest, setting.take)
        move_balloon(guest, 0)


def lateness(driver, setting):
    """What a program in the guest notices of the balloon."""
    with booted(driver, setting) as guest:
        use_memory(guest, setting.take)
        idle = worst_lateness(guest, partial(guest.run, f"sleep {IDLE_SECONDS}"))
        guest.load_module(driver)
        late = worst_lateness(guest, partial(take_and_give_back_often, guest, setting))
    return {"idle": idle, "late": late}
