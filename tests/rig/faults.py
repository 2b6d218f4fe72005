# SPDX-License-Identifier: GPL-2.0-or-later
"""Allocations of the driver that fail, in a kernel that can make them fail.

Only those count that the driver asks for, itself or through what it calls: its code is on the
stack then. Or all on the way to the driver as well. Of all kinds of memory, of any size, also
where the kernel could wait for memory.
"""

import shlex

from . import kernel

DEBUG = "/sys/kernel/debug"
KINDS = ("failslab", "fail_page_alloc")
OPTIONS = ("FAILSLAB", "FAIL_PAGE_ALLOC", "FAULT_INJECTION_DEBUG_FS",
           "FAULT_INJECTION_STACKTRACE_FILTER")
MODULE = "/sys/module/virtio_balloon"
SETTINGS = {"verbose": 0, "probability": 0, "times": -1, "stacktrace-depth": 32,
            "require-start": "$start", "require-end": "$end", "ignore-gfp-wait": 0,
            "ignore-gfp-highmem": 0, "min-order": 0}

ANY_STACK = {"stacktrace-depth": 0, "require-start": 0, "require-end": "0xffffffffffffffff"}


def possible():
    return all(kernel.has(option) for option in OPTIONS)


class Faults:
    def __init__(self, guest, on_the_way=False):
        """The driver is loaded; when it is loaded anew these are made anew."""
        self._guest = guest
        settings = {**SETTINGS, **ANY_STACK} if on_the_way else SETTINGS
        lines = [f"start=$(cat {MODULE}/sections/.text)",
                 f"end=$(printf 0x%x $((start + $(cat {MODULE}/coresize))))"]
        lines += [f"[ ! -e {DEBUG}/{kind}/{name} ] || echo {value} >{DEBUG}/{kind}/{name}"
                  for kind in KINDS for name, value in settings.items()]
        guest.run("\n".join(lines))

    def nth(self, number, file, text=None):
        """Writes into a file of the guest, or reads it, without the allocation of that number;
        returns whether there was one."""
        words = [str(number), file] + ([] if text is None else [text])
        said = self._guest.run("failnth " + " ".join(map(shlex.quote, words)), timeout=60)
        return said.strip() != "whole"

    def often(self, kind, every):
        """From now on each such allocation of that kind fails."""
        self._guest.run(f"cd {DEBUG}/{kind}; echo {every} >interval; echo 100 >probability")

    def never(self):
        for kind in KINDS:
            self._guest.run(f"echo 0 >{DEBUG}/{kind}/probability")
