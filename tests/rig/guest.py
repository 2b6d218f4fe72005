# SPDX-License-Identifier: GPL-2.0-or-later
"""A Linux guest with a memory balloon, for the length of a with block.

Leaving the block without an exception checks that the guest is well: nothing
waits, nothing in its log complains, and without the driver all of its memory is
free again.
"""

import contextlib
import itertools
import os
import re
import threading
import time

from . import accelerator, clock, coverage, flavour, hostmemory, image, migration, paths
from . import tools as machine_tools
from .booted import Booted
from .channel import ChannelClosed
from .console import Console
from .emulator import Emulator, device, kernel_arguments, machine_arguments
from .errors import CommandFailed, GuestDied, GuestError, GuestTimeout, GuestUnhealthy
from .process import Process
from .qmp import Qmp
from .shell import Shell

MIB = 1 << 20
MEMORY_TOLERANCE = 16 * MIB
SETTLE_SECONDS = 5
CONSOLE_LINES = 100
# Only what has been lost for five seconds, and did not change between two looks, is reported.
LOOK_FOR_LEAKS = """\
found=/sys/kernel/debug/kmemleak
[ -e $found ] || exit 0
echo scan >$found; sleep 5; echo scan >$found
while read -r line; do echo "$line" >/dev/kmsg; done <$found
"""
BOUND = "/sys/bus/virtio/drivers/virtio_balloon/virtio*"
TRANSPORT_FEATURES = 24

_names = {}


