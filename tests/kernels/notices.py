# SPDX-License-Identifier: GPL-2.0-or-later
"""What a kernel that checks itself must notice, it notices, and the rig then fails the test.

Each mistake here is made by the module of tests/mistakes/, in a guest of its own, since
some checks end with the first thing that they find.
"""

import pytest

from rig import Guest, GuestUnhealthy, flavour

MISTAKES = {
    "sanitizers": {
        "use-after-free": "KASAN: slab-use-after-free",
        "use-beyond-end": "KASAN: slab-out-of-bounds",
        "leak": "kmemleak: 1 new suspected memory leak",
        "shift-too-far": "UBSAN: shift-out-of-bounds",
        "lock-in-another-order": "possible circular locking dependency",
        "lock-with-interrupts": "inconsistent lock state",
        "read-without-rcu": "suspicious RCU usage",
        "sleep-under-spinlock": "sleeping function called from invalid context",
        "free-active-timer": "ODEBUG: free active",
        "free-active-work": "ODEBUG: free active",
        "break-list": "list_del corruption",
        "hang-forever": "blocked for more than",
    },
    "kcsan": {
        "race-over-data": "KCSAN: data-race in race",
        "break-list": "list_del corruption",
        "hang-forever": "blocked for more than",
    },
}[flavour.NAME]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_noticed(mistake):
    with Guest(memory=256, module=None) as guest:
        guest.run("echo 5 >/proc/sys/kernel/hung_task_timeout_secs")
        guest.run(f"insmod /lib/mistakes/mistakes.ko make={mistake}")
        if mistake == "hang-forever":
            guest.wait_log(MISTAKES[mistake])
        guest.run("rmmod mistakes")
        with pytest.raises(GuestUnhealthy, match=MISTAKES[mistake]):
            guest.check_health()
        guest.expect_dead()
        guest.forgive(".")


def test_a_guest_in_which_nothing_was_wrong_is_well():
    with Guest(memory=256, module=None) as guest:
        guest.run("insmod /lib/mistakes/mistakes.ko make=nothing", check=False)
