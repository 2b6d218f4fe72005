# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks for guests."""

MIB = 1 << 20


def empty_disk(directory, mib, name="disk"):
    """An image of zeros that takes no place as long as nothing is written."""
    image = directory / name
    with open(image, "wb") as file:
        file.truncate(mib * MIB)
    return image
