# SPDX-License-Identifier: GPL-2.0-or-later
"""Each allocation of the driver fails once, then every n-th of them: what can't be had is gone
without, or the start fails and leaves nothing behind. Runs where the kernel can do that.
"""

import contextlib

import pytest

from rig import Guest
from rig.faults import KINDS, Faults, possible
from rig.visible import FILES, figures, wait_state

BALLOON = ("free-page-reporting=on,free-page-hint=on,iothread=io0,deflate-on-oom=on,"
           "page-poison=on")
DEVICES = ("-object", "iothread,id=io0")
DRIVER = "/sys/bus/virtio/drivers/virtio_balloon"
WAYS = {"by-ranges": "", "by-frame-numbers": "inflate_by_report=off"}
ALLOCATIONS_MOST = 2000

pytestmark = pytest.mark.skipif(not possible(), reason="this kernel can't make allocations fail; "
                                "make check-sanitizers has one that can")


@contextlib.contextmanager
def _guest_with_faults(parameters="", on_the_way=False, **options):
    with Guest(memory=512, balloon=BALLOON, devices=DEVICES, parameters=parameters, life=1800,
               **options) as guest:
        yield guest, Faults(guest, on_the_way)


def _moves(guest):
    guest.move_balloon(200)
    guest.move_balloon(0)


def _bound(guest, name):
    return guest.run(f"ls -d {DRIVER}/{name}", check=False).strip() == f"{DRIVER}/{name}"


def test_a_start_that_lacks_any_one_allocation_fails_whole_or_does_without():
    with _guest_with_faults() as (guest, faults):
        name = guest.run(f"basename {DRIVER}/virtio*").strip()
        guest.run(f"echo {name} >{DRIVER}/unbind")
        failed = 0
        for number in range(1, ALLOCATIONS_MOST):
            if not faults.nth(number, f"{DRIVER}/bind", name):
                break
            if _bound(guest, name):
                guest.run(f"echo {name} >{DRIVER}/unbind")
            else:
                failed += 1
        print(f"{number - 1} allocations, without {failed} of them it does not start")
        assert _bound(guest, name) and number - 1 >= failed > 20
        _moves(guest)


def test_a_device_that_wakes_up_without_any_one_allocation_wakes_or_is_left_alone():
    with _guest_with_faults() as (guest, faults):
        guest.run("echo 0 >/sys/power/pm_async; echo devices >/sys/power/pm_test; "
                  "echo 0 >/sys/module/suspend/parameters/pm_test_delay")
        for number in range(1, ALLOCATIONS_MOST):
            guest.move_balloon(100)
            if not faults.nth(number, "/sys/power/state", "freeze"):
                break
            guest.unload_module()
            guest.load_module()
            faults = Faults(guest)
        print(f"{number - 1} allocations")
        assert number > 20
        guest.wait_balloon(100)
        _moves(guest)


def test_each_file_is_read_without_any_one_allocation():
    # The driver's part of it needs none.
    with _guest_with_faults(on_the_way=True) as (guest, faults):
        failed = 0
        for name in figures(guest):
            path = guest.run(f"echo {FILES}/{name}").strip()
            number = 1
            while faults.nth(number, path):
                number += 1
            failed += number - 1
        print(f"{failed} allocations")
        assert failed > 0
        _moves(guest)


@pytest.mark.parametrize("every", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
def test_a_balloon_moves_while_every_nth_allocation_fails(way, kind, every):
    with _guest_with_faults(parameters=WAYS[way]) as (guest, faults):
        guest.move_balloon(100)
        faults.often(kind, every)
        guest.set_balloon(300)
        if kind == "fail_page_alloc" and every == 1:
            wait_state(guest, "out of memory to give")
        else:
            guest.wait_balloon(300)
        guest.qmp("migrate", uri="exec:cat >/dev/null")
        guest.wait_until(lambda: guest.qmp("query-migrate")["status"] == "completed",
                         "the guest is copied", timeout=60)
        guest.qmp("cont")
        guest.move_balloon(50)
        faults.never()
        guest.move_balloon(200)
