# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's machine protocol: one command at a time, events are kept as they pass."""

import json

from . import clock
from .channel import Channel
from .errors import GuestTimeout, QmpError


class Qmp:
    def __init__(self, end):
        self._channel = Channel(end)
        self._events = []

    def greet(self, timeout=10):
        deadline = clock.now() + timeout
        while "QMP" not in self._read_message(deadline, "QEMU's greeting"):
            pass
        self.command("qmp_capabilities")

    def command(self, name, arguments=None, timeout=30, descriptors=()):
        request = {"execute": name, "arguments": arguments or {}}
        self._channel.send(json.dumps(request).encode() + b"\n", descriptors)
        deadline = clock.now() + timeout
        while True:
            message = self._read_message(deadline, f"the answer to QMP command {name}")
            if "return" in message:
                return message["return"]
            if "error" in message:
                raise QmpError(f"QMP command {name}: {message['error']['desc']}")
            self._events.append(message)

    def pass_descriptor(self, name, file):
        """QEMU gets its own descriptor of the open file, under that name."""
        self.command("getfd", {"fdname": name}, descriptors=[file.fileno()])

    def continue_with(self, other):
        """Takes over another QEMU's monitor; its events come after those so far."""
        self._events = self.events() + other.events()
        self._channel.close()
        self._channel = other._channel

    def events(self, name=None):
        """All events so far, or those of one name."""
        while True:
            line = self._channel.read_line(deadline=0)
            if line is None:
                break
            self._events.append(json.loads(line))
        return [event for event in self._events if name in (None, event["event"])]

    def wait_event(self, name, seen=0, timeout=30):
        """Waits until there are more than `seen` events of that name; returns the newest."""
        deadline = clock.now() + timeout
        while len(self.events(name)) <= seen:
            self._events.append(self._read_message(deadline, f"QMP event {name}"))
        return self.events(name)[-1]

    def _read_message(self, deadline, what):
        line = self._channel.read_line(deadline)
        if line is None:
            raise GuestTimeout(f"{what} did not come in time")
        return json.loads(line)

    def close(self):
        self._channel.close()
