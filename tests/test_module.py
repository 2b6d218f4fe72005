# SPDX-License-Identifier: GPL-2.0-or-later
"""The module takes the place of the one that Linux ships, and says what it is."""

import re
import shutil
import subprocess

from rig import Guest, kernel, paths
from rig.version import version

SOURCES = paths.DRIVER.parent


def _modinfo(module, field):
    return subprocess.run(["/sbin/modinfo", "-F", field, module], check=True,
                          capture_output=True, text=True).stdout.splitlines()


def test_name_and_alias_are_those_of_the_shipped_driver():
    shipped = next(kernel.module_tree().rglob("virtio_balloon.ko"))
    assert paths.DRIVER.name == shipped.name
    assert _modinfo(paths.DRIVER, "alias") == _modinfo(shipped, "alias")


def test_sysfs_tells_which_module_drives_the_device():
    with Guest(memory=256) as guest:
        module = guest.run("readlink -f /sys/bus/virtio/drivers/virtio_balloon/module").strip()
        assert module == "/sys/module/virtio_balloon"


def test_modinfo_tells_licence_author_description_and_the_one_version():
    assert _modinfo(paths.DRIVER, "license") == ["GPL"]
    assert _modinfo(paths.DRIVER, "version") == [version()]
    assert _modinfo(paths.DRIVER, "author")
    assert _modinfo(paths.DRIVER, "description")
    with Guest(memory=256) as guest:
        assert guest.read("/sys/module/virtio_balloon/version").strip() == version()
        assert f"Aerostat {version()}: memory balloon ready" in guest.log()


def test_every_parameter_tells_its_unit_and_range():
    parameters = _modinfo(paths.DRIVER, "parm")
    declared = re.findall(r"module_param\w*\((\w+)", "".join(
        source.read_text() for source in SOURCES.glob("*.c")))
    assert sorted(line.split(":")[0] for line in parameters) == sorted(declared)
    for line in parameters:
        measured = re.search(r"pages|bytes|MiB|milliseconds", line) and \
            re.search(r"\d+ to \d+", line)
        assert measured or re.search(r": auto \(default.*\), or off", line)


def test_the_driver_folder_builds_alone_and_without_a_warning(tmp_path):
    alone = tmp_path / "driver"
    shutil.copytree(SOURCES, alone, ignore=shutil.ignore_patterns("*.o", "*.ko", "*.mod*", ".*"))
    built = subprocess.run(["make", "-C", alone, f"KERNELDIR={kernel.build_directory()}",
                            "W=1"], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    assert "warning" not in built.stdout + built.stderr
    assert (alone / "virtio_balloon.ko").exists()


def test_a_missing_kernel_directory_is_told_in_words():
    built = subprocess.run(["make", "-C", SOURCES, "KERNELDIR=/no/such/place"],
                           capture_output=True, text=True)
    assert built.returncode != 0
    assert "No kernel build directory at /no/such/place" in built.stderr
    assert "headers" in built.stderr


def test_version_differences_live_in_compat_and_nothing_stops_the_kernel_or_warns():
    for source in SOURCES.glob("*.[ch]"):
        text = source.read_text()
        if source.name.endswith(".mod.c"):
            continue
        assert not re.search(r"\b(\w*BUG\w*|WARN\w*|panic)\(", text), source
        if source.name != "compat.h":
            assert not re.search(r"LINUX_VERSION|COMPAT_SINCE", text), source
