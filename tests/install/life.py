# SPDX-License-Identifier: GPL-2.0-or-later
"""The packages in the life of a Debian system: installed, booted with, upgraded around, removed.

One disk goes through all tests, in their order; each is one boot of it. `make check-install`
runs them, with pytest's -x: after a failure the rest would mean nothing.
"""

import json
import re

from rig.system import System
from rig.version import version

MIB = 1 << 20
VERSION = "/sys/module/virtio_balloon/version"
APT = "apt-get -q"
MINUTES = 60


def _is_ours(system):
    return system.run(f"cat {VERSION} 2>/dev/null", check=False).strip() == version()


def _is_driven(system):
    return bool(system.run("ls -d /sys/bus/virtio/drivers/virtio_balloon/virtio*",
                           check=False).strip())


def _drivers_in_initramfs(system):
    listed = system.run("lsinitramfs /initrd.img", timeout=2 * MINUTES)
    return re.findall(r"\S*/virtio_balloon\.ko\S*", listed)


def _install(system, packages):
    return system.run(f"cd /mnt && {APT} install {packages}", timeout=30 * MINUTES)


def _assert_moves_memory(system):
    system.set_balloon(300)
    system.wait_balloon(300)
    shown = json.loads(system.run("balloonstat --json"))
    assert shown["actual"] == 300 * MIB == system.balloon_bytes()
    assert shown["version"] == version()
    assert "300 MiB of this machine's" in system.run("balloonstat")
    system.set_balloon(0)
    system.wait_balloon(0)


def _assert_bound_in_early_boot(system):
    log = system.log()
    assert log.index("memory balloon ready") < log.index("EXT4-fs (vda)")


def test_with_memory_in_the_balloon_installing_leaves_the_loaded_driver_and_says_so(disks):
    with System(*disks) as system:
        assert _is_driven(system) and not _is_ours(system)
        system.set_balloon(200)
        system.wait_balloon(200)
        printed = _install(system, "./aerostat-dkms_*.deb ./aerostat-tools_*.deb")
        assert "200 MiB are in the balloon" in printed
        assert "reboot to have Aerostat" in printed
        assert not _is_ours(system)
        assert system.balloon_mib() == 200
        assert "its driver is not Aerostat" in system.run("balloonstat 2>&1", check=False)
        assert "installed" in system.run("dkms status aerostat")


def test_the_next_boot_binds_it_by_itself_from_the_initramfs(disks):
    with System(*disks) as system:
        assert _is_ours(system) and _is_driven(system)
        assert [name for name in _drivers_in_initramfs(system) if "/updates/" in name]
        _assert_bound_in_early_boot(system)
        _assert_moves_memory(system)


def test_a_newer_kernel_gets_the_driver_built_while_it_is_installed(disks):
    with System(*disks) as system:
        before = system.run("uname -r").strip()
        system.run(f"{APT} update && {APT} install linux-image-amd64 linux-headers-amd64",
                   timeout=40 * MINUTES)
        built = re.findall(r"^aerostat/[^,]*, ([^,]*),.*installed", system.run("dkms status"),
                           re.MULTILINE)
        assert before in built and len(built) == 2


def test_the_newer_kernel_binds_it_by_itself_from_the_initramfs(disks):
    with System(*disks) as system:
        installed = system.run("ls /lib/modules").split()
        assert len(installed) == 2
        assert system.run("readlink /vmlinuz").endswith(system.run("uname -r"))
        assert _is_ours(system) and _is_driven(system)
        _assert_bound_in_early_boot(system)
        _assert_moves_memory(system)


def test_removing_brings_the_shipped_driver_back_at_once_when_the_balloon_is_empty(disks):
    with System(*disks) as system:
        assert _is_ours(system)
        printed = system.run(f"{APT} remove aerostat-dkms aerostat-tools", timeout=30 * MINUTES)
        assert "the balloon driver is now the one shipped with Linux" in printed
        assert _is_driven(system) and not _is_ours(system)
        system.set_balloon(100)
        system.wait_balloon(100)


def test_after_removal_early_boot_too_has_the_shipped_driver_and_no_other(disks):
    with System(*disks) as system:
        assert _is_driven(system) and not _is_ours(system)
        drivers = _drivers_in_initramfs(system)
        assert drivers and all("/kernel/drivers/virtio/" in name for name in drivers)
        assert not system.run("find /lib/modules -path '*updates*' -name 'virtio_balloon*'")


def test_with_an_empty_balloon_installing_takes_the_loaded_drivers_place_at_once(disks):
    with System(*disks) as system:
        printed = _install(system, "./aerostat-dkms_*.deb ./aerostat-tools_*.deb")
        assert f"the balloon driver is now Aerostat {version()}" in printed
        assert _is_ours(system) and _is_driven(system)
        _assert_moves_memory(system)
