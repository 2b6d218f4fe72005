#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Plays sequences of steps, made up from seeds, against the driver: in several guests at once.

The program tests/guest/adversary.c makes them up and plays them inside a guest. Each guest
has seeds of its own. A fault ends its guest; the seed, its steps and the console are kept
in build/sequences/, and another guest goes on after that seed.
"""

import argparse
import concurrent.futures
import re
import resource
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from rig import Device, Guest, GuestError, OUT_OF_MEMORY, kernel, paths  # noqa: E402
from rig.console import COMPLAINT  # noqa: E402
from rig.hostile import NEVER_RESET, PATIENT  # noqa: E402

MADE = paths.MADE / "sequences"
LOG = MADE / "log"
MEMORY = 256
SLICE = 500
SECONDS_EACH = 20
BOOT_SECONDS = 60
FAILED_BOOTS = 5
FORGIVEN = re.compile(f"{OUT_OF_MEMORY}|{NEVER_RESET}")
SEED = re.compile(r"adversary: seed (\d+)")
FAULT = re.compile(r"adversary: fault in seed (\d+): (.*)")


class Fault(Exception):
    """What a guest did not bear: the seed, what it was, and what was seen."""

    def __init__(self, seed, what, seen):
        super().__init__(f"seed {seed}: {what}")
        self.seed = seed
        self.what = what
        self.seen = seen


def complaint_in(log):
    """The first line of the kernel's log that complains, and the seed that was played then."""
    seed = None
    for line in log.splitlines():
        found = SEED.search(line)
        seed = int(found[1]) if found else seed
        if COMPLAINT.search(line) and not FORGIVEN.search(line):
            return seed, line
    return None


def _judge(guest, output, first):
    """Raises Fault for what the program, or the kernel's log, complains of."""
    found = FAULT.search(output)
    complaint = complaint_in(guest.log())
    if complaint:
        raise Fault(complaint[0] or first, complaint[1], output)
    if found:
        raise Fault(int(found[1]), found[2], output)


def _play(guest, command, first, seconds):
    program = guest.start(command)
    deadline = time.monotonic() + seconds
    while program.running():
        _judge(guest, "", first)
        if time.monotonic() > deadline:
            raise Fault(first, f"not done after {seconds:.0f} s", program.output())
        time.sleep(0.5)
    output = program.output()
    _judge(guest, output, first)
    if program.status():
        raise Fault(first, f"the program ended with status {program.status()}", output)
    return output


def _newest_seed(log, first):
    seeds = SEED.findall(log)
    return int(seeds[-1]) if seeds else first


def play(first, count, name="sequences", cpus=2, command=None):
    """Plays the sequences of that many seeds in one guest; returns what the program printed."""
    MADE.mkdir(parents=True, exist_ok=True)
    seconds = BOOT_SECONDS + count * SECONDS_EACH
    guest = Guest(memory=MEMORY, balloon=None, module=None, cpus=cpus, name=name,
                  cmdline=PATIENT, life=2 * seconds)
    log = ""
    with guest:
        guest.forgive(".")
        guest.expect_dead()
        try:
            Device(guest)
            guest.load_module()
            kept = guest.kept_bytes // 1024
            return _play(guest, f"KEPT_KIB={kept} {command or f'adversary run {first} {count}'}",
                         first, seconds)
        except Fault:
            raise
        except GuestError as error:
            log = guest.log()
            complaint = complaint_in(log) or (_newest_seed(log, first), str(error).split("\n")[0])
            raise Fault(*complaint, str(error)) from None
        finally:
            (MADE / f"{name}.console").write_text(log or guest.log())


