# SPDX-License-Identifier: GPL-2.0-or-later
"""One boot of a Debian system on a disk, as its users have it.

tests/install/system makes the disk. Kernel and initramfs are those that the system has for
its next boot: they are taken from the disk each time, as a boot loader does. Leaving the
with block powers the machine off and looks at its log.
"""

import re
import subprocess
import time

from . import clock, paths
from .emulator import boot_arguments
from .errors import GuestError, GuestTimeout
from .guest import Guest

DISKS = paths.BUILD / "install"
OFF_SECONDS = 180

# Linux 6.12's own driver could not be unloaded from a device that reports without hints.
BALLOON = "deflate-on-oom=on,free-page-reporting=on,free-page-hint=on,iothread=io0"


class System(Guest):
    boot_seconds = 400

    def __init__(self, disk, packages):
        """
        disk      the system's; what happens in the guest stays on it
        packages  a disk with packages, which the guest has in /mnt
        """
        super().__init__(memory=1536, cpus=2, module=None, life=3600, fresh=True,
                         balloon=BALLOON, devices=["-object", "iothread,id=io0"],
                         disks=[disk, packages])
        self._disk = disk

    def _start(self):
        super()._start()
        self.run("mount -o ro /dev/vdb /mnt")

    def _boot_arguments(self):
        kernel, initramfs = (_taken_out(self._disk, name) for name in ("vmlinuz", "initrd.img"))
        return boot_arguments(self.machine, self.accelerator, "root=/dev/vda rw", kernel,
                              initramfs)

    def check_health(self):
        self._check_alive()
        self._power_off()
        self.check_log()

    def _power_off(self):
        self.run("sync; (sleep 1; systemctl poweroff) >/dev/null 2>&1 &")
        deadline = clock.now() + OFF_SECONDS
        while self.alive():
            if clock.now() > deadline:
                raise self.with_console(GuestTimeout, "the system does not power off")
            time.sleep(0.1)


def _taken_out(disk, link):
    """The file on the disk that a link in its root leads to, as a file of this machine."""
    found = re.search(r'link dest: "(.*)"', _read_disk(disk, f"stat /{link}"))
    if not found:
        raise GuestError(f"the system on {disk} has no /{link}")
    file = disk.with_suffix(f".{link}")
    _read_disk(disk, f"dump /{found[1]} {file}")
    return file


def _read_disk(disk, request):
    done = subprocess.run(["/sbin/debugfs", "-R", request, disk], capture_output=True, text=True,
                          check=True)
    return done.stdout
