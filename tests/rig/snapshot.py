# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole state of a machine, saved into a file and loaded again."""

import itertools
import subprocess
import time

from . import clock
from .errors import GuestError, GuestTimeout

JOB_SECONDS = 60
NODE = "snapshots"

_numbers = itertools.count(1)


def place(directory):
    """QEMU arguments for a machine whose state can be saved."""
    file = directory / "snapshots.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", file, "1M"], check=True)
    return ["-blockdev", f"driver=qcow2,node-name={NODE},file.driver=file,file.filename={file}"]


def save(guest, tag):
    _job(guest, "snapshot-save", tag)


def load(guest, tag):
    """The machine stands or runs afterwards as it did before."""
    _job(guest, "snapshot-load", tag)


def _job(guest, command, tag):
    name = f"job-{next(_numbers)}"
    guest.qmp(command, **{"job-id": name, "tag": tag, "vmstate": NODE, "devices": [NODE]})
    deadline = clock.now() + JOB_SECONDS
    while (job := _state(guest, name))["status"] != "concluded":
        guest.attend()
        if clock.now() > deadline:
            raise GuestTimeout(f"{command} is {job['status']} after {JOB_SECONDS} s")
        time.sleep(0.02)
    guest.qmp("job-dismiss", id=name)
    if "error" in job:
        raise GuestError(f"{command}: {job['error']}")


def _state(guest, name):
    return next(job for job in guest.qmp("query-jobs") if job["id"] == name)
