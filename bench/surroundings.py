# SPDX-License-Identifier: GPL-2.0-or-later
"""What the figures were measured on and with."""

import os
import platform
import re
import subprocess
import time
from pathlib import Path

from measure import host_meminfo
from rig import accelerator, kernel, paths
from rig.emulator import PROGRAM


def _first_line(*command):
    """Empty when the command cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=paths.ROOT)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.split("\n")[0]


def _processor_model():
    found = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def describe():
    return {
        "date": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "source": _first_line("git", "describe", "--always", "--dirty"),
        "guest_kernel": kernel.version(),
        "emulator": _first_line(PROGRAM, "--version").replace("QEMU emulator version", "QEMU"),
        "accelerator": accelerator.choose(),
        "host_kernel": platform.release(),
        "host_processor": _processor_model(),
        "host_processors": os.cpu_count(),
        "host_memory_mib": host_meminfo("MemTotal") // 1024,
        "host_load": round(os.getloadavg()[0], 2),
    }
