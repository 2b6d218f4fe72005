# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests on Debian systems share: a system's disk, and one with our packages."""

import os
import subprocess

import pytest

from rig import disk, paths
from rig.system import DISKS


@pytest.fixture(scope="module", params=os.environ.get("AEROSTAT_SUITES", "bookworm").split())
def disks(request):
    """The system's, as tests/install/system made it, and one with packages and source."""
    suite = request.param
    own = DISKS / f"{suite}.{request.module.__name__}"
    subprocess.run(["cp", "--sparse=always", DISKS / f"{suite}.disk", own], check=True)
    built = [*(paths.BUILD / "deb").glob("*.deb"), *(paths.BUILD / "dist").glob("*.tar.gz")]
    packages = disk.disk_with(DISKS, 64, sorted(built), f"{own.name}.packages")
    yield own, packages
    own.unlink()
