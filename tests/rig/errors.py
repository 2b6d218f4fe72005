# SPDX-License-Identifier: GPL-2.0-or-later
"""What can go wrong with a test guest. Every message says it in words."""


class GuestError(Exception):
    """The guest, its QEMU or the rig did not do what was asked."""


class GuestDied(GuestError):
    """QEMU ended or the guest's kernel panicked."""


class GuestTimeout(GuestError):
    """Something did not happen within its time limit."""


class GuestUnhealthy(GuestError):
    """The final check found a complaint in the log or memory that is gone."""


class QmpError(GuestError):
    """QEMU refused a QMP command."""


class CommandFailed(GuestError):
    """A command in the guest ended with a status other than 0."""

    def __init__(self, command, status, output):
        super().__init__(f"status {status} from: {command}\n{output}")
        self.command = command
        self.status = status
        self.output = output
