# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever mixture of features QEMU offers, the driver takes what it can keep, and works."""

from itertools import product

import pytest

from rig import Guest

STATISTICS = 1
OPTIONS = {"deflate-on-oom": 2, "free-page-hint": 3, "page-poison": 4, "free-page-reporting": 5}
COMBINATIONS = [dict(zip(OPTIONS, offers)) for offers in product((False, True), repeat=4)]
DRIVER = "/sys/bus/virtio/drivers/virtio_balloon"


def _describe(offered):
    words = [f"{name}={'on' if offer else 'off'}" for name, offer in offered.items()]
    return ",".join(words + ["iothread=io0"] * offered["free-page-hint"])


def _expected(offered, gives_values):
    """Free memory with a value may be reported only to a device that knows the value."""
    taken = dict(offered)
    taken["page-poison"] &= gives_values
    taken["free-page-reporting"] &= offered["page-poison"] or not gives_values
    return {STATISTICS} | {OPTIONS[name] for name in taken if taken[name]}


def _assert_works(guest, offered, gives_values):
    guest.plug_balloon(_describe(offered))
    guest.load_module()
    guest.run(f"until [ -e {DRIVER}/virtio* ]; do sleep 0.05; done")
    assert guest.balloon_features() == _expected(offered, gives_values), offered
    for mib in (100, 0):
        guest.move_balloon(mib)
    guest.unload_module()
    guest.unplug_balloon()


@pytest.mark.parametrize("cmdline", ["", "page_poison=1", "init_on_free=1"])
def test_all_sixteen_combinations_are_negotiated_and_inflate_deflate_and_unload(cmdline):
    with Guest(memory=512, balloon=None, module=None, cmdline=cmdline,
               devices=("-object", "iothread,id=io0")) as guest:
        for offered in COMBINATIONS:
            _assert_works(guest, offered, gives_values=bool(cmdline))
        assert "pagealloc:" not in guest.log()
