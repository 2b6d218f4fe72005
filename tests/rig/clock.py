# SPDX-License-Identifier: GPL-2.0-or-later
"""The time that the tests count in: seconds, which are longer where the kernel checks itself.

So each limit means the same in all kernels: what takes longer there has more time.
"""

import time

from .flavour import FLAVOUR


def now():
    return time.monotonic() / FLAVOUR.slowness


def on_the_wall(seconds):
    """How long that takes on a clock on the wall."""
    return seconds * FLAVOUR.slowness
