# SPDX-License-Identifier: GPL-2.0-or-later
"""What a kernel that checks itself must notice, it notices, and the rig then fails the guest.

The module of tests/mistakes/ makes the mistakes. Some checks end with the first thing that
they find, and lockdep with what any other finds in memory: so it comes first in a guest.
"""

import pytest

from rig import Guest, GuestUnhealthy, flavour
from rig.console import complaints_in

LEAK = "leak"
HANG = "hang-forever"
NOTICED = {
    "use-after-free": "KASAN: slab-use-after-free",
    "use-beyond-end": "KASAN: slab-out-of-bounds",
    LEAK: "kmemleak: 1 new suspected memory leak",
    "shift-too-far": "UBSAN: shift-out-of-bounds",
    "lock-in-another-order": "possible circular locking dependency",
    "lock-with-interrupts": "inconsistent lock state",
    "read-without-rcu": "suspicious RCU usage",
    "sleep-under-spinlock": "sleeping function called from invalid context",
    "free-active-timer": "ODEBUG: free active",
    "free-active-work": "ODEBUG: free active",
    "break-list": "list_del corruption",
    HANG: "blocked for more than",
    "race-over-data": "KCSAN: data-race in race",
}
MEMORY = ["use-after-free", "use-beyond-end", "break-list"]
GUESTS = {
    "sanitizers": [["read-without-rcu", "sleep-under-spinlock", "shift-too-far",
                    "lock-in-another-order", LEAK, "free-active-timer", HANG],
                   ["lock-with-interrupts", "free-active-work", *MEMORY]],
    "kcsan": [["race-over-data", "break-list", HANG]],
}[flavour.NAME]


def _make(guest, mistake):
    guest.run(f"insmod /lib/mistakes/mistakes.ko make={mistake}", timeout=60)
    if mistake == HANG:
        guest.wait_log(NOTICED[mistake])
    guest.run("rmmod mistakes")
    if mistake == LEAK:
        guest.look_for_leaks()


@pytest.mark.parametrize("mistakes", GUESTS, ids=lambda mistakes: mistakes[0])
def test_each_mistake_is_noticed(mistakes):
    with Guest(memory=256, module=None, cmdline="kasan_multi_shot") as guest:
        guest.run("echo 5 >/proc/sys/kernel/hung_task_timeout_secs")
        unnoticed = []
        for mistake in mistakes:
            mark = guest.mark_log()
            _make(guest, mistake)
            complaints = complaints_in(guest.log_since(mark))
            if not any(NOTICED[mistake] in line for line in complaints):
                unnoticed.append(mistake)
        assert unnoticed == []
        guest.expect_dead()
        with pytest.raises(GuestUnhealthy, match=NOTICED[mistakes[0]]):
            guest.check_health()
        guest.forgive(".")


def test_a_guest_in_which_nothing_was_wrong_is_well():
    with Guest(memory=256, module=None) as guest:
        guest.run("insmod /lib/mistakes/mistakes.ko make=nothing")
        guest.run("rmmod mistakes")
