# SPDX-License-Identifier: GPL-2.0-or-later
"""The test rig: boots Linux guests under QEMU and gives tests a handle on them."""

from .console import OUT_OF_MEMORY
from .device import Device
from .errors import (CommandFailed, GuestDied, GuestError, GuestTimeout, GuestUnhealthy,
                     QmpError)
from .guest import Guest
from .migration import Migration
from .process import Process

__all__ = ["CommandFailed", "Device", "Guest", "GuestDied", "GuestError", "GuestTimeout",
           "GuestUnhealthy", "Migration", "OUT_OF_MEMORY", "Process", "QmpError"]
