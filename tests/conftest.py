# SPDX-License-Identifier: GPL-2.0-or-later
"""For all tests: the rig is importable as `rig`, and no guest outlives the run."""

import os
from pathlib import Path

import pytest

from rig.hostile import Arena


def _children_running_qemu():
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rsplit(")", 1)[1].split()[1])
            words = (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if b"qemu-system" in words and parent == os.getpid():
            yield int(status.parent.name)


@pytest.fixture(scope="module")
def arena(request):
    """A guest for the many scenarios of one file."""
    arena = Arena(request.module.__name__)
    yield arena
    arena.close()


@pytest.fixture(scope="session", autouse=True)
def no_guest_is_left():
    yield
    assert not list(_children_running_qemu()), "a test left a guest running"
