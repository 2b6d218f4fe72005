# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs commands in the guest, one at a time, through the port that init listens on."""

import itertools
import time

from . import clock
from .channel import Channel
from .errors import GuestTimeout

# What stands in a line as it is.
PLAIN = set(range(ord(" "), ord("~") + 1)) - {ord("\\")}


def _as_one_line(script):
    return "".join(chr(byte) if byte in PLAIN else f"\\0{byte:03o}"
                   for byte in script.encode()).encode()


class Shell:
    """Calls `check_alive` while it waits, so that a dead guest is noticed early."""

    CHECK_SECONDS = 0.5

    def __init__(self, end, check_alive):
        self._channel = Channel(end)
        self._check_alive = check_alive
        self._numbers = itertools.count(1)
        self._stuck = None

    def wait_ready(self, timeout):
        deadline = clock.now() + timeout
        while self._read_line(deadline, "the guest did not finish its start-up") != b"ready":
            pass
        self._stuck = None

    def run(self, script, timeout):
        """Returns exit status and output."""
        if self._stuck:
            raise GuestTimeout(f"the guest's shell still hangs in: {self._stuck}")
        marker = f"aerostat-{next(self._numbers)}-{time.monotonic_ns():x}".encode()
        self._stuck = script
        self._channel.send(marker + b" " + _as_one_line(script) + b"\n")
        status, output = self._read_answer(marker, script, clock.now() + timeout)
        self._stuck = None
        return status, output

    def _read_answer(self, marker, script, deadline):
        lines = []
        while True:
            line = self._read_line(deadline, f"no answer in time from: {script}")
            if line.startswith(marker + b" "):
                break
            lines.append(line)
        # The guest ends the output with a line's end of its own before the marker.
        output = b"\n".join(lines).decode(errors="replace")
        return int(line.split()[1]), output

    def _read_line(self, deadline, complaint):
        while True:
            slice_end = min(deadline, clock.now() + self.CHECK_SECONDS)
            line = self._channel.read_line(slice_end)
            if line is not None:
                return line
            self._check_alive()
            if clock.now() >= deadline:
                raise GuestTimeout(complaint)

    def drain(self):
        self._channel.drain()

    def continue_with(self, end):
        """The guest is reached through that end from now on; an answer may be under way."""
        self._channel.continue_with(end)

    def close(self):
        self._channel.close()
