# SPDX-License-Identifier: GPL-2.0-or-later
"""A stream between the rig and QEMU that is read line by line under a deadline."""

import socket

from . import clock


class ChannelClosed(Exception):
    """The other side is gone."""


class Channel:
    def __init__(self, end):
        self._socket = end
        self._pending = bytearray()

    def send(self, data, descriptors=()):
        """Sends all of it, with open files that the other side gets."""
        self._socket.settimeout(30)
        try:
            sent = socket.send_fds(self._socket, [data], descriptors) if descriptors else 0
            self._socket.sendall(data[sent:])
        except OSError as error:
            raise ChannelClosed(str(error)) from error

    def read_line(self, deadline):
        """Returns the next line without its end, or None when the deadline passes."""
        while b"\n" not in self._pending:
            if not self._receive(deadline):
                return None
        line, _, self._pending = self._pending.partition(b"\n")
        return bytes(line)

    def _receive(self, deadline):
        # A deadline that has passed still takes what has arrived.
        self._socket.settimeout(clock.on_the_wall(max(deadline - clock.now(), 0)))
        try:
            data = self._socket.recv(65536)
        except (socket.timeout, BlockingIOError):
            return False
        except OSError as error:
            raise ChannelClosed(str(error)) from error
        if not data:
            raise ChannelClosed("end of stream")
        self._pending += data
        return True

    def drain(self, quiet=0.05):
        """Takes in what arrives, until nothing has for that many seconds."""
        while self._receive(clock.now() + quiet):
            pass

    def continue_with(self, end):
        """What has been taken in is still read first, also when it ends within a line."""
        self._socket.close()
        self._socket = end

    def close(self):
        self._socket.close()
