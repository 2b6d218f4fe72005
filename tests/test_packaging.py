# SPDX-License-Identifier: GPL-2.0-or-later
"""Aerostat is packed, installed, and put in the place of a loaded driver, without a guest.

The kernel whose drivers are swapped is played by packaging/kernel, below a directory.
"""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from rig import kernel, paths
from rig.version import version

PACKAGING = paths.ROOT / "packaging"
PLAYED = paths.ROOT / "tests" / "packaging" / "kernel"
PLAYED_KERNEL = "6.1.0-9-test"
SYSTEM_TOOLS = ["dkms", "depmod", "modprobe", "insmod", "rmmod", "uname", "update-initramfs",
                "dracut", "dpkg-query", "rpm"]
MIB = 1 << 20


def _run(*command, **options):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)


def _succeed(*command, **options):
    done = _run(*command, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# The version.

def _substituted(name):
    return (PACKAGING / name).read_text().replace("#MODULE_VERSION#", version())


def test_the_version_is_the_same_everywhere_and_held_in_one_place():
    assert f'\nPACKAGE_VERSION="{version()}"\n' in _substituted("dkms.conf")
    assert re.search(r"^Version: +(.*)$", _substituted("aerostat.spec"), re.M)[1] == version()
    for held_elsewhere in ("dkms.conf", "Makefile"):
        assert version() not in (PACKAGING / held_elsewhere).read_text()


@pytest.mark.parametrize("file, first_entry", [
    ("packaging/debian/changelog", r"\Aaerostat \((.*?)\)"),
    ("packaging/aerostat.spec", r"%changelog\n\* .* - (.*)-\d+\n"),
    ("CHANGELOG.md", r"\n## ([^ \n]*)"),
    ("README.md", r"This is version (\d+\.\d+\.\d+):"),
])
def test_what_tells_the_history_begins_with_this_version(file, first_entry):
    assert re.search(first_entry, (paths.ROOT / file).read_text())[1] == version()


@pytest.mark.parametrize("release, built", [
    ("5.19.0-1-amd64", False), ("6.0.12", False), ("6.1.0-56-amd64", True), ("6.12.9", True),
    ("7.0.0", True), ("10.2.1", True)])
def test_dkms_builds_for_kernels_from_6_1_on(release, built):
    pattern = re.search(r'BUILD_EXCLUSIVE_KERNEL="(.*)"', _substituted("dkms.conf"))[1]
    assert bool(re.search(pattern, release)) == built


# The tarball.

def _files_of_the_project():
    listed = _run("git", "-C", paths.ROOT, "ls-files")
    if listed.returncode:
        pytest.skip("this is no git checkout")
    return [name for name in listed.stdout.splitlines() if (paths.ROOT / name).exists()]


def _copy(directory):
    for name in _files_of_the_project():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(paths.ROOT / name, directory / name)
    return directory


def _git(directory, *arguments):
    return _succeed("git", "-C", directory, "-c", "user.name=Somebody",
                    "-c", "user.email=somebody@example.org", *arguments)


@pytest.fixture
def checkout(tmp_path):
    directory = _copy(tmp_path / "checkout")
    _git(directory, "init", "--quiet")
    _git(directory, "add", "--force", ".")
    _git(directory, "commit", "--quiet", "--message=all")
    return directory


def _pack(directory, **options):
    _succeed("make", "-C", directory / "packaging", "dist", **options)
    return directory / "build" / "dist" / f"aerostat-{version()}.tar.gz"


def test_whoever_packs_a_commit_gets_the_same_tarball(checkout, tmp_path):
    other = tmp_path / "elsewhere"
    _git(tmp_path, "clone", "--quiet", checkout, other)
    _git(other, "config", "core.autocrlf", "true")
    _git(other, "config", "tar.umask", "0077")
    first, second = _pack(checkout), _pack(other, umask=0o077)
    assert first.read_bytes() == second.read_bytes()
    recorded = first.with_name(first.name + ".sha256").read_text().split()
    assert recorded == [hashlib.sha256(first.read_bytes()).hexdigest(), first.name]


def test_the_tarball_holds_all_files_of_the_commit_and_no_others(checkout):
    (checkout / "driver" / "main.o").write_text("built")
    top = f"aerostat-{version()}"
    with tarfile.open(_pack(checkout)) as tarball:
        packed = {member.name: member for member in tarball if not member.isdir()}
        assert set(packed) == {f"{top}/{name}" for name in _files_of_the_project()}
        for name, member in packed.items():
            original = checkout / name[len(top) + 1:]
            assert tarball.extractfile(member).read() == original.read_bytes()
            assert bool(member.mode & 0o100) == os.access(original, os.X_OK)


def test_what_is_no_checkout_is_not_packed_and_told_so(tmp_path):
    packed = _run("make", "-C", _copy(tmp_path / "copy") / "packaging", "dist")
    assert packed.returncode != 0
    assert "this is no git checkout" in packed.stderr
    assert not list(tmp_path.rglob("*.tar.gz"))


# Packages, where what builds them is installed.

def _needs(*commands):
    missing = [command for command in commands if not shutil.which(command)]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


@_needs("dpkg-buildpackage", "dh_dkms", "lintian")
def test_debian_packages_are_built_and_lintian_has_nothing_to_say(checkout):
    _succeed("make", "-C", checkout / "packaging", "deb")
    built = {path.name.split("_")[0] for path in (checkout / "build" / "deb").glob("*.deb")}
    assert {"aerostat-dkms", "aerostat-tools"} <= built


@_needs("rpmbuild", "rpmlint")
def test_rpm_packages_are_built_and_rpmlint_has_nothing_to_say(checkout):
    _succeed("make", "-C", checkout / "packaging", "rpm")
    built = {path.name.rsplit("-", 2)[0] for path in (checkout / "build").rglob("RPMS/*/*.rpm")}
    assert built == {"aerostat-dkms", "aerostat-tools"}


# make install.

def _tool(directory, name, script):
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(f"#!/bin/sh\n{script}\n")
    (directory / name).chmod(0o755)


@pytest.fixture
def system_calls(tmp_path):
    """The tools that ask or change the system, replaced by ones that only note the call."""
    for name in SYSTEM_TOOLS:
        _tool(tmp_path / "bin", name, f'echo "{name} $*" >>{tmp_path}/system-calls; exit 1')
    return tmp_path / "system-calls"


def _make(tree, target, tmp_path, **variables):
    return _run("make", "-C", tree / "packaging", target,
                *(f"{name}={value}" for name, value in variables.items()),
                env={**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"})


def _below(directory):
    return {str(path.relative_to(directory)) for path in directory.rglob("*")
            if not path.is_dir()}


def _expected_source():
    sources = {name for name in os.listdir(paths.ROOT / "driver")
               if re.fullmatch(r"Kbuild|Makefile|(?!.*\.mod\.c).*\.[ch]", name)}
    return {f"usr/src/aerostat-{version()}/{name}" for name in sources | {"dkms.conf"}}


def _expected_tools(prefix):
    return {f"{prefix}/bin/balloonstat", f"{prefix}/share/man/man8/balloonstat.8",
            f"{prefix}/libexec/aerostat/swap-driver",
            f"{prefix}/libexec/aerostat/refresh-initramfs"}


@pytest.mark.parametrize("prefix", [None, "/usr"])
def test_with_destdir_files_are_put_there_and_the_system_is_not_asked(tmp_path, system_calls,
                                                                      prefix):
    tree, root = _copy(tmp_path / "tree"), tmp_path / "root"
    chosen = {"PREFIX": prefix} if prefix else {}
    installed = _make(tree, "install", tmp_path, DESTDIR=root, **chosen)
    assert installed.returncode == 0, installed.stderr
    assert _below(root) == _expected_source() | _expected_tools((prefix or "/usr/local")[1:])
    conf = (root / f"usr/src/aerostat-{version()}/dkms.conf").read_text()
    assert conf == _substituted("dkms.conf")
    assert not system_calls.exists(), system_calls.read_text()

    (root / "kept").write_text("not ours")
    removed = _make(tree, "uninstall", tmp_path, DESTDIR=root, **chosen)
    assert removed.returncode == 0, removed.stderr
    assert _below(root) == {"kept"}
    assert not system_calls.exists(), system_calls.read_text()


def test_without_dkms_the_module_is_built_for_one_kernel_and_put_into_updates(tmp_path):
    if not Path("/lib/modules", kernel.version(), "build").exists():
        pytest.skip("the headers of the kernel that guests boot are not installed here")
    tree, root = _copy(tmp_path / "tree"), tmp_path / "root"
    chosen = {"DESTDIR": root, "DKMS": "no", "KERNEL": kernel.version()}
    installed = _make(tree, "install", tmp_path, **chosen)
    assert installed.returncode == 0, installed.stderr
    [module] = root.glob("lib/modules/*/updates/virtio_balloon.ko*")
    assert _succeed("/sbin/modinfo", "-F", "version", module).strip() == version()
    assert _below(root) == _expected_tools("usr/local") | {str(module.relative_to(root))}
    assert _make(tree, "uninstall", tmp_path, **chosen).returncode == 0
    assert _below(root) == set()


def test_missing_headers_are_told_with_the_package_before_anything_is_written(tmp_path):
    root = tmp_path / "root"
    installed = _make(_copy(tmp_path / "tree"), "install", tmp_path, DESTDIR=root, DKMS="no",
                      KERNEL="0.0.1-none")
    assert installed.returncode != 0
    assert "headers of kernel 0.0.1-none are not installed" in installed.stderr
    assert "linux-headers-0.0.1-none" in installed.stderr
    assert not root.exists()


@pytest.mark.parametrize("target", ["install", "uninstall"])
def test_only_root_installs_and_others_are_told_so(tmp_path, target, system_calls):
    _tool(tmp_path / "bin", "id", "echo 1000")
    done = _make(_copy(tmp_path / "tree"), target, tmp_path)
    assert done.returncode != 0
    assert "only root can" in done.stderr
    assert not system_calls.exists(), system_calls.read_text()


# The initramfs.

def _refresh(tmp_path, maker, image="initrd.img-6.1.0-9-test"):
    (tmp_path / "boot").mkdir(exist_ok=True)
    if image:
        (tmp_path / "boot" / image).write_text("initramfs")
    _tool(tmp_path / "bin", maker, f'echo "{maker} $*" >>{tmp_path}/made; exit ${{FAIL:-0}}')
    return _run(PACKAGING / "refresh-initramfs", PLAYED_KERNEL,
                env={**os.environ, "AEROSTAT_ROOT": str(tmp_path),
                     "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"})


def test_the_initramfs_of_the_kernel_is_made_anew(tmp_path):
    assert _refresh(tmp_path, "update-initramfs").returncode == 0
    assert (tmp_path / "made").read_text() == f"update-initramfs -u -k {PLAYED_KERNEL}\n"


@pytest.mark.skipif(bool(shutil.which("update-initramfs", path="/usr/sbin:/sbin")),
                    reason="this system has initramfs-tools, which would be called")
def test_dracut_makes_the_initramfs_where_it_is_at_home(tmp_path):
    assert _refresh(tmp_path, "dracut", "initramfs-6.1.0-9-test.img").returncode == 0
    assert f"--kver {PLAYED_KERNEL}" in (tmp_path / "made").read_text()


def test_a_system_without_an_initramfs_gets_none(tmp_path):
    assert _refresh(tmp_path, "update-initramfs", image=None).returncode == 0
    assert not (tmp_path / "made").exists()


def test_an_initramfs_that_can_not_be_made_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("FAIL", "1")
    refreshed = _refresh(tmp_path, "update-initramfs")
    assert refreshed.returncode != 0
    assert "could not be made anew" in refreshed.stderr


# Swapping the loaded driver.

# Whoever runs the tests may be deaf to it, and no shell can change what it began with.
def _hear_of_the_terminal():
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class System:
    """A guest in whose place a directory is: shipped driver loaded, Aerostat installed."""

    def __init__(self, root):
        self.root = root
        self.notes = root / "notes"
        self.notes.mkdir()
        self.modules = root / "lib" / "modules" / PLAYED_KERNEL
        self.loaded = root / "sys" / "module" / "virtio_balloon"
        self.driver = root / "sys" / "bus" / "virtio" / "drivers" / "virtio_balloon"
        self.write("uid", "0")
        self.write("proc/1/environ", "HOME=/\0TERM=linux\0")
        self.write("proc/self/status", "Name:\tsh\nCapEff:\t000001ffffffffff\n")
        self.write("sys/bus/virtio/devices/virtio0/device", "0x0005")
        (root / "proc" / "1" / "root").symlink_to(root)
        for name in ("id", "uname", "modinfo", "modprobe", "insmod", "rmmod"):
            (root / "bin").mkdir(exist_ok=True)
            (root / "bin" / name).symlink_to(PLAYED)
        self.shipped = self.write(self.modules / "kernel/drivers/virtio/virtio_balloon.ko",
                                  "description=Virtio balloon driver\n")
        self.ours = self.write(self.modules / "updates/dkms/virtio_balloon.ko",
                               "description=Aerostat, the virtio memory balloon\n"
                               "version=0.1.0\nsrcversion=AAAA\n")
        self.fill_shipped(0)
        self.tool("insmod", self.shipped)

    def write(self, path, text):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def environment(self, **more):
        return {**os.environ, "AEROSTAT_ROOT": str(self.root), "TMPDIR": str(self.notes),
                "PATH": f"{self.root}/bin:{os.environ['PATH']}", **more}

    def tool(self, name, *arguments):
        _succeed(self.root / "bin" / name, *arguments, env=self.environment())

    def load_ours(self):
        self.tool("rmmod", "virtio_balloon")
        self.tool("insmod", self.ours)

    def boot(self, release, features):
        """Another kernel, and a device with these features, one digit for each."""
        self.tool("rmmod", "virtio_balloon")
        (self.modules.parent / release).symlink_to(self.modules)
        self.write("release", release)
        self.write("features", features)
        self.tool("insmod", self.shipped)

    def without_driver(self):
        self.tool("rmmod", "virtio_balloon")

    def without_device(self):
        shutil.rmtree(self.root / "sys/bus/virtio/devices/virtio0")
        shutil.rmtree(self.driver / "virtio0", ignore_errors=True)

    def fill_shipped(self, mib):
        pages = mib * MIB // os.sysconf("SC_PAGE_SIZE")
        self.write("proc/vmstat", f"nr_free_pages 5\nballoon_inflate {pages + 700}\n"
                                  "balloon_deflate 700\nballoon_migrate 3\n")

    def fill_ours(self, mib):
        self.write(self.driver / "virtio0/balloon/actual", f"{mib * MIB}\n")

    def refuse(self, module, why):
        module.write_text(module.read_text() + f"refused={why}\n")

    def start(self, *arguments, **environment):
        return subprocess.Popen([str(PACKAGING / "swap-driver"), *arguments], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                start_new_session=True, env=self.environment(**environment),
                                preexec_fn=_hear_of_the_terminal)

    def swap(self, *arguments, status, **environment):
        (self.root / "calls").unlink(missing_ok=True)
        swap = self.start(*arguments, **environment)
        said = swap.communicate(timeout=60)[0]
        assert swap.returncode == status, said
        assert len(said.splitlines()) <= 3, said
        return said

    def changed_modules(self):
        calls = (self.root / "calls").read_text() if (self.root / "calls").exists() else ""
        return re.findall(r"^(?:rmmod|insmod|modprobe) ", calls, re.M) != []

    def has(self, kind):
        version = self.loaded / "version"
        return self.loaded.exists() and version.exists() == (kind == "ours")

    def stays(self, said, kind="shipped"):
        return self.has(kind) and not self.changed_modules() and "is now" not in said

    def wait_for(self, kind):
        _wait_until(lambda: self.has(kind), f"{kind} was not loaded")


def _wait_until(condition, otherwise):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.1)


@pytest.fixture
def system(tmp_path):
    system = System(tmp_path)
    yield system
    _wait_until(lambda: not list(system.notes.iterdir()), "temporary files are left")


def test_with_an_empty_balloon_aerostat_takes_the_place_of_the_shipped_driver(system):
    assert "the balloon driver is now Aerostat 0.1.0" in system.swap("ours", status=0)
    assert system.has("ours")


REPORTING_WITHOUT_HINTING = "0110010000" + "0" * 54
ALL_BUT_HINTING_AND_REPORTING = "0110000000" + "0" * 54


@pytest.mark.parametrize("release, features, stays", [
    ("6.12.95+deb13-amd64", REPORTING_WITHOUT_HINTING, True),
    ("6.12.95+deb13-amd64", ALL_BUT_HINTING_AND_REPORTING, False),
    ("6.1.0-10-test", REPORTING_WITHOUT_HINTING, False),
])
def test_a_shipped_driver_that_takes_the_guest_down_when_it_leaves_stays(
        system, release, features, stays):
    system.boot(release, features)
    said = system.swap("ours", status=1 if stays else 0)
    assert ("may crash" in said and "reboot" in said) == stays
    assert system.has("shipped" if stays else "ours")


def test_memory_in_the_shipped_drivers_balloon_waits_for_a_reboot(system):
    system.fill_shipped(300)
    said = system.swap("ours", status=1)
    assert "300 MiB are in the balloon" in said
    assert "reboot" in said and "ours --host-has-room" in said
    assert system.stays(said)


def test_the_smallest_balloon_is_not_taken_for_an_empty_one(system):
    system.write("proc/vmstat", "balloon_inflate 701\nballoon_deflate 700\n")
    said = system.swap("ours", status=1)
    assert "1 MiB are in the balloon" in said
    assert system.stays(said)


def test_a_host_that_has_room_lets_a_full_balloon_be_swapped(system):
    system.fill_shipped(300)
    system.swap("ours", "--host-has-room", status=0)
    assert system.has("ours")


def test_a_balloon_of_unknown_size_waits_for_a_reboot(system):
    system.write("proc/vmstat", "nr_free_pages 5\n")
    said = system.swap("ours", status=1)
    assert "unknown" in said and "reboot" in said
    assert system.stays(said)


def test_the_driver_that_is_loaded_already_is_left_alone(system):
    system.load_ours()
    system.fill_ours(300)
    said = system.swap("ours", status=0)
    assert "already" in said
    assert system.stays(said, "ours")


def test_an_upgrade_takes_the_place_of_the_older_aerostat(system):
    system.load_ours()
    system.ours.write_text(system.ours.read_text().replace("0.1.0", "0.2.0"))
    assert "now Aerostat 0.2.0" in system.swap("ours", status=0)


def test_another_build_of_the_same_version_is_an_upgrade_too(system):
    system.load_ours()
    system.ours.write_text(system.ours.read_text().replace("AAAA", "BBBB"))
    system.swap("ours", status=0)
    assert (system.loaded / "srcversion").read_text().strip() == "BBBB"


@pytest.mark.parametrize("file", ["actual", "named"])
def test_memory_in_the_older_aerostats_balloon_waits_for_a_reboot(system, file):
    system.load_ours()
    system.write(system.driver / "virtio0/balloon" / file, f"{70 * MIB}\n")
    system.ours.write_text(system.ours.read_text().replace("0.1.0", "0.2.0"))
    said = system.swap("ours", status=1)
    assert "70 MiB are in the balloon" in said
    assert system.stays(said, "ours")


def test_an_aerostat_that_shows_no_figures_waits_for_a_reboot(system):
    system.load_ours()
    shutil.rmtree(system.driver / "virtio0/balloon")
    system.ours.write_text(system.ours.read_text().replace("0.1.0", "0.2.0"))
    assert system.stays(system.swap("ours", status=1), "ours")


def test_without_a_device_the_loaded_driver_is_swapped_whatever_the_counters_say(system):
    system.without_device()
    system.fill_shipped(300)
    system.swap("ours", status=0)
    assert system.has("ours")


def test_without_a_device_and_a_driver_nothing_is_loaded(system):
    system.without_device()
    system.without_driver()
    assert "no balloon device" in system.swap("ours", status=0)
    assert not system.loaded.exists() and not system.changed_modules()


def test_a_device_without_a_driver_gets_aerostat(system):
    system.without_driver()
    assert "now Aerostat 0.1.0" in system.swap("ours", status=0)
    assert system.has("ours")


def test_a_driver_that_is_built_into_the_kernel_stays(system):
    (system.loaded / "initstate").unlink()
    said = system.swap("ours", status=1)
    assert "built into this kernel" in said
    assert system.stays(said)


def test_a_kernel_for_which_the_module_was_not_built_is_told_to_need_headers(system):
    system.ours.unlink()
    said = system.swap("ours", status=1)
    assert f"not built for the running kernel {PLAYED_KERNEL}" in said and "headers" in said
    assert system.stays(said)


def test_a_module_that_was_built_for_a_newer_kernel_waits_for_the_reboot_into_it(system):
    newer = system.root / "lib/modules/6.1.0-10-test/updates/dkms/virtio_balloon.ko"
    newer.parent.mkdir(parents=True)
    system.ours.rename(newer)
    said = system.swap("ours", status=1)
    assert "6.1.0-10-test" in said and "reboot" in said
    assert system.stays(said)


def _in_chroot(system):
    (system.root / "proc/1/root").unlink()
    (system.root / "proc/1/root").symlink_to("/")


def _in_chroot_without_proc(system):
    shutil.rmtree(system.root / "proc")


def _in_container(system):
    system.write("proc/1/environ", "HOME=/\0container=lxc\0")


def _in_container_of_systemd(system):
    system.write("run/systemd/container", "systemd-nspawn")


def _in_container_of_podman(system):
    system.write("run/.containerenv", "")


def _in_container_of_docker(system):
    system.write(".dockerenv", "")


def _without_the_right_to_load_modules(system):
    system.write("proc/self/status", "CapEff:\t00000000a80425fb\n")


@pytest.mark.parametrize("wanted", ["ours", "shipped"])
@pytest.mark.parametrize("place", [
    _in_chroot, _in_chroot_without_proc, _in_container, _in_container_of_systemd,
    _in_container_of_podman, _in_container_of_docker, _without_the_right_to_load_modules],
    ids=lambda place: place.__name__[1:])
def test_the_kernel_of_somebody_else_is_left_as_it_is(system, place, wanted):
    if wanted == "shipped":
        system.load_ours()
    place(system)
    said = system.swap(wanted, status=0)
    assert "left as it is" in said
    assert system.stays(said, "ours" if wanted == "shipped" else "shipped")


def test_dpkg_that_installs_into_another_root_swaps_nothing(system):
    assert system.stays(system.swap("ours", status=0, DPKG_ROOT="/mnt"))


def test_only_root_swaps(system):
    system.write("uid", "1000")
    said = system.swap("ours", status=2)
    assert "only root" in said
    assert system.stays(said)


@pytest.mark.parametrize("arguments", [[], ["theirs"], ["ours", "--now"],
                                       ["ours", "--host-has-room", "more"]])
def test_what_makes_no_sense_is_answered_by_the_usage(system, arguments):
    said = system.swap(*arguments, status=2)
    assert "usage: swap-driver ours|shipped" in said
    assert system.stays(said)


def test_a_kernel_that_loads_no_more_modules_keeps_its_driver(system):
    system.write("proc/sys/kernel/modules_disabled", "1\n")
    said = system.swap("ours", status=1)
    assert "loads no more modules" in said and "reboot" in said
    assert system.stays(said)


def test_where_there_is_no_way_back_nothing_is_unloaded(system):
    system.shipped.unlink()
    said = system.swap("ours", status=1)
    assert "fall back" in said and "reboot" in said
    assert system.stays(said)


def test_the_shipped_driver_that_dkms_has_put_aside_is_a_way_back(system):
    aside = (system.root / "var/lib/dkms/aerostat/original_module" / PLAYED_KERNEL / "x86_64" /
             "virtio_balloon.ko")
    aside.parent.mkdir(parents=True)
    system.shipped.rename(aside)
    system.refuse(system.ours, "Invalid argument")
    assert "former driver is loaded again" in system.swap("ours", status=1)
    assert system.has("shipped")


def test_a_driver_that_is_in_use_stays(system):
    system.write("busy", "")
    said = system.swap("ours", status=1)
    assert "is in use" in said and "reboot" in said
    assert system.has("shipped")


def test_a_module_that_does_not_load_gives_its_place_back_to_the_former_driver(system):
    system.refuse(system.ours, "Invalid argument")
    said = system.swap("ours", status=1)
    assert "Invalid argument" in said and "former driver is loaded again" in said
    assert "Secure Boot" not in said
    assert system.has("shipped")


@pytest.mark.parametrize("key", ["var/lib/dkms/mok.pub", "var/lib/shim-signed/mok/MOK.der"])
def test_a_key_that_secure_boot_does_not_know_is_told_with_what_to_do(system, key):
    system.write(key, "a key")
    system.refuse(system.ours, "Key was rejected by service")
    said = system.swap("ours", status=1)
    assert f"mokutil --import {system.root / key}" in said
    assert system.has("shipped")


def test_without_a_key_secure_boot_is_told_to_want_one(system):
    system.refuse(system.ours, "Required key not available")
    assert "signed with an enrolled key" in system.swap("ours", status=1)
    assert system.has("shipped")


def test_a_driver_that_does_not_take_the_device_gives_its_place_back(system):
    system.ours.write_text(system.ours.read_text() + "unbound=yes\n")
    said = system.swap("ours", status=1)
    assert "does not take the device" in said and "former driver" in said
    assert system.has("shipped")


def test_when_neither_driver_loads_that_is_told(system):
    for module in (system.ours, system.shipped):
        system.refuse(module, "Cannot allocate memory")
    said = system.swap("ours", status=1)
    assert "no driver takes the balloon device" in said and "modprobe virtio_balloon" in said


def test_a_host_that_does_not_let_go_is_not_waited_for_and_the_swap_ends_later(system):
    system.write("stuck", "")
    said = system.swap("ours", status=1, AEROSTAT_SWAP_SECONDS="1")
    assert "has not let the loaded driver go for 1 s" in said and "reboot" in said
    assert system.has("shipped")
    (system.root / "stuck").unlink()
    system.wait_for("ours")


def test_a_swap_that_has_begun_ends_though_its_terminal_is_gone(system):
    system.write("stuck", "")
    swap = system.start("ours")
    _wait_until(lambda: "rmmod virtio_balloon" in (system.root / "calls").read_text(),
                "the swap has not begun")
    os.killpg(swap.pid, signal.SIGHUP)
    swap.communicate(timeout=30)
    (system.root / "stuck").unlink()
    system.wait_for("ours")


def test_on_removal_the_shipped_driver_takes_the_place_of_aerostat(system):
    system.load_ours()
    assert "now the one shipped with Linux" in system.swap("shipped", status=0)
    assert system.has("shipped")


def test_on_removal_memory_in_the_balloon_waits_for_a_reboot(system):
    system.load_ours()
    system.fill_ours(300)
    said = system.swap("shipped", status=1)
    assert "300 MiB are in the balloon" in said
    assert "reboot to have the driver shipped with Linux" in said
    assert system.stays(said, "ours")


def test_on_removal_aerostat_comes_back_if_the_shipped_driver_does_not_load(system):
    system.load_ours()
    system.refuse(system.shipped, "Invalid argument")
    assert "former driver is loaded again" in system.swap("shipped", status=1)
    assert system.has("ours")


def test_on_removal_without_a_shipped_driver_aerostat_stays(system):
    system.load_ours()
    system.shipped.unlink()
    assert system.stays(system.swap("shipped", status=1), "ours")


def test_on_removal_when_aerostats_file_is_gone_already_the_loaded_one_stays(system):
    system.load_ours()
    system.ours.unlink()
    said = system.swap("shipped", status=1)
    assert "no way back" in said and "reboot" in said
    assert system.stays(said, "ours")


def test_on_removal_the_shipped_driver_that_is_loaded_is_left_alone(system):
    system.fill_shipped(300)
    assert system.stays(system.swap("shipped", status=0))
