# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel that the guests boot, as tests/setup.sh unpacked it.

The compressed kernel is unpacked once on the host: an emulated CPU would spend
more time on that at each boot than on all the rest of the boot.
"""

import lzma
import os
from pathlib import Path

from . import flavour, paths
from .errors import GuestError

XZ_MAGIC = b"\xfd7zXZ\0"
ELF_MAGIC = b"\x7fELF"


def version():
    return module_tree().name


def module_tree():
    return _first("lib/modules/*")


def build_directory():
    """What modules for this kernel are built with."""
    own = module_tree() / "build"
    return own if own.exists() else Path("/lib/modules") / version() / "build"


def has(option):
    """Whether it is built with that option."""
    configuration = _first("boot/config-*").read_text().splitlines()
    return f"CONFIG_{option}=y" in configuration


def packed_file():
    """The kernel as it is shipped."""
    return _first("boot/vmlinu[xz]-*")


def boot_file():
    """An ELF file where the kernel is packed in a way known here, else as it is shipped."""
    packed = packed_file()
    if not flavour.IS_NATIVE:
        return packed
    unpacked = paths.FLAVOUR / f"vmlinux-{version()}"
    if not unpacked.exists():
        content = _unpack(packed.read_bytes())
        if content is None:
            return packed
        part = unpacked.with_suffix(f".{os.getpid()}")
        part.write_bytes(content)
        part.replace(unpacked)
    return unpacked


def _first(pattern):
    found = sorted(paths.KERNEL.glob(pattern))
    if not found:
        command = f"make kernel-{flavour.NAME}" if flavour.NAME else "tests/setup.sh check"
        raise GuestError(f"there is no kernel to boot; run: {command}")
    return found[0]


def _unpack(packed):
    start = packed.find(XZ_MAGIC)
    if start < 0:
        return None
    try:
        content = lzma.LZMADecompressor().decompress(packed[start:])
    except lzma.LZMAError:
        return None
    return content if content.startswith(ELF_MAGIC) else None