def _test_name():
    """The running test's name, numbered from its second guest on."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "guest").split("::")[-1].split(" ")[0]
    name = re.sub(r"[^\w.-]+", "-", test).strip("-")
    count = _names[name] = _names.get(name, 0) + 1
    return name if count == 1 else f"{name}-{count}"


class Guest:
    boot_seconds = 90

    def __init__(self, memory=1024, balloon="", machine="pc", module="aerostat", parameters="",
                 cmdline="", cpus=1, devices=(), disks=(), life=240, name=None,
                 memory_backend="memory-backend-ram", suspendable=False, movable=False, tools=(),
                 fresh=False):
        """
        memory          MiB
        balloon         options of the balloon device; None for no device
        machine         pc, q35 or microvm
        module          the driver to load after boot: aerostat, shipped or None
        parameters      module parameters
        cmdline         more words for the kernel's command line
        devices         more arguments for QEMU; they come before the balloon device
        disks           files that become /dev/vda, /dev/vdb and so on
        life            seconds after which the guest is killed, whatever it does
        memory_backend  QEMU object that provides the memory, with its options
        suspendable     boot, more slowly, in the way that suspend to memory needs
        movable         have the memory in the way that migrate() needs
        tools           programs of this machine that the guest has too
        fresh           boot, though an equal guest has booted before and was kept
        """
        self.memory = memory
        self.machine = machine
        self.cpus = max(cpus, flavour.FLAVOUR.cpus)
        self.accelerator = None
        self.module = None
        self._balloon = balloon
        self._first_module = (module, parameters)
        self._cmdline = cmdline
        self._devices = list(devices)
        self._disks = list(disks)
        self._life = life
        self._name = name or _test_name()
        self._memory_backend = memory_backend
        self._suspendable = suspendable
        self._movable = movable
        self._tools = list(tools)
        self._fresh = fresh
        self._memory_bytes = memory * MIB + flavour.extra_bytes(memory * MIB)
        self._emulator = None
        self._console = None
        self._watchdog = None
        self._migration = None
        self._forgiven = list(flavour.FLAVOUR.forgiven)
        self._processes = []
        self._numbers = itertools.count(1)
        self._boot_mark = 0
        self._expired = False
        self._may_be_dead = False
        self._baseline = None

    # Life and death

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, error, traceback):
        try:
            if kind is None:
                self.check_health()
        finally:
            self.close()

    def _start(self):
        paths.BUILD.mkdir(exist_ok=True)
        image.ensure()
        self.accelerator = accelerator.choose()
        if self._movable:
            self._memory_bytes += migration.extra_bytes(self.accelerator)
        self._console = Console(paths.LOGS / f"{self._name}.log")
        booted = Booted(self._arguments())
        taken_up = None if self._fresh else booted.state()
        if taken_up:
            self._console.write(booted.log())
        self._emulator = self._start_emulator(taken_up)
        self._watchdog = threading.Timer(clock.on_the_wall(self._life), self._expire)
        self._watchdog.daemon = True
        self._watchdog.start()
        self._qmp = Qmp(self._emulator.monitor)
        self._talk(self._qmp.greet)
        self._shell = Shell(self._emulator.shell, self.attend)
        if taken_up:
            self._talk(booted.resume, self._qmp)
        else:
            self._talk(self._shell.wait_ready, self.boot_seconds)
            self._keep(booted)
        self._baseline = self._measure_memory()
        self.load_module(*self._first_module)

    def _keep(self, booted):
        if not self._fresh and booted.is_worth_keeping():
            self._talk(booted.keep, self._qmp, self._console.text().encode())

    def _start_emulator(self, incoming=None):
        return Emulator(self._arguments(), self._console, self.machine, incoming)

    def _arguments(self):
        arguments = machine_arguments(self.machine, self.accelerator, self._memory_bytes,
                                      self.cpus, self._memory_backend)
        arguments += self._boot_arguments()
        arguments += self._devices
        if self._balloon is not None:
            arguments += ["-device", self._balloon_device(self._balloon)]
        for number, path in enumerate(self._disks):
            drive = f"disk{number}"
            arguments += ["-drive", f"file={path},format=raw,if=none,id={drive}",
                          "-device", device(self.machine, "virtio-blk", drive=drive)]
        return arguments

    def _boot_arguments(self):
        return kernel_arguments(self.machine, self.accelerator, self._cmdline,
                                machine_tools.image_with(self._tools), self._suspendable)

    def _balloon_device(self, options):
        words = device(self.machine, "virtio-balloon", id="balloon0")
        return ",".join(filter(None, [words, flavour.ARCHITECTURE.slot, options]))

    def _expire(self):
        self._expired = True
        self._emulator.kill()

    def close(self):
        """Ends QEMU at once, without any check."""
        if self._watchdog:
            self._watchdog.cancel()
        if self._migration:
            self._migration.close()
        if self._emulator:
            self._emulator.close()
        if self._console:
            self._console.close()
        self._watchdog = self._migration = self._emulator = self._console = None

    @property
    def pid(self):
        """QEMU's process on the host."""
        return self._emulator.pid

    def alive(self):
        return self._emulator.status() is None

    def attend(self):
        """Raises when the guest is dead; lets it change over when a migration has got that far."""
        self._talk(self._check_alive)

    def _check_alive(self):
        if self._expired:
            raise self.with_console(
                GuestTimeout, f"the guest was killed: its life is limited to {self._life} s")
        if self._console.panicked(self._boot_mark):
            raise self.with_console(GuestDied, "the guest's kernel panicked")
        if not self.alive():
            raise self.with_console(
                GuestDied, f"QEMU ended with status {self._emulator.status()} "
                f"{self._emulator.errors()}".rstrip())

    def _talk(self, function, *arguments, **options):
        """Calls what talks to QEMU; turns the ways it may fail into one message."""
        try:
            if self._migration:
                self._migration.follow()
            return function(*arguments, **options)
        except ChannelClosed:
            self._await_end()
            self._check_alive()
            raise self.with_console(GuestDied, "QEMU closed a channel") from None
        except GuestTimeout as error:
            if CONSOLE_HEADING in str(error):
                raise
            raise self.with_console(GuestTimeout, str(error)) from None

    def _await_end(self, timeout=5):
        deadline = clock.now() + timeout
        while self.alive() and clock.now() < deadline:
            time.sleep(0.05)

    def with_console(self, kind, message):
        """An exception of that kind that shows the console's end."""
        return kind(f"{message}\n{CONSOLE_HEADING} ({self._console.path}):\n"
                    f"{self.console_tail(CONSOLE_LINES)}")

    # Commands in the guest

    def run(self, command, check=True, timeout=30):
        """Runs a shell command in the guest and returns what it printed."""
        status, output = self._talk(self._shell.run, command, timeout)
        if check and status:
            raise CommandFailed(command, status, output)
        return output

    def start(self, command):
        """Starts a shell command in the background."""
        process = Process(self, command, next(self._numbers))
        self._processes.append(process)
        return process

    def read(self, path):
        return self.run(f"cat {path}")

    def meminfo(self):
        """/proc/meminfo in bytes."""
        return _parse_meminfo(self.read("/proc/meminfo"))

    def free_memory(self):
        """Bytes free, with the free pages that processors keep at hand."""
        kept = re.findall(r"^ +count: (\d+)$", self.read("/proc/zoneinfo"), re.MULTILINE)
        return self.meminfo()["MemFree"] + sum(map(int, kept)) * flavour.ARCHITECTURE.page_bytes

    def vmstat(self):
        pairs = (line.split() for line in self.read("/proc/vmstat").splitlines())
        return {name: int(value) for name, value in pairs}

    def touch(self, mib, timeout=120):
        """Makes the guest use that much memory and free it; returns the milliseconds it took."""
        return float(self.run(f"occupy {mib}", timeout=timeout))

    # The kernel log

    def log(self):
        return self._console.text()

    def mark_log(self):
        """A position for log_since()."""
        return self._console.size()

    def log_since(self, mark):
        return self._console.text(mark)

    def wait_until(self, condition, what, timeout=30):
        """Waits until the condition, a function, is true; says else what was awaited."""
        deadline = clock.now() + timeout
        while not condition():
            self.attend()
            if clock.now() > deadline:
                raise self.with_console(GuestTimeout, f"after {timeout} s not: {what}")
            time.sleep(0.02)

    def console_tail(self, lines=CONSOLE_LINES):
        return self._console.tail(lines)

    def wait_log(self, pattern, since=0, timeout=30):
        """Waits until the log holds the pattern; returns the match."""
        deadline = clock.now() + timeout
        while True:
            match = re.search(pattern, self.log_since(since))
            if match:
                return match
            self.attend()
            if clock.now() > deadline:
                raise self.with_console(GuestTimeout, f"not in the log: {pattern}")
            time.sleep(0.1)

    # QEMU

    def qmp(self, name, **arguments):
        return self._talk(self._qmp.command, name, arguments)

    def events(self, name=None):
        """QMP events so far, as QEMU sent them."""
        return self._talk(self._qmp.events, name)

    def wait_event(self, name, seen=0, timeout=30):
        """Waits for more than `seen` QMP events of that name; returns the newest."""
        return self._talk(self._qmp.wait_event, name, seen, timeout)

    def host_rss(self):
        """Bytes of the guest's memory that the host holds."""
        return hostmemory.resident(self.pid, self._memory_bytes)

    @property
    def memory_bytes(self):
        """What the machine has; more than asked for where the kernel needs some to check itself."""
        return self._memory_bytes

    @property
    def kept_bytes(self):
        """What may not be free again though nobody has it; none in Debian's kernels."""
        return flavour.kept_bytes(self._memory_bytes)

    def host_huge(self):
        """Bytes of the guest's memory that the host holds in huge pages."""
        return hostmemory.huge(self.pid, self._memory_bytes)

    # The balloon

    def balloon_bytes(self):
        """What the device says that the balloon took."""
        return self._memory_bytes - self.qmp("query-balloon")["actual"]

    def balloon_mib(self):
        return self.balloon_bytes() / MIB

    def set_balloon(self, mib):
        """Asks for that much of the guest's memory; does not wait."""
        self.set_target_bytes(self._memory_bytes - mib * MIB)

    def set_target_bytes(self, value):
        """The raw QMP command: how much memory the guest is to be left with."""
        self.qmp("balloon", value=value)

    def move_balloon(self, mib, timeout=60):
        """Asks for that much of the guest's memory, and waits until the balloon has it."""
        self.set_balloon(mib)
        return self.wait_balloon(mib, timeout)

    def wait_balloon(self, mib, timeout=60, poll=0.02):
        """Waits until the device says that the balloon took exactly that; returns seconds."""
        start = clock.now()
        while self.balloon_bytes() != mib * MIB:
            if clock.now() - start > timeout:
                raise self.with_console(
                    GuestTimeout, f"after {timeout} s the balloon holds "
                    f"{self.balloon_mib():.2f} MiB instead of {mib} MiB")
            time.sleep(poll)
        return clock.now() - start

    def wait_moving(self, size=0, timeout=60):
        """Waits until the balloon has another size than that, in bytes; returns it."""
        start = clock.now()
        while (now := self.balloon_bytes()) == size:
            if clock.now() - start > timeout:
                raise self.with_console(GuestTimeout, f"after {timeout} s nothing has moved")
        return now

    def count_all_free(self):
        """From now on few free pages wait on the processors' own lists, where the kernel does
        not count them; else how many do is chance, and may be a twentieth of the memory."""
        self.run("echo 1000 >/proc/sys/vm/percpu_pagelist_high_fraction")

    def balloon_features(self):
        """The numbers of the device's own features that the driver accepted."""
        bits = self.read(f"{BOUND}/features").strip()
        return {bit for bit, value in enumerate(bits[:TRANSPORT_FEATURES]) if value == "1"}

    def balloon_interrupts(self):
        """How often the device has interrupted the guest since boot."""
        name = self.run(f"basename {BOUND}").strip()
        lines = self.read("/proc/interrupts").splitlines()
        return sum(int(line.split()[1]) for line in lines if name in line)

    def plug_balloon(self, options=""):
        """Adds the balloon device while the guest runs."""
        words = self._balloon_device(options).split(",")
        settings = dict(word.split("=", 1) for word in words[1:])
        settings.update({name: value == "on" for name, value in settings.items()
                         if value in ("on", "off")})
        self.qmp("device_add", driver=words[0], **settings)

    def wait_bound(self, timeout=30):
        """Waits until a driver has the balloon device."""
        self.wait_until(lambda: self.run(f"ls -d {BOUND}/features", check=False)
                        .strip().endswith("features"), "a driver has the balloon", timeout)

    def unplug_balloon(self, timeout=30):
        """Removes the balloon device; waits until the guest has let go of it."""
        seen = len(self.events("DEVICE_DELETED"))
        self.qmp("device_del", id="balloon0")
        deadline = clock.now() + timeout
        while not any(event["data"].get("device") == "balloon0"
                      for event in self.events("DEVICE_DELETED")[seen:]):
            self._check_alive()
            if clock.now() > deadline:
                raise self.with_console(GuestTimeout, "the guest does not let go of the balloon")
            time.sleep(0.05)

    # The driver

    def load_module(self, module="aerostat", parameters=""):
        if module is None:
            return
        if module == "aerostat" and not paths.DRIVER.exists():
            raise GuestError("driver/virtio_balloon.ko is not built; run: make")
        self.run(f"insmod /lib/{module}/virtio_balloon.ko {parameters}")
        self.module = module

    def unload_module(self, timeout=60):
        self.run("rmmod virtio_balloon", timeout=timeout)
        self.module = None

    # Migration

    def migrate(self, bandwidth=64 * MIB, downtime=0.3):
        """
        Starts to move the guest into a second QEMU, and returns the Migration.

        bandwidth  bytes sent each second at most
        downtime   seconds that the guest may stand still
        """
        if not self._movable:
            raise GuestError("only a guest with movable=True can migrate")
        if self._migration and self._migration.running():
            raise GuestError("the guest is migrating already")
        started = migration.Migration(self, self._qmp, self._shell, self._start_emulator,
                                      self._arrive)
        self._talk(started.start, bandwidth, downtime)
        self._migration = started
        return started

    def _arrive(self, emulator, monitor):
        left, self._emulator = self._emulator, emulator
        self._qmp.continue_with(monitor)
        self._shell.continue_with(emulator.shell)
        left.close()

    # Boot again

    @contextlib.contextmanager
    def asleep(self):
        """The guest suspends to RAM, is woken by the host in the end, and goes on."""
        seen = len(self.events("SUSPEND"))
        # It answers before it sleeps.
        sleeper = self.start("sleep 0.7; echo mem >/sys/power/state")
        self.wait_event("SUSPEND", seen)
        yield
        self.qmp("system_wakeup")
        if sleeper.wait():
            raise GuestError(f"the guest does not sleep: {sleeper.output()}")

    def reset(self):
        """Resets the machine and waits for the new boot. No driver is loaded then."""
        self.qmp("set-action", reboot="reset")
        self._boot_mark = self.mark_log()
        seen = len(self.events("RESET"))
        self.qmp("system_reset")
        self.wait_event("RESET", seen)
        self.after_reboot()

    def after_reboot(self):
        """Waits for the boot that the guest itself or a test began."""
        self.module = None
        self._processes.clear()
        self._talk(self._shell.wait_ready, self.boot_seconds)
        self._baseline = self._measure_memory()
        self.qmp("set-action", reboot="shutdown")

    # The final check

    def forgive(self, *patterns):
        """Lines in the log that match are expected in this test."""
        self._forgiven += patterns

    def expect_dead(self):
        """The guest may be gone at the end: only its log is checked then."""
        self._may_be_dead = True

    def check_health(self):
        if not self._may_be_dead:
            self._check_alive()
            self._check_memory_returns()
            self.look_for_leaks()
            coverage.keep(self, self._name)
        self.check_log()

    def check_log(self):
        """Raises when the log complains of something that is not forgiven."""
        complaints = self._console.complaints(self._forgiven)
        if complaints:
            raise self.with_console(
                GuestUnhealthy, "the guest's log complains:\n  " + "\n  ".join(complaints) + "\n")

    def _check_memory_returns(self):
        self.stop_processes()
        if self.module:
            self.unload_module()
        deadline = clock.now() + SETTLE_SECONDS
        problem = self._memory_problem()
        while problem and clock.now() < deadline:
            time.sleep(0.5)
            problem = self._memory_problem()
        if problem:
            raise self.with_console(GuestUnhealthy, problem)

    def look_for_leaks(self):
        """A kernel that can looks for memory that nothing leads to, and logs what it finds."""
        self.run(LOOK_FOR_LEAKS, timeout=60)

    def stop_processes(self):
        """Ends what start() began and still runs."""
        while self._processes:
            self._processes.pop().stop()

    def _measure_memory(self):
        """Bytes in total and bytes free."""
        self.run("sync; echo 3 >/proc/sys/vm/drop_caches")
        return self.meminfo()["MemTotal"], self.free_memory()

    def _memory_problem(self):
        total, free = self._measure_memory()
        total_before, free_before = self._baseline
        if total != total_before:
            return (f"the guest has {total} bytes of memory in total, "
                    f"after boot it had {total_before}")
        if free < free_before - MEMORY_TOLERANCE - self.kept_bytes:
            return f"{(free_before - free) / MIB:.1f} MiB of the guest's memory are not free again"
        return None


CONSOLE_HEADING = "The console's last lines"


def _parse_meminfo(text):
    meminfo = {}
    for line in text.splitlines():
        name, value = line.split(":")
        number, *unit = value.split()
        meminfo[name] = int(number) * (1024 if unit == ["kB"] else 1)
    return meminfo
