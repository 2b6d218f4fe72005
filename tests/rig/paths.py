# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the rig finds things and where it puts them: all it makes is under build/.

A flavour of the kernel has its own directory there, with modules in the same places as here.
AEROSTAT_DRIVER=<file> has another build of the driver tested; what the rig makes for it
is put beside it.
"""

import os
from pathlib import Path

from . import flavour

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
FLAVOUR = BUILD / flavour.NAME
KERNEL = FLAVOUR / "kernel"
ACCELERATOR = BUILD / "accelerator"
GUEST_SOURCES = ROOT / "tests" / "guest"
GUEST_PROGRAMS = (BUILD if flavour.IS_NATIVE else FLAVOUR) / "guest"
BUSYBOX = Path("/") / "bin" / "busybox" if flavour.IS_NATIVE else KERNEL / "bin" / "busybox"
MODULES = FLAVOUR if flavour.NAME else ROOT
DRIVER = Path(os.environ.get("AEROSTAT_DRIVER", MODULES / "driver" / "virtio_balloon.ko"))
DEVICE = MODULES / "tests" / "device" / "balloon_device.ko"
MISTAKES = MODULES / "tests" / "mistakes" / "mistakes.ko"
MADE = DRIVER.parent if "AEROSTAT_DRIVER" in os.environ else FLAVOUR
IMAGE = MADE / "initramfs.cpio"
LOGS = MADE / "logs"
COVERAGE = MADE / "coverage"
