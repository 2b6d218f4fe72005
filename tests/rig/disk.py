# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks for guests."""

import subprocess
import tempfile

MIB = 1 << 20


def empty_disk(directory, mib, name="disk"):
    """An image of zeros that takes no place as long as nothing is written."""
    image = directory / name
    with open(image, "wb") as file:
        file.truncate(mib * MIB)
    return image


def disk_with(directory, mib, files, name="disk"):
    """An image with a file system that holds these files."""
    image = empty_disk(directory, mib, name)
    with tempfile.TemporaryDirectory(dir=directory) as content:
        subprocess.run(["cp", *files, content], check=True)
        subprocess.run(["/sbin/mke2fs", "-q", "-F", "-d", content, image], check=True)
    return image
