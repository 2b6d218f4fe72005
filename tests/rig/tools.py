# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs of this machine for a guest, with the libraries that they need.

They are put behind the image that the guest boots: the kernel unpacks one archive after the
other.
"""

import os
import re
import shutil
import subprocess

from . import paths
from .errors import GuestError

GUEST_PATH = "/bin:/sbin"
LIBRARY = re.compile(r"(/\S+) \(0x")


def image_with(names):
    """The file to boot from for a guest that has these programs in their usual place."""
    if not names:
        return paths.IMAGE
    together = paths.IMAGE.with_name(f"{paths.IMAGE.stem}-{'-'.join(sorted(names))}.cpio")
    if not together.exists() or together.stat().st_mtime < paths.IMAGE.stat().st_mtime:
        _pack(sorted({file for name in names for file in _files_of(name)}), together)
    return together


def _files_of(name):
    program = shutil.which(name, path=GUEST_PATH)
    if program is None:
        raise GuestError(f"{name} is not installed; run: tests/setup.sh check")
    needed = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    return [program, *LIBRARY.findall(needed)]


def _pack(files, target):
    """cpio keeps no directories of its own accord, and follows the links that it is told to."""
    names = "\0".join(file.lstrip("/") for file in _with_directories(files))
    part = target.with_suffix(f".{os.getpid()}")
    shutil.copyfile(paths.IMAGE, part)
    with open(part, "ab") as archive:
        subprocess.run(["cpio", "--quiet", "-0", "-o", "-L", "-H", "newc", "-R", "0:0"],
                       cwd="/", input=names.encode(), stdout=archive, check=True)
    part.replace(target)


def _with_directories(files):
    found = []
    for file in files:
        steps = file.split("/")[1:-1]
        found += ["/" + "/".join(steps[:depth]) for depth in range(1, len(steps) + 1)]
        found.append(file)
    return list(dict.fromkeys(found))
