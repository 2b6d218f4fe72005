# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest with the emulated balloon device, and what tests on it say again and again."""

import contextlib
import time
from typing import NamedTuple

from .device import Device
from .guest import Guest

MIB = 1 << 20
DRIVER_OK = 4
SILENT = "does not answer"
AGAIN = "answers again"
DEFLATES_ON_OOM = {"deflate-on-oom"}
MUST_TELL = {"deflate-on-oom", "must-tell-host"}
REPORTS = {"deflate-on-oom", "reporting"}


class Report(NamedTuple):
    """One request to the reporting queue."""
    frames: int
    ranges: int
    smallest: int


@contextlib.contextmanager
def emulated(features=("deflate-on-oom",), memory=512, cpus=1, driver=True, suspendable=False,
             cmdline="", parameters="", reported_elsewhere=False, **options):
    """A guest and its device. In the end the driver has kept all rules and the host owns
    nothing.

    reported_elsewhere  a device of QEMU's hears of free memory, so that all that this one is
                        told is the balloon's
    """
    elsewhere = "free-page-reporting=on,page-poison=on" if reported_elsewhere else None
    with Guest(memory=memory, balloon=elsewhere, module=None, cpus=cpus, cmdline=cmdline,
               suspendable=suspendable) as guest:
        device = Device(guest, features, **options)
        device.plug()
        if driver:
            guest.load_module(parameters=parameters)
        yield guest, device
        guest.stop_processes()
        if guest.module:
            guest.unload_module(timeout=15)
        assert device.violations() == [], device.report()
        assert device.owned_pages() == 0
        device.remove()


def named(features):
    """What a set of features is called in a test's name."""
    return "+".join(sorted(features)) or "none"


def accepted(device):
    """The bits that the driver accepted."""
    return int([line for line in device.log() if line.startswith("features")][-1].split()[1], 16)


def place_of(log, words):
    """Where the first line that begins so stands."""
    return next(place for place, line in enumerate(log) if line.startswith(words))


def ready_at(log):
    """Where the driver said that it is ready."""
    return next(place for place, line in enumerate(log)
                if line.startswith("status") and int(line.split()[1], 16) & DRIVER_OK)


def requests_in(log, queue):
    """How many frames each request of that queue names."""
    return [int(line.split()[1]) for line in log if line.startswith(f"{queue} ")]


def frames_in(log, queue):
    return sum(requests_in(log, queue))


def reports_in(log):
    return [Report(int(words[1]), int(words[3]), int(words[6]))
            for words in (line.split() for line in log) if words[0] == "report"]


def use_all_that_is_available(guest):
    """In single pages: so the smallest pieces of free memory are used first."""
    guest.run("echo never >/sys/kernel/mm/transparent_hugepage/enabled")
    spare = guest.meminfo()["MemAvailable"] // MIB - 60
    assert spare > 50
    guest.touch(spare)


def compact(guest, times=5):
    for _ in range(times):
        guest.run("echo 1 >/proc/sys/vm/compact_memory", timeout=15)


def spread_balloon(guest, device, mib):
    """A balloon of single pages that compaction has reason to move."""
    guest.run("echo 0 >/proc/sys/vm/compaction_proactiveness")
    fragment = guest.start("fragment 400 8")
    fragment.wait_output("fragment: ready")
    device.move(mib)
    fragment.stop()


def assert_none_used_untold(device):
    """Without MUST_TELL_HOST: the host owns no page that the guest has taken back."""
    time.sleep(0.2)
    owned, held = device.owned_pages(), device.actual_pages()
    assert owned <= held, f"{owned - held} pages are the host's and in use\n{device.report()}"
