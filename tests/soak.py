# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest under QEMU to which everything happens for hours, at random from a printed seed.

Programs in it notice each word of memory and of a file that changes behind their backs. The
end, and any fault, brings a report: what was done, how much moved, what went wrong.
"""

import argparse
import contextlib
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from rig import OUT_OF_MEMORY, Guest, paths
from rig.disk import empty_disk
from rig.errors import CommandFailed, GuestError
from rig.pattern import assert_whole, start_pattern
from rig.visible import figures

MIB = 1 << 20
MEMORY_MIB = 1024
MODULE_MIB = 256
SWAP_MIB = 256
FILE_MIB = 128
HOURS_MOST = 1000
BALLOON = "free-page-reporting=on,deflate-on-oom=on,free-page-hint=on,iothread=io0"
DEVICES = ["-m", "slots=2,maxmem=4G", "-object", "iothread,id=io0",
           "-object", f"memory-backend-ram,id=memory1,size={MODULE_MIB}M",
           "-device", "pc-dimm,memdev=memory1,id=module1"]
CMDLINE = "memhp_default_state=online_movable"
SPENT = ("inflated", "deflated", "migrated", "taken_back", "reported", "hinted", "refused")
# A guest that is so busy may take long to let go of a memory module, and may refuse to.
UNPLUG_SECONDS = 60
FAST = 1 << 40
STILL_MS = 2000
PROGRESS_SECONDS = 300
FAULTS = "/sys/kernel/debug/failslab"
FAIL_ALLOCATIONS = f"cd {FAULTS}; echo 0 >verbose; echo -1 >times; echo 5 >probability"


class Soak:
    def __init__(self, guest, seed):
        self._guest = guest
        self._chance = random.Random(seed)
        self._done = Counter()
        self._spent = Counter()
        self._noted = {}
        self._begun = time.monotonic()
        self._has_module = True
        self._patterns = []
        self._hogs = []
        self._actions = {
            self.target: 30, self.storm: 6, self.hog: 10, self.relent: 8, self.compact: 6,
            self.migrate: 3, self.doze: 2, self.stand_still: 2, self.reload: 3, self.replug: 2,
            self.module: 3, self.rest: 20, self.drop_cache: 3}

    def prepare(self):
        if self._guest.run(f"ls -d {FAULTS}", check=False).startswith(FAULTS):
            self._actions[self.inject] = 3
        self._guest.qmp("migrate-set-capabilities", capabilities=[
            {"capability": "pause-before-switchover", "state": True}])
        self._guest.run("mkswap /dev/vdb; swapon /dev/vdb")
        self._patterns = [start_pattern(self._guest, words)
                          for words in ("60 base at 40", "40 huge at 40")]
        files = self._guest.start(f"filepattern /dev/vda {FILE_MIB}")
        files.wait_output("pattern: ready")
        self._patterns.append(files)

    def step(self):
        action = self._chance.choices(*zip(*self._actions.items()))[0]
        action()
        self._done[action.__name__] += 1
        self._guest.attend()
        for pattern in self._patterns:
            if not pattern.running():
                raise GuestError(f"{pattern.command}: {pattern.output()}")

    def finish(self):
        self._guest.set_balloon(0)
        for hog in self._hogs:
            hog.stop()
        for pattern in self._patterns:
            assert_whole(pattern)
        self._note_figures()
        self._guest.run("swapoff /dev/vdb", timeout=300)
        if not self._has_module:
            self.module()

    # What happens

    def target(self):
        """The machine may have a module more, of which the target counts as a part."""
        total = MEMORY_MIB + MODULE_MIB * self._has_module
        self._guest.set_target_bytes((total - self._chance.randrange(total)) * MIB)

    def storm(self):
        for _ in range(self._chance.randrange(5, 30)):
            self.target()
            time.sleep(self._chance.random() * 0.1)

    def hog(self):
        if len(self._hogs) >= 3:
            return self.relent()
        mib = self._chance.randrange(20, 300)
        self._hogs.append(self._guest.start(
            f"echo 1000 >/proc/$$/oom_score_adj; exec occupy {mib} hold"))

    def relent(self):
        if self._hogs:
            self._hogs.pop(self._chance.randrange(len(self._hogs))).stop()

    def compact(self):
        self._guest.run("echo 1 >/proc/sys/vm/compact_memory", timeout=60)

    def migrate(self):
        """
        To nowhere, with hints; it changes its mind in the middle, or at the very end.

        It is never completed: QEMU 7.2 may crash when disks are handed over and taken back.
        """
        self._guest.qmp("migrate-set-parameters",
                        **{"max-bandwidth": FAST, "downtime-limit": STILL_MS})
        self._guest.qmp("migrate", uri="exec:cat >/dev/null")
        if self._chance.random() < 0.5:
            time.sleep(self._chance.random() * 3)
            self._guest.qmp("migrate_cancel")
        self._wait_migration("cancelled", "pre-switchover")
        self._guest.qmp("migrate_cancel")
        self._wait_migration("cancelled")

    def _wait_migration(self, *states):
        deadline = time.monotonic() + 120
        while (state := self._guest.qmp("query-migrate")["status"]) not in states:
            if time.monotonic() > deadline:
                raise GuestError(f"a migration to nowhere is {state}")
            time.sleep(0.1)

    def doze(self):
        self._guest.run("echo devices >/sys/power/pm_test; echo freeze >/sys/power/state",
                        timeout=120)

    def stand_still(self):
        self._guest.qmp("stop")
        time.sleep(self._chance.random() * 3)
        self._guest.qmp("cont")

    def reload(self):
        self._note_figures()
        self._guest.unload_module()
        self._noted = {}
        time.sleep(self._chance.random())
        self._guest.load_module(
            parameters=self._chance.choice(["", "inflate_by_report=off", "oom_pages=2048"]))

    def replug(self):
        self._note_figures()
        self._guest.unplug_balloon(timeout=60)
        self._noted = {}
        time.sleep(self._chance.random())
        self._guest.plug_balloon(BALLOON)
        self._guest.run("until [ -e /sys/bus/virtio/drivers/virtio_balloon/virtio* ]; "
                        "do sleep 0.05; done")

    def module(self):
        """The memory module goes, if the guest lets it go, or comes back."""
        if not self._has_module:
            self._guest.qmp("device_add", driver="pc-dimm", memdev="memory1", id="module1")
            self._has_module = True
            return
        seen = len(self._guest.events("DEVICE_DELETED"))
        self._guest.set_target_bytes((MEMORY_MIB + MODULE_MIB) * MIB)
        self._guest.qmp("device_del", id="module1")
        with contextlib.suppress(GuestError):
            self._guest.wait_event("DEVICE_DELETED", seen, timeout=UNPLUG_SECONDS)
        self._has_module = len(self._guest.events("DEVICE_DELETED")) == seen

    def drop_cache(self):
        """Clean cache is dropped and has to be read again."""
        self._guest.run("echo 3 >/proc/sys/vm/drop_caches", timeout=60)

    def inject(self):
        """The driver starts while some allocations fail."""
        self._note_figures()
        self._guest.unload_module()
        self._guest.run(FAIL_ALLOCATIONS)
        with contextlib.suppress(CommandFailed):
            self._guest.load_module()
            self._guest.unload_module()
        self._guest.run(f"echo 0 >{FAULTS}/probability")
        self._guest.load_module()
        self._noted = {}

    def rest(self):
        time.sleep(self._chance.random() * 3)

    # What came of it

    def _note_figures(self):
        found = figures(self._guest)
        self._spent.update({name: found[name] - self._noted.get(name, 0) for name in SPENT})
        self._noted = found

    def report(self):
        minutes = (time.monotonic() - self._begun) / 60
        lines = [f"{minutes:.1f} minutes, {sum(self._done.values())} actions: " +
                 ", ".join(f"{name} {count}" for name, count in sorted(self._done.items()))]
        lines += [f"{name}: {self._spent[name] / MIB:,.0f} MiB" for name in SPENT
                  if name != "refused"]
        return "\n".join(lines + [f"refused: {self._spent['refused']} times"])


def parse_hours(text):
    try:
        hours = float(text)
    except ValueError:
        hours = -1
    if not 0 < hours <= HOURS_MOST:
        raise argparse.ArgumentTypeError(f"\"{text}\" is not more than 0 and at most {HOURS_MOST}")
    return hours


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=parse_hours, default=2, help="how long; 2 without this")
    parser.add_argument("--seed", type=int, default=int(time.time()),
                        help="repeats an earlier choice of actions; from the clock without this")
    return parser.parse_args()


def soak(guest, soaked, seconds):
    """Until the time is over; says now and then how far it is."""
    end = time.monotonic() + seconds
    progress = time.monotonic() + PROGRESS_SECONDS
    while time.monotonic() < end:
        soaked.step()
        guest.check_log()
        if time.monotonic() > progress:
            print(soaked.report(), flush=True)
            progress += PROGRESS_SECONDS
    soaked.finish()


def main():
    arguments = parse_arguments()
    seconds = arguments.hours * 3600
    print(f"seed {arguments.seed}, {arguments.hours:g} hours", flush=True)
    with tempfile.TemporaryDirectory(dir=paths.BUILD) as directory:
        disks = [empty_disk(Path(directory), size, name)
                 for name, size in (("file", FILE_MIB), ("swap", SWAP_MIB))]
        try:
            with Guest(memory=MEMORY_MIB, balloon=BALLOON, devices=DEVICES, disks=disks, cpus=2,
                       cmdline=CMDLINE, name="soak", life=seconds + 1800) as guest:
                guest.forgive(OUT_OF_MEMORY)
                soaked = Soak(guest, arguments.seed)
                soaked.prepare()
                try:
                    soak(guest, soaked, seconds)
                finally:
                    print(soaked.report(), flush=True)
        except (GuestError, AssertionError) as error:
            sys.exit(f"soak: with seed {arguments.seed}: {error}")
    print("no wrong word, no complaint of the kernel, all memory is back")


if __name__ == "__main__":
    main()
