# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the rig finds things and where it puts them: all it makes is under build/.

AEROSTAT_DRIVER=<file> has another build of the driver tested; what the rig makes for it
is put beside it.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
KERNEL = BUILD / "kernel"
ACCELERATOR = BUILD / "accelerator"
GUEST_SOURCES = ROOT / "tests" / "guest"
GUEST_PROGRAMS = BUILD / "guest"
DRIVER = Path(os.environ.get("AEROSTAT_DRIVER", ROOT / "driver" / "virtio_balloon.ko"))
DEVICE = ROOT / "tests" / "device" / "balloon_device.ko"
MADE = DRIVER.parent if "AEROSTAT_DRIVER" in os.environ else BUILD
IMAGE = MADE / "initramfs.cpio"
LOGS = MADE / "logs"
