# SPDX-License-Identifier: GPL-2.0-or-later
"""What differs between the architectures that guests are of: QEMU's words, and ours for it.

amd64 is the one of the machine that the tests run on. The others are emulated, whatever that
machine can do.
"""

from typing import NamedTuple


class Architecture(NamedTuple):
    """
    program     QEMU's for it
    machines    the names that tests have for machines, and QEMU's options for them
    processor   the one that is emulated
    console     the kernel's name for the first serial port
    channel     what virtio devices are attached to, as in QEMU's names of devices
    tools       how the names of the compiler and its tools begin
    page_bytes  of the kernel that Debian has for it
    devices     more arguments for QEMU, before those of a guest
    slot        options that put a device where it can be unplugged
    unplugs     whether the kernel alone lets go of a device
    """
    program: str
    machines: dict
    processor: str
    console: str = "ttyS0"
    channel: str = "pci"
    tools: str = ""
    page_bytes: int = 4096
    devices: tuple = ()
    slot: str = ""
    unplugs: bool = True


NATIVE = "amd64"

ARCHITECTURES = {
    NATIVE: Architecture(
        "qemu-system-x86_64", {"pc": "pc", "q35": "q35", "microvm": "microvm,acpi=on"}, "qemu64"),
    "i386": Architecture(
        "qemu-system-i386", {"pc": "pc", "q35": "q35"}, "qemu32", tools="i686-linux-gnu-",
        # This kernel puts a device that is plugged where it then does not reach it itself.
        devices=("-global", "i440FX-pcihost.pci-hole64-size=0")),
    "arm64": Architecture(
        "qemu-system-aarch64", {"pc": "virt"}, "cortex-a57", console="ttyAMA0",
        tools="aarch64-linux-gnu-", devices=("-device", "pcie-root-port,id=bridge0"),
        slot="bus=bridge0"),
    "s390x": Architecture(
        "qemu-system-s390x", {"pc": "s390-ccw-virtio"}, "qemu", console="ttysclp0",
        channel="ccw", tools="s390x-linux-gnu-"),
    "ppc64el": Architecture(
        "qemu-system-ppc64", {"pc": "pseries"}, "power9", console="hvc0",
        tools="powerpc64le-linux-gnu-", page_bytes=65536, unplugs=False),
}
