# SPDX-License-Identifier: GPL-2.0-or-later
"""What the driver shows inside the guest: its files in sysfs, and its trace events."""

import re
import time

from . import clock
from .errors import GuestTimeout

FILES = "/sys/bus/virtio/drivers/virtio_balloon/virtio*/balloon"
TRACING = "/sys/kernel/debug/tracing"
EVENT = re.compile(r"(\d+\.\d+): (aerostat_\w+): virtio\d+ (.*)$", re.MULTILINE)
FIELD = re.compile(r"(\w+)=((?:[^= ]| (?!\w+=))+)")


def figures(guest):
    """All files of the only balloon; numbers as such."""
    lines = guest.run(f"cd {FILES}; grep . *").splitlines()
    pairs = (line.split(":", 1) for line in lines)
    return {name: int(value) if value.isdigit() else value for name, value in pairs}


def wait_state(guest, state, timeout=30):
    deadline = clock.now() + timeout
    while (found := guest.read(f"{FILES}/state").strip()) != state:
        guest.attend()
        if clock.now() > deadline:
            raise GuestTimeout(f"the state is \"{found}\" and not \"{state}\"")
        time.sleep(0.1)


def trace(guest):
    """From now on the guest notes the driver's events."""
    guest.run(f"echo 4096 >{TRACING}/buffer_size_kb; echo 1 >{TRACING}/events/aerostat/enable")


def stop_tracing(guest):
    """What the guest has noted stays, and nothing is added."""
    guest.run(f"echo 0 >{TRACING}/events/aerostat/enable")


def events(guest, *names):
    """The events of those names so far, in order: their fields, numbers as such."""
    found = EVENT.findall(guest.read(f"{TRACING}/trace"))
    wanted = [f"aerostat_{name}" for name in names]
    return [fields(words) for _, event, words in found if event in wanted]


def fields(words):
    """What an event says: its fields by name, numbers as such."""
    return {name: _value(value) for name, value in FIELD.findall(words)}


def _value(text):
    try:
        return int(text, 0)
    except ValueError:
        return text.strip()
