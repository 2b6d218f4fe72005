# SPDX-License-Identifier: GPL-2.0-or-later
"""Devices as other hypervisors than QEMU have them, played by the emulated device.

That a request of more than 256 frames is a fault, which Firecracker never answers and Cloud
Hypervisor skips, the emulated device demands in each test.
"""

from typing import NamedTuple

import pytest

from rig.emulated import emulated
from rig.pattern import assert_whole, start_pattern

NO_MORE = "no more memory to give"


class Hypervisor(NamedTuple):
    """
    features    what its device offers when all is turned on that it knows
    queue_size  buffers that fit into a queue
    merges      gathers what is in a queue before it works, and answers all of it then
    """
    features: set
    queue_size: int
    merges: bool


HYPERVISORS = {
    "firecracker-1.7": Hypervisor({"deflate-on-oom", "stats", "event-index"}, 256, True),
    "firecracker-1.14": Hypervisor({"deflate-on-oom", "stats", "free-page-hint", "reporting",
                                    "event-index"}, 256, True),
    # No queue for statistics: the one for reports is the third.
    "cloud-hypervisor": Hypervisor({"deflate-on-oom", "reporting", "event-index", "indirect"},
                                   32, False),
    "cloud-hypervisor-without-reporting": Hypervisor({"deflate-on-oom", "event-index"}, 32, False),
}
EACH = pytest.mark.parametrize("hypervisor", HYPERVISORS.values(), ids=list(HYPERVISORS))


def _boot(hypervisor, **options):
    return emulated(hypervisor.features, queue_size=hypervisor.queue_size, **options)


def _work_as(device, hypervisor):
    if hypervisor.merges:
        for queue in ("inflate", "deflate", "report"):
            device.delay(queue, 4)
    if "stats" in hypervisor.features:
        device.answer("statistics")


@EACH
def test_targets_are_reached_both_ways_and_no_page_is_lost(hypervisor):
    with _boot(hypervisor) as (guest, device):
        _work_as(device, hypervisor)
        pattern = start_pattern(guest)
        for mib in (200, 60, 180, 0, 120):
            device.move(mib, timeout=60)
        assert_whole(pattern)


@EACH
def test_a_target_above_all_memory_takes_what_there_is_and_harms_nobody(hypervisor):
    with _boot(hypervisor) as (guest, device):
        _work_as(device, hypervisor)
        pattern = start_pattern(guest)
        mark = guest.mark_log()
        device.set_num_pages(0xffffffff)
        guest.wait_log(NO_MORE, since=mark, timeout=60)
        assert guest.vmstat()["oom_kill"] == 0
        device.move(0, timeout=60)
        assert_whole(pattern)


@EACH
def test_a_program_in_need_lives_whatever_the_hypervisor(hypervisor):
    with _boot(hypervisor) as (guest, device):
        _work_as(device, hypervisor)
        device.move(330, timeout=60)
        hog = guest.start("occupy 250 hold")
        hog.wait_output("\n", timeout=60)
        assert hog.running(), hog.output()
        assert guest.vmstat()["oom_kill"] == 0
