# SPDX-License-Identifier: GPL-2.0-or-later
"""A newcomer with the README, in a Debian guest: every command of it, as it stands there.

The tests run in their order, on one disk. What the README has for the host, or for other
systems, is named here, with what proves it instead.
"""

import re

import pytest

from rig import paths
from rig.system import System
from rig.version import version

MINUTES = 60
COMMAND = re.compile(r"    (\S.*?)( +#.*)?$")
ELSEWHERE = {
    "git clone <this repository> aerostat && cd aerostat": "nothing is cloned without a network",
    "make demo": "boots guests of its own",
    "make check": "boots guests of its own",
    "make -C driver KERNELDIR=/lib/modules/<version>/build": "has a name to be filled in; what "
                                                             "comes before it is the same",
    "make deb": "made what is installed here",
    "sudo dnf install kernel-devel-$(uname -r)": "Fedora",
    "sudo dnf install ./aerostat-dkms-*.noarch.rpm ./aerostat-tools-*.rpm": "Fedora",
    "sudo dnf remove aerostat-dkms aerostat-tools": "Fedora",
    "sudo mokutil --import /var/lib/dkms/mok.pub": "needs a machine with Secure Boot",
    "sudo /lib/modules/$(uname -r)/build/scripts/sign-file sha256 <key> <certificate> \\":
        "has names to be filled in",
}

typed = set()


def _commands():
    """Maps each heading to the commands below it."""
    found, heading = {}, ""
    for line in (paths.ROOT / "README.md").read_text().splitlines():
        if line.startswith("## "):
            heading = line[3:]
        elif COMMAND.match(line):
            found.setdefault(heading, []).append(COMMAND.match(line)[1])
    return found


@pytest.fixture
def newcomer(disks):
    with System(*disks) as system:
        yield Newcomer(system)


class Newcomer:
    """Unpacks the source, goes there, and types."""

    def __init__(self, system):
        self.system = system
        self._place = f"/root/aerostat-{version()}"
        system.run(f"tar -xzf /mnt/aerostat-{version()}.tar.gz -C /root && "
                   f"cp /mnt/*.deb {self._place}")

    def type(self, command, section):
        assert command in _commands()[section], f"the README no longer has: {command}"
        typed.add(command)
        return self.system.run(f"cd {self._place} && {command}", timeout=30 * MINUTES)

    def has_ours(self):
        shown = self.system.run("cat /sys/module/virtio_balloon/version", check=False)
        return shown.strip() == version()


def test_trying_it_in_a_guest_that_runs_needs_nothing_that_the_readme_does_not_say(newcomer):
    commands = _commands()["Try it in a guest that runs"]
    printed = {command: newcomer.type(command, "Try it in a guest that runs")
               for command in commands[:6]}
    assert printed[commands[5]].strip() == version()
    assert "memory balloon ready" in printed[commands[4]]
    newcomer.system.set_balloon(200)
    newcomer.system.wait_balloon(200)
    for command in commands[6:]:
        newcomer.type(command, "Try it in a guest that runs")
    assert not newcomer.has_ours()
    assert len(commands) == 8


def test_parameters_are_set_as_the_readme_sets_them(newcomer):
    for command in _commands()["Build it for another kernel"][1::-1]:
        newcomer.type(command, "Build it for another kernel")
    newcomer.system.run("rmmod virtio_balloon")
    for command in _commands()["Parameters"]:
        newcomer.type(command, "Parameters")
    parameters = "/sys/module/virtio_balloon/parameters"
    assert newcomer.system.read(f"{parameters}/oom_pages").strip() == "1024"
    assert newcomer.system.read(f"{parameters}/inflate_by_report").strip() == "off"
    newcomer.system.run("rmmod virtio_balloon; modprobe virtio_balloon")


def test_make_install_and_uninstall_do_what_the_readme_says(newcomer):
    section = "Install it"
    printed = newcomer.type("sudo make install", section)
    assert f"the balloon driver is now Aerostat {version()}" in printed
    assert newcomer.type("cat /sys/module/virtio_balloon/version", section).strip() == version()
    assert "is lent to the host" in newcomer.type("balloonstat", section)
    newcomer.type("sudo make uninstall", section)
    assert not newcomer.has_ours()
    assert not newcomer.system.run("command -v balloonstat || :").strip()


def test_packages_are_installed_swapped_in_at_once_and_removed_as_the_readme_says(newcomer):
    section = "Install it"
    newcomer.system.set_balloon(200)
    newcomer.system.wait_balloon(200)
    newcomer.type("sudo apt-get update", section)
    newcomer.type("sudo apt-get install linux-headers-$(uname -r) linux-headers-amd64", section)
    newcomer.type("sudo apt-get install ./aerostat-dkms_*.deb ./aerostat-tools_*.deb", section)
    assert not newcomer.has_ours()
    newcomer.type("sudo /usr/libexec/aerostat/swap-driver ours --host-has-room", section)
    assert newcomer.has_ours()
    newcomer.system.wait_balloon(200)
    assert "200 MiB of this machine's" in newcomer.type("balloonstat", "See where the memory is")
    assert newcomer.type("cut -c1-6 /sys/bus/virtio/drivers/virtio_balloon/virtio*/features",
                         "Set the balloon from the host").strip() == "011101"
    newcomer.system.set_balloon(0)
    newcomer.system.wait_balloon(0)
    newcomer.type("sudo apt-get remove aerostat-dkms aerostat-tools", section)
    assert not newcomer.has_ours()


def test_every_command_of_the_readme_was_typed_or_is_named_as_one_for_elsewhere():
    commands = {command for section in _commands().values() for command in section}
    assert commands - typed - set(ELSEWHERE) == set()
    assert set(ELSEWHERE) <= commands
