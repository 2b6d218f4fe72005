# SPDX-License-Identifier: GPL-2.0-or-later
"""The time that the tests count in: seconds, which are longer where the kernel checks itself.

So each limit means the same in all kernels: what takes longer there has more time.
AEROSTAT_PATIENCE=<factor> makes all limits longer, for a machine that is busy with other things.
"""

import os
import time

from .flavour import FLAVOUR

SLOWNESS = FLAVOUR.slowness * float(os.environ.get("AEROSTAT_PATIENCE", "1"))


def now():
    return time.monotonic() / SLOWNESS


def on_the_wall(seconds):
    """How long that takes on a clock on the wall."""
    return seconds * SLOWNESS
