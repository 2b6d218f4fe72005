# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest moves to another QEMU with all of its memory, its balloon and its programs; with
hinting its free memory stays behind, and is the guest's again afterwards."""

import contextlib
import time

import pytest

from rig import Guest, clock
from rig.pattern import assert_whole, start_pattern

MIB = 1 << 20
IOTHREAD = ["-object", "iothread,id=io0"]
HINTING = "free-page-hint=on,iothread=io0"
SLOW, FAST = 16 * MIB, 96 * MIB
REWRITTEN, SELDOM_REWRITTEN = 4 * MIB, MIB
NOISE = 8 * MIB


def _fill_free_memory(guest):
    """No free page is zero afterwards, those of the kernel's own reserve included."""
    reserve = "/proc/sys/vm/min_free_kbytes"
    usual = guest.read(reserve).strip()
    guest.run(f"echo 1000 >{reserve}")
    guest.touch(guest.free_memory() // MIB - 25)
    guest.run(f"echo {usual} >{reserve}")


def _start_pattern(guest, mib, rewritten=REWRITTEN):
    """A pattern of which so many bytes are rewritten each second."""
    return start_pattern(guest, f"{mib} at {rewritten // MIB}")


@contextlib.contextmanager
def _working_guest(balloon=HINTING, memory=1024, pattern=512, rewritten=REWRITTEN, **options):
    """A guest without an untouched page, and a pattern in its memory that holds to the end."""
    with Guest(memory=memory, balloon=balloon, devices=IOTHREAD, movable=True, **options) as guest:
        _fill_free_memory(guest)
        program = _start_pattern(guest, pattern, rewritten)
        yield guest
        assert_whole(program)


def _wait_free_below(guest, limit, timeout=20):
    deadline = clock.now() + timeout
    while guest.free_memory() >= limit:
        assert clock.now() < deadline, f"nothing is hinted:\n{guest.console_tail()}"
        time.sleep(0.02)


def _wait_free_again(guest, before, timeout=10):
    deadline = clock.now() + timeout
    while guest.free_memory() < before - NOISE:
        assert clock.now() < deadline, \
            f"{(before - guest.free_memory()) / MIB:.1f} MiB are missing after {timeout} s"
        time.sleep(0.05)


def _move(balloon, cmdline):
    """Returns the guest's free memory, how long the migration took, and its statistics."""
    # The kernel's own reserve is some 60 MiB, whatever the guest's size.
    with _working_guest(balloon, memory=1536, pattern=768, rewritten=SELDOM_REWRITTEN,
                        cmdline=cmdline) as guest:
        free = guest.free_memory()
        migration = guest.migrate(bandwidth=FAST)
        seconds = migration.wait()
        _wait_free_again(guest, free)
        return free, seconds, migration.statistics()


def _bytes_less(before, after, *kinds):
    return sum(before[kind] - after[kind] for kind in kinds) * before["page-size"]


@pytest.mark.parametrize("cmdline", ["", "init_on_alloc=0"], ids=["zeroing", "not-zeroing"])
def test_with_hinting_four_fifths_of_the_free_memory_are_not_sent(cmdline):
    _, seconds_without, without = _move("", cmdline)
    free, seconds, hinted = _move(HINTING, cmdline)
    # In more time the pattern makes more pages that are sent again.
    sent_again = SELDOM_REWRITTEN * (seconds_without - seconds)
    not_sent = _bytes_less(without, hinted, "normal") - sent_again
    not_even_as_zeros = _bytes_less(without, hinted, "normal", "duplicate") - sent_again
    print(f"of {free / MIB:.0f} MiB {not_sent / free:.1%} were not sent, "
          f"{not_even_as_zeros / free:.1%} not even as zeros, {seconds:.1f} s "
          f"instead of {seconds_without:.1f} s")
    assert not_sent >= 0.8 * free
    assert not_even_as_zeros >= 0.8 * free


def test_a_cancelled_migration_gives_hinted_memory_back_and_the_next_one_arrives():
    with _working_guest() as guest:
        free, first_pid = guest.free_memory(), guest.pid
        migration = guest.migrate(bandwidth=SLOW)
        _wait_free_below(guest, free / 2)
        migration.cancel()
        assert guest.pid == first_pid
        _wait_free_again(guest, free)
        guest.migrate(bandwidth=FAST).wait()
        assert guest.pid != first_pid
        _wait_free_again(guest, free)


def test_a_program_gets_hinted_memory_while_the_guest_moves_and_loses_no_byte():
    with _working_guest() as guest:
        free = guest.free_memory()
        migration = guest.migrate(bandwidth=SLOW)
        _wait_free_below(guest, free / 2)
        late = _start_pattern(guest, 250)
        assert migration.running()
        migration.set_bandwidth(FAST)
        migration.wait()
        assert_whole(late)
        late.stop()
        _wait_free_again(guest, free)


@pytest.mark.parametrize("balloon", ["", HINTING], ids=["plain", "hinting"])
def test_an_inflated_balloon_moves_along_and_follows_its_new_host(balloon):
    with _working_guest(balloon, pattern=300) as guest:
        guest.move_balloon(400)
        guest.migrate(bandwidth=FAST).wait()
        assert guest.balloon_mib() == 400
        assert guest.host_rss() < (1024 - 380) * MIB
        for mib in (100, 500, 0):
            guest.move_balloon(mib)