class Campaign:
    """Seeds that are handed out to guests, slice by slice, and what became of them."""

    def __init__(self, first, count, cpus, first_fault=False):
        self._first_fault = first_fault
        self._next = first
        self._end = first + count
        self._cpus = cpus
        self._lock = threading.Lock()
        self.played = 0
        self.faults = []

    def _take(self):
        with self._lock:
            first = self._next
            count = min(SLICE, self._end - first)
            self._next += count
            return first, count

    def _note(self, count, fault=None):
        with self._lock:
            self.played += count
            if fault:
                self.faults.append(fault)
            if fault and self._first_fault:
                self._next = self._end
        if fault:
            save(fault)
            print(f"sequences: FAULT in seed {fault.seed}: {fault.what}", flush=True)

    def work(self, number):
        """One guest after the other, until no seed is left."""
        boots_left = FAILED_BOOTS
        first, count = self._take()
        while count:
            try:
                play(first, count, f"sequences-{number}", self._cpus or 2 - number % 2)
            except Fault as fault:
                done = min(max(fault.seed - first + 1, 1), count)
                self._note(done, fault)
                first, count = first + done, count - done
                if count and not self._first_fault:
                    continue
            except GuestError as error:
                boots_left -= 1
                print(f"sequences: {str(error).splitlines()[0]}", flush=True)
                if not boots_left:
                    raise
                continue
            else:
                self._note(count)
                print(f"sequences: {self.played} played, to seed {first + count - 1}", flush=True)
            first, count = self._take()


def save(fault):
    """Keeps what is needed to understand a fault, and to play it again."""
    log = "\n".join(path.read_text() for path in sorted(MADE.glob("*.console"))
                    if f"adversary: seed {fault.seed}\n" in path.read_text())
    (MADE / f"fault-{fault.seed}").write_text(
        f"seed {fault.seed}: {fault.what}\nkernel {kernel.version()}\n\n{fault.seen}\n\n{log}\n")


def _processor_seconds():
    """What the guests that have ended took."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _note_in_log(seed, campaign, seconds, jobs):
    with open(LOG, "a", encoding="utf-8") as log:
        log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} kernel {kernel.version()} seeds {seed} "
                  f"to {seed + campaign.played - 1}: {campaign.played} sequences in "
                  f"{seconds:.0f} s, {_processor_seconds():.0f} s of processors, {jobs} jobs, "
                  f"{len(campaign.faults)} faults"
                  f"{''.join(f' {fault.seed}' for fault in campaign.faults)}\n")


def run(seed, count, jobs, cpus, first_fault=False):
    """Returns the campaign, played to its end."""
    MADE.mkdir(parents=True, exist_ok=True)
    campaign = Campaign(seed, count, cpus, first_fault)
    begun = time.monotonic()
    try:
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for done in [pool.submit(campaign.work, number) for number in range(jobs)]:
                done.result()
    finally:
        _note_in_log(seed, campaign, time.monotonic() - begun, jobs)
    return campaign


def _replay(seed, cpus):
    try:
        print(play(seed, 1, f"replay-{seed}", cpus or 2, f"adversary replay {seed}"))
    except Fault as fault:
        save(fault)
        print(f"{fault.seen}\nsequences: FAULT in {fault}")
        return 1
    return 0


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--count", type=int, default=1000, help="how many (default 1000)")
    parser.add_argument("--seed", type=int, help="the first seed (default: from the clock)")
    parser.add_argument("--jobs", type=int, default=2, help="guests at once (default 2)")
    parser.add_argument("--cpus", type=int, help="processors of each (default 2 and 1 in turn)")
    parser.add_argument("--first-fault", action="store_true", help="end with the first fault")
    parser.add_argument("--replay", type=int, metavar="SEED", help="play one, step by step")
    return parser.parse_args()


def main():
    arguments = _arguments()
    if arguments.replay is not None:
        return _replay(arguments.replay, arguments.cpus)
    seed = int(time.time()) * 1000000 if arguments.seed is None else arguments.seed
    print(f"sequences: {arguments.count} from seed {seed}", flush=True)
    begun = time.monotonic()
    campaign = run(seed, arguments.count, arguments.jobs, arguments.cpus,
                   arguments.first_fault)
    seconds = time.monotonic() - begun
    print(f"sequences: {campaign.played} in {seconds:.0f} s, {campaign.played / seconds:.1f} a "
          f"second, {_processor_seconds():.0f} s of processors, {len(campaign.faults)} faults; "
          f"{LOG.relative_to(paths.ROOT)} has it all")
    return 1 if campaign.faults else 0


if __name__ == "__main__":
    sys.exit(main())
