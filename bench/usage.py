# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that uses its memory, so that the host really holds it."""

from measure import MIB, Skipped

# What stays free when the balloon has its size: enough for the guest to run on.
SLACK_MIB = 192
# What stays free while the memory is used.
MARGIN_MIB = 96
ONE_PAGE_IN = 16
# With huge pages the kernel keeps so much back that a program could not use nearly all of
# the memory. It gets that back before anything is measured.
RESERVE = "/proc/sys/vm/min_free_kbytes"
SMALL_RESERVE_KIB = 8192
WITH_SMALL_RESERVE = """\
kept=$(cat {reserve})
echo {small} >{reserve}
{command}
status=$?
echo $kept >{reserve}
(exit $status)
"""


def use(guest, command):
    """Runs a program that uses nearly all memory; returns the seconds that it printed."""
    script = WITH_SMALL_RESERVE.format(reserve=RESERVE, small=SMALL_RESERVE_KIB, command=command)
    return float(guest.run(script, timeout=180)) / 1000


def touch(guest, take_mib):
    return use(guest, f"occupy {take_mib + SLACK_MIB - MARGIN_MIB}")


def free_mib_but_slack(guest, take_mib):
    mib = guest.meminfo()["MemFree"] // MIB - SLACK_MIB
    if mib < take_mib:
        raise Skipped(f"the guest has no {take_mib} MiB free and {SLACK_MIB} MiB to run on")
    return mib


def use_memory(guest, take_mib):
    """A program holds what is not to be taken; another used the rest and has freed it."""
    held_mib = free_mib_but_slack(guest, take_mib) - take_mib
    if held_mib > 0:
        guest.start(f"occupy {held_mib} hold").wait_output("\n")
    touch(guest, take_mib)


def fragment(guest, take_mib):
    """A program used the memory and has kept one page in every few, all over it."""
    program = guest.start(f"fragment {free_mib_but_slack(guest, take_mib)} {ONE_PAGE_IN}")
    program.wait_output("fragment: ready", timeout=180)
