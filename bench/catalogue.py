# SPDX-License-Identifier: GPL-2.0-or-later
"""All experiments by name, each with its setting."""

from functools import partial

import need
from experiments import (Setting, cycle, fragmented, huge_page_file, lateness, notifications,
                         untouched, zeroing)

WITHOUT_REPORTING = Setting(reporting=False)
IN_REACH = Setting(memory=1024, take=824, zeroing=True, deflate_on_oom=True)
OUT_OF_REACH = Setting(memory=1024, take=1004, zeroing=True, deflate_on_oom=True)

EXPERIMENTS = {
    "cycle, reporting on": (cycle, Setting()),
    "cycle, reporting off": (cycle, WITHOUT_REPORTING),
    "zeroing": (zeroing, Setting(zeroing=True)),
    "notifications, reporting on": (notifications, Setting()),
    "notifications, reporting off": (notifications, WITHOUT_REPORTING),
    "hugetlbfs": (huge_page_file, Setting()),
    "fragmented, reporting on": (fragmented, Setting(take=2048)),
    "fragmented, reporting off": (fragmented, Setting(take=2048, reporting=False)),
    "untouched, 4 GiB": (untouched, Setting()),
    "untouched, 16 GiB": (untouched, Setting(memory=16384, take=14336)),
    "lateness": (lateness, Setting()),
    "squeezed, in reach": (partial(need.squeezed, needs=600), IN_REACH),
    "squeezed, out of reach": (partial(need.squeezed, needs=500), OUT_OF_REACH),
    "at rest": (need.at_rest, OUT_OF_REACH),
    "cached, init_on_alloc=0": (need.cached, Setting()),
    "cached, init_on_alloc=1": (need.cached, Setting(zeroing=True)),
    "at work": (need.at_work, IN_REACH),
}
