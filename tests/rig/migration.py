# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest on its way to a second QEMU, which has the same arguments and runs beside the first.

Before the guest changes over, the first QEMU stops it and waits for the rig, which reads
what is left of the guest's answers: so none gets lost or comes twice. The guest rests
until the test's next call, whichever that is.
"""

import socket
import time

from . import clock
from .channel import ChannelClosed
from .errors import GuestDied, GuestError, GuestTimeout
from .qmp import Qmp

PAUSED = "pre-switchover"
NOT_YET = ("none", "setup")
ENDS = ("completed", "failed", "cancelled")
POLL_SECONDS = 0.02
CHANGE_OVER_SECONDS = 30

# QEMU before 9.0 (its commit 03bfc2188f06) takes away the marks of changed pages 64 at a time
# and does not tell the emulated processors, which then change pages that are never sent again.
# Memory of a size that 64 pages do not divide it handles page by page, and rightly.
UNEVEN_BYTES = 2 * 4096

# For each page it then goes through all translations that a processor has cached. After some
# switches between programs they are few; else this takes up to ten seconds.
FORGET_TRANSLATIONS = "for turn in 1 2 3 4 5; do sleep 0.1; done"


def extra_bytes(accelerator):
    """What the memory of a guest that migrates has to be larger."""
    return UNEVEN_BYTES if accelerator == "tcg" else 0


class Migration:
    def __init__(self, guest, monitor, shell, start_emulator, arrive):
        """
        monitor, shell  the guest's, which lead to the first QEMU
        start_emulator  starts the second QEMU, given the socket that the guest comes through
        arrive          makes the second QEMU, given with its monitor, the guest's
        """
        self._guest = guest
        self._monitor = monitor
        self._shell = shell
        self._start_emulator = start_emulator
        self._arrive = arrive
        self._emulator = None
        self._emulator_monitor = None
        self._state = {}
        self._statistics = {}
        self._complaint = ""

    def start(self, bandwidth, downtime):
        """See Guest.migrate()."""
        try:
            self._limit(bandwidth, downtime)
            self._start_second()
            if self._guest.accelerator == "tcg":
                self._guest.run(FORGET_TRANSLATIONS)
            self._monitor.command("migrate", {"uri": "fd:migration"})
            self._wait_while(NOT_YET)
        except BaseException:
            self.close()
            raise

    def _start_second(self):
        first_end, second_end = socket.socketpair()
        with first_end, second_end:
            self._emulator = self._start_emulator(second_end)
            self._emulator_monitor = Qmp(self._emulator.monitor)
            self._ask_second(self._emulator_monitor.greet)
            self._monitor.pass_descriptor("migration", first_end)

    def _limit(self, bandwidth, downtime):
        self._monitor.command("migrate-set-parameters", {
            "max-bandwidth": bandwidth, "downtime-limit": round(downtime * 1000)})
        self._monitor.command("migrate-set-capabilities", {
            "capabilities": [{"capability": "pause-before-switchover", "state": True}]})

    # The words for tests

    def running(self):
        self._guest.attend()
        return self._status() not in ENDS

    def statistics(self):
        """QEMU's figures about the guest's memory, while it moves and afterwards."""
        self._guest.attend()
        return self._statistics

    def set_bandwidth(self, bandwidth):
        """From now on at most that many bytes are sent each second."""
        self._guest.qmp("migrate-set-parameters", **{"max-bandwidth": bandwidth})

    def wait(self, timeout=120):
        """Waits until the guest has arrived; returns the seconds it was under way."""
        self._wait_end(timeout)
        if self._status() != "completed":
            reason = self._state.get("error-desc", "")
            raise self._guest.with_console(
                GuestError, f"the migration ended as {self._status()} {reason}\n"
                f"{self._complaint}")
        return self._state["total-time"] / 1000

    def cancel(self, timeout=30):
        """The guest goes on where it is; there is no second QEMU any more."""
        if self.running():
            self._guest.qmp("migrate_cancel")
            self._wait_end(timeout)
        if self._status() == "completed":
            raise GuestError("the migration can not be cancelled: the guest has arrived")

    def _wait_end(self, timeout):
        deadline = clock.now() + timeout
        while self.running():
            if clock.now() > deadline:
                raise self._guest.with_console(
                    GuestTimeout, f"after {timeout} s the migration is {self._status()}: "
                    f"{self._statistics}")
            time.sleep(POLL_SECONDS)

    # What the guest calls

    def follow(self):
        """Takes the guest over when it is ready, and ends what a failure leaves behind."""
        if self._emulator is None:
            return
        self._update()
        if self._status() == PAUSED:
            self._change_over()
        if self._status() in ENDS and self._emulator:
            self._complaint = self._emulator.errors()
            self.close()

    def close(self):
        """Ends the second QEMU, unless it is the guest's."""
        if self._emulator:
            self._emulator.close()
        self._emulator = None

    # The way there

    def _status(self):
        return self._state.get("status", "none")

    def _update(self):
        self._state = self._monitor.command("query-migrate")
        self._statistics = self._state.get("ram", self._statistics)

    def _wait_while(self, statuses, timeout=CHANGE_OVER_SECONDS):
        deadline = clock.now() + timeout
        self._update()
        while self._status() in statuses:
            if clock.now() > deadline:
                raise GuestTimeout(f"after {timeout} s the migration is still {self._status()}")
            time.sleep(POLL_SECONDS)
            self._update()

    def _change_over(self):
        self._shell.drain()
        self._monitor.command("migrate-continue", {"state": PAUSED})
        self._wait_while((PAUSED, "device"))
        if self._status() == "completed":
            self._wait_arrival()
            emulator, self._emulator = self._emulator, None
            self._arrive(emulator, self._emulator_monitor)

    def _wait_arrival(self):
        deadline = clock.now() + CHANGE_OVER_SECONDS
        while self._ask_second(self._emulator_monitor.command,
                               "query-migrate").get("status") != "completed":
            if clock.now() > deadline:
                raise GuestTimeout("the guest left the first QEMU and did not reach the second")
            time.sleep(POLL_SECONDS)

    def _ask_second(self, function, *arguments):
        try:
            return function(*arguments)
        except ChannelClosed:
            self._emulator.wait(timeout=10)
            raise self._guest.with_console(
                GuestDied, f"the second QEMU ended with status {self._emulator.status()} "
                f"{self._emulator.errors()}".rstrip()) from None
