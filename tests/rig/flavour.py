# SPDX-License-Identifier: GPL-2.0-or-later
"""The kind of kernel that the tests run in.

Without more it is the one that Debian ships. AEROSTAT_FLAVOUR=<name> has another one tested,
with modules of its own, all in build/<name>/: `make kernel-<name>` puts them there.
"""

import os
from typing import NamedTuple

from .architecture import ARCHITECTURES, NATIVE


class Flavour(NamedTuple):
    """
    slowness        how many times longer than in Debian's kernel all may take
    memory_share    what part of a guest's memory the kernel needs to check itself
    memory_mib      what it needs beside that
    kept_share      what part of a guest's memory it keeps for a while when it was freed
    kept_mib        how much it comes to need beside that
    cpus            how many processors a guest has at least
    cmdline         more words for the kernel's command line
    pci_cmdline     and more where devices are on PCI
    forgiven        complaints in the log that say nothing of the driver
    architecture    of that kernel
    """
    slowness: float = 1
    memory_share: float = 0
    memory_mib: int = 0
    kept_share: float = 0
    kept_mib: int = 0
    cpus: int = 1
    cmdline: str = ""
    pci_cmdline: str = ""
    forgiven: tuple = ()
    architecture: str = NATIVE


MIB = 1 << 20

# The firmware's program that says which interrupt a device has takes half a minute for each
# device in a kernel that checks itself, and is given up then. Its tables say the same.
INTERRUPTS_BY_TABLES = "acpi=noirq"

# The kernel has races of its own. One of them is in virtio: an interrupt looks whether there
# are answers while a driver takes some, and both are right whichever way it ends.
RACES_OF_OTHERS = (r"KCSAN: data-race in (?!.*\[(virtio_balloon|virtio_ring|mistakes)\])",
                   r"KCSAN: data-race in virtqueue_get_buf_ctx .*/ vring_interrupt ")

FLAVOURS = {
    "": Flavour(),
    "cloud": Flavour(),
    "rt": Flavour(),
    "backports": Flavour(),
    # Without the debugging of slabs each processor keeps lists of what it has handed out, which
    # lead to memory that is lost.
    "sanitizers": Flavour(slowness=6, memory_share=1 / 4, memory_mib=33,
                          kept_share=1 / 32, kept_mib=4,
                          cmdline="slab_debug=F,kmalloc-*", pci_cmdline=INTERRUPTS_BY_TABLES),
    # A race takes two processors, and each keeps some memory at hand.
    "kcsan": Flavour(slowness=6, memory_mib=32, kept_mib=16, cpus=2,
                     pci_cmdline=INTERRUPTS_BY_TABLES, forgiven=RACES_OF_OTHERS),
    **{name: Flavour(slowness=2, architecture=name) for name in ARCHITECTURES if name != NATIVE},
}

NAME = os.environ.get("AEROSTAT_FLAVOUR", "")
if NAME not in FLAVOURS:
    raise ValueError(f"AEROSTAT_FLAVOUR is \"{NAME}\"; it may be "
                     + " or ".join(name for name in FLAVOURS if name))
FLAVOUR = FLAVOURS[NAME]
ARCHITECTURE = ARCHITECTURES[FLAVOUR.architecture]
IS_NATIVE = FLAVOUR.architecture == NATIVE


def extra_bytes(memory_bytes):
    """What a guest gets on top, so that as much is free in it as in Debian's kernel."""
    return int(memory_bytes / MIB * FLAVOUR.memory_share + FLAVOUR.memory_mib) * MIB


def kept_bytes(memory_bytes):
    """What may not be free again though nobody has it."""
    return int(memory_bytes * FLAVOUR.kept_share) + FLAVOUR.kept_mib * MIB
