# SPDX-License-Identifier: GPL-2.0-or-later
"""A QEMU process that never outlives the rig, with its console, monitor and shell port.

The ends of monitor and shell port are inherited sockets: they have no name that
another run could meet, and leave nothing behind.
"""

import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from . import flavour, kernel
from .errors import GuestError

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)

# AEROSTAT_QEMU=<program> has the guests run in another QEMU than the machine's.
PROGRAM = os.environ.get("AEROSTAT_QEMU") or flavour.ARCHITECTURE.program
MACHINES = flavour.ARCHITECTURE.machines
PROCESSOR = {"tcg": flavour.ARCHITECTURE.processor, "kvm": "host"}


def _die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died before the call: then nobody would end us.
    if os.getppid() == 1:
        os._exit(1)


def device(machine, name, **options):
    """A QEMU device argument on the bus that the machine has."""
    channel = "device" if machine == "microvm" else flavour.ARCHITECTURE.channel
    words = [f"{name}-{channel}"]
    return ",".join(words + [f"{key}={value}" for key, value in options.items()])


def machine_arguments(machine, accelerator, memory_bytes, cpus, memory_backend):
    arguments = [
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-machine", f"{MACHINES[machine]},memory-backend=ram",
        "-object", f"{memory_backend},id=ram,size={memory_bytes}",
        "-m", f"{memory_bytes}B", "-smp", f"{cpus}",
        "-accel", accelerator, "-cpu", PROCESSOR[accelerator],
        *flavour.ARCHITECTURE.devices]
    if machine == "microvm":
        arguments += ["-global", "virtio-mmio.force-legacy=false"]
    else:
        arguments += ["-vga", "none"]
    return arguments


def kernel_arguments(machine, accelerator, cmdline, boot_image, suspendable=False):
    # Only a kernel that the firmware started finds its way back from suspend.
    boot_file = kernel.packed_file() if suspendable else kernel.boot_file()
    on_pci = "" if machine == "microvm" else flavour.FLAVOUR.pci_cmdline
    words = f"rdinit=/init {flavour.FLAVOUR.cmdline} {on_pci} {cmdline}"
    return boot_arguments(machine, accelerator, words, boot_file, boot_image)


def boot_arguments(machine, accelerator, cmdline, boot_file, boot_image):
    words = [f"console={flavour.ARCHITECTURE.console}", "loglevel=8", "printk.time=1", "panic=-1"]
    if machine == "microvm" and accelerator == "tcg":
        # Nothing in this machine could tell an emulated CPU how fast it counts.
        words.append(f"tsc_early_khz={_processor_khz()}")
    if accelerator == "tcg":
        # On a busy host an emulated timer may be too late for the kernel's trial of it.
        words.append("no_timer_check")
    return ["-kernel", str(boot_file), "-initrd", str(boot_image),
            "-append", " ".join([*words, *cmdline.split()])]


def _processor_khz():
    speed = re.search(r"cpu MHz\s*:\s*([\d.]+)", Path("/proc/cpuinfo").read_text())
    return int(float(speed[1]) * 1000)


def find_program():
    found = shutil.which(PROGRAM)
    if not found:
        raise GuestError(f"{PROGRAM} is not installed; run: tests/setup.sh check")
    return Path(found)


class Emulator:
    def __init__(self, arguments, console, machine, incoming=None):
        """incoming: a socket that a running guest comes through, or the file that holds one;
        without it one boots"""
        self.monitor, monitor_end = socket.socketpair()
        self.shell, shell_end = socket.socketpair()
        self._errors = tempfile.TemporaryFile()
        command = [find_program(), *arguments, *self._channels(machine, monitor_end, shell_end)]
        inherited = [monitor_end.fileno(), shell_end.fileno()]
        if isinstance(incoming, Path):
            command += ["-incoming", f"exec:exec cat '{incoming}'"]
        elif incoming:
            command += ["-incoming", f"fd:{incoming.fileno()}"]
            inherited.append(incoming.fileno())
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=console.fileno(),
                stderr=self._errors, preexec_fn=_die_with_parent, start_new_session=True,
                pass_fds=inherited)
        finally:
            monitor_end.close()
            shell_end.close()

    @staticmethod
    def _channels(machine, monitor_end, shell_end):
        return [
            "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
            "-chardev", f"socket,id=monitor,fd={monitor_end.fileno()}",
            "-mon", "chardev=monitor,mode=control",
            "-chardev", f"socket,id=shell,fd={shell_end.fileno()}",
            "-device", device(machine, "virtio-serial", id="ports"),
            "-device", "virtserialport,bus=ports.0,chardev=shell,name=aerostat.shell"]

    @property
    def pid(self):
        return self._process.pid

    def status(self):
        """None while it runs."""
        return self._process.poll()

    def errors(self):
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip()

    def wait(self, timeout):
        self._process.wait(timeout)

    def kill(self):
        self._process.kill()
        self._process.wait()

    def close(self):
        self.kill()
        self._errors.close()
        self.monitor.close()
        self.shell.close()
