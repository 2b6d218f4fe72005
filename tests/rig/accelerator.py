# SPDX-License-Identifier: GPL-2.0-or-later
"""Decides between KVM and emulation, and never trusts /dev/kvm before a guest has booted.

AEROSTAT_ACCELERATOR=kvm or tcg overrides the decision.
"""

import os
import time

from . import clock, flavour, paths
from .console import Console
from .emulator import Emulator, kernel_arguments, machine_arguments
from .errors import GuestError

TRIAL_SECONDS = 15
TRIAL_MEMORY_BYTES = 256 << 20
READY = "aerostat: the guest is ready"


def choose():
    wanted = os.environ.get("AEROSTAT_ACCELERATOR")
    if wanted:
        if wanted not in ("kvm", "tcg"):
            raise GuestError(f"AEROSTAT_ACCELERATOR is \"{wanted}\"; it may be kvm or tcg")
        return wanted
    if not flavour.IS_NATIVE or not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    if not paths.ACCELERATOR.exists():
        paths.ACCELERATOR.write_text("kvm\n" if _kvm_boots() else "tcg\n")
    return paths.ACCELERATOR.read_text().strip()


def _kvm_boots():
    print(f"Trying whether KVM works here (at most {TRIAL_SECONDS} s).", flush=True)
    console = Console(paths.LOGS / "kvm-trial.log")
    arguments = machine_arguments("pc", "kvm", TRIAL_MEMORY_BYTES, 1, "memory-backend-ram")
    emulator = Emulator(arguments + kernel_arguments("pc", "kvm", "", paths.IMAGE), console, "pc")
    try:
        return _becomes_ready(emulator, console)
    finally:
        emulator.close()
        console.close()


def _becomes_ready(emulator, console):
    deadline = clock.now() + TRIAL_SECONDS
    while clock.now() < deadline and emulator.status() is None:
        if READY in console.text():
            return True
        time.sleep(0.1)
    return False
