# SPDX-License-Identifier: GPL-2.0-or-later
"""Machines that have booted, kept for guests that are alike.

Most of the time that a test takes is the boot of its guest. So the second guest with the same
arguments leaves what it is when it is ready, and those after it begin there. A new image,
kernel, QEMU or argument makes all of them boot again.
"""

import hashlib
import os
import threading
import time

from . import clock, kernel, paths
from .emulator import find_program
from .errors import GuestTimeout

DIRECTORY = paths.MADE / "booted"
FAST = 1 << 40
KEEP_SECONDS = 60


def _made(file):
    return f"{file} {file.stat().st_mtime_ns}"


class Booted:
    def __init__(self, arguments):
        words = [*arguments, *map(_made, (paths.IMAGE, kernel.boot_file(), find_program()))]
        name = hashlib.sha256("\0".join(words).encode()).hexdigest()[:20]
        self._state = DIRECTORY / f"{name}.state"
        self._log = DIRECTORY / f"{name}.log"
        self._seen = DIRECTORY / f"{name}.seen"

    def state(self):
        """The file that holds the machine, or None."""
        return self._state if self._state.exists() else None

    def log(self):
        """The kernel's log up to then."""
        return self._log.read_bytes()

    def is_worth_keeping(self):
        """Not the first time: most machines are booted but once."""
        DIRECTORY.mkdir(exist_ok=True)
        if self._seen.exists():
            return True
        self._seen.touch()
        return False

    def keep(self, qmp, log):
        """The machine is ready, and has been talked to by nobody but its first program."""
        self._forget_stale()
        part = self._state.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        qmp.command("stop")
        qmp.command("migrate-set-parameters", {"max-bandwidth": FAST})
        qmp.command("migrate", {"uri": f"exec:cat >'{part}'"})
        self._wait(lambda: qmp.command("query-migrate")["status"] == "completed")
        self._log.write_bytes(log)
        part.replace(self._state)
        qmp.command("cont")

    def resume(self, qmp):
        """In a machine that was started with the state."""
        self._wait(lambda: qmp.command("query-status")["status"] == "paused")
        qmp.command("cont")

    @staticmethod
    def _wait(condition):
        deadline = clock.now() + KEEP_SECONDS
        while not condition():
            if clock.now() > deadline:
                raise GuestTimeout("a machine that has booted could not be kept or taken up")
            time.sleep(0.01)

    @staticmethod
    def _forget_stale():
        for file in DIRECTORY.glob("*.state"):
            if file.stat().st_mtime_ns < paths.IMAGE.stat().st_mtime_ns:
                file.unlink(missing_ok=True)
