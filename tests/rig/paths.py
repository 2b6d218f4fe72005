# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the rig finds things and where it puts them: all it makes is under build/."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
KERNEL = BUILD / "kernel"
IMAGE = BUILD / "initramfs.cpio"
LOGS = BUILD / "logs"
ACCELERATOR = BUILD / "accelerator"
GUEST_SOURCES = ROOT / "tests" / "guest"
GUEST_PROGRAMS = BUILD / "guest"
DRIVER = ROOT / "driver" / "virtio_balloon.ko"
DEVICE = ROOT / "tests" / "device" / "balloon_device.ko"
