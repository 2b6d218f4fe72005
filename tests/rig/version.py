# SPDX-License-Identifier: GPL-2.0-or-later
"""The driver's version, from the one file that holds it."""

import re

from . import paths


def version():
    header = (paths.ROOT / "driver" / "version.h").read_text()
    return re.search(r'AEROSTAT_VERSION "(.*)"', header)[1]
