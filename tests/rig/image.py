# SPDX-License-Identifier: GPL-2.0-or-later
"""The file system that test guests boot into: busybox, a few modules, our programs.

Made anew when something in it changed, and put in place in one step, so guests
that start at the same time never see half of one.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import flavour, kernel, paths
from .errors import GuestError

OWN_BUSYBOX = Path("/bin/busybox")
MODULES = ("virtio_pci", "virtio_mmio", "virtio_blk", "virtio_console", "virtio_mem", "zram")
SHIPPED = "virtio_balloon"
# Where in the guest the modules are that are built here.
BUILT = {paths.DRIVER: "aerostat", paths.DEVICE: "device", paths.MISTAKES: "mistakes"}


def _dependencies():
    """Maps each module's path to the paths of what it needs."""
    lines = (kernel.module_tree() / "modules.dep").read_text().splitlines()
    pairs = (line.split(":") for line in lines)
    return {module: needed.split() for module, needed in pairs}


def _needed_modules(dependencies):
    """Modules that this kernel has built in, or lacks, are left out."""
    chosen = set()
    for path, needed in dependencies.items():
        if Path(path).stem in MODULES:
            chosen.update([path, *needed])
    return sorted(chosen)


def _shipped_driver():
    for path in kernel.module_tree().rglob(f"{SHIPPED}.ko"):
        return path
    raise GuestError(f"kernel {kernel.version()} ships no {SHIPPED} module")


def _inputs():
    programs = sorted(paths.GUEST_PROGRAMS.glob("*"))
    if not programs:
        raise GuestError("the guest programs are not built; run: make programs")
    built = [path for path in BUILT if path.exists()]
    scripts = [paths.GUEST_SOURCES / name for name in ("init", "answer")]
    return [paths.BUSYBOX, *scripts, Path(__file__), _shipped_driver(), *programs, *built]


def _is_fresh(description):
    stamp = _stamp()
    return paths.IMAGE.exists() and stamp.exists() and stamp.read_text() == description


def _stamp():
    return paths.IMAGE.with_suffix(".inputs")


def _describe(inputs):
    return "\n".join(f"{path} {path.stat().st_mtime_ns}" for path in inputs)


def _check_matches(module):
    found = re.search(rb"vermagic=(\S+)", module.read_bytes())
    built_for = found.group(1).decode() if found else "no kernel"
    if built_for != kernel.version():
        raise GuestError(f"{module.name} is built for {built_for}, "
                         f"the guest boots {kernel.version()}; run: make clean all")


def _copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _copy_module(module, target):
    """Without what only a debugger reads: a guest takes long to load that."""
    _check_matches(module)
    _copy(module, target)
    subprocess.run([f"{flavour.ARCHITECTURE.tools}strip", "--strip-debug", target], check=True)


def _copy_programs(root):
    for name in ("dev", "proc", "sys", "run", "tmp", "sbin", "etc"):
        (root / name).mkdir()
    _copy(paths.BUSYBOX, root / "bin" / "busybox")
    for applet in _busybox_applets():
        (root / "bin" / applet).symlink_to("busybox")
    for program in paths.GUEST_PROGRAMS.glob("*"):
        # A program of ours hides the applet of the same name.
        (root / "bin" / program.name).unlink(missing_ok=True)
        _copy(program, root / "bin" / program.name)
    _copy(paths.GUEST_SOURCES / "init", root / "init")
    _copy(paths.GUEST_SOURCES / "answer", root / "bin" / "answer")
    for path in (root / "init", *(root / "bin").iterdir()):
        path.chmod(0o755)


def _busybox_applets():
    """This machine's can be asked, and Debian's are alike."""
    listing = subprocess.run([OWN_BUSYBOX, "--list"], check=True, capture_output=True, text=True)
    return [name for name in listing.stdout.split() if name != "busybox"]


def _copy_modules(root):
    dependencies = _dependencies()
    tree = root / "lib" / "modules" / kernel.version()
    chosen = _needed_modules(dependencies)
    for path in chosen:
        _copy(kernel.module_tree() / path, tree / path)
    lines = [f"{path}: {' '.join(dependencies[path])}\n" for path in chosen]
    (tree / "modules.dep").write_text("".join(lines))


def _copy_drivers(root):
    _copy(_shipped_driver(), root / "lib" / "shipped" / "virtio_balloon.ko")
    for module, place in BUILT.items():
        if module.exists():
            _copy_module(module, root / "lib" / place / module.name)


def _pack(root, target):
    names = "\0".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    with open(target, "wb") as archive:
        subprocess.run(["cpio", "--quiet", "-0", "-o", "-H", "newc", "-R", "0:0"],
                       cwd=root, input=names.encode(), stdout=archive, check=True)


def ensure():
    """Makes the image when it is missing or stale."""
    description = _describe(_inputs())
    if _is_fresh(description):
        return
    with tempfile.TemporaryDirectory(dir=paths.BUILD) as scratch:
        root = Path(scratch) / "root"
        root.mkdir()
        _copy_programs(root)
        _copy_modules(root)
        _copy_drivers(root)
        _pack(root, Path(scratch) / "image")
        os.replace(Path(scratch) / "image", paths.IMAGE)
        _stamp().write_text(description)
