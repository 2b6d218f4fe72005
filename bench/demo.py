# SPDX-License-Identifier: GPL-2.0-or-later
"""Shows what Aerostat does: takes memory from a running guest and gives it back,
then lets the driver that Linux ships do the same, and puts both side by side.

The clock runs from the command to the hypervisor until the balloon device says
that it is done. Guests have used all the memory before, so the host really
holds it.
"""

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from rig import Guest, GuestError  # noqa: E402
from rig import accelerator, kernel  # noqa: E402
from rig.emulator import PROGRAM  # noqa: E402
from rig.hostmemory import process_resident  # noqa: E402
from usage import use  # noqa: E402

MIB = 1 << 20
# What the guest keeps free: enough to run on, too little to blur what the host gets back.
SLACK_MIB = 192
POLL_SECONDS = 0.005
TIME_LIMIT_SECONDS = 120
BAR_WIDTH = 24
DRIVERS = {"aerostat": "Aerostat", "shipped": "shipped with Linux"}


@dataclass
class Result:
    taken_mib: int
    take_seconds: float
    give_seconds: float
    returned_mib: float


class LiveLine:
    """One line redrawn in a terminal; elsewhere plain lines, at most one a second."""

    def __init__(self, title, guest, most_mib):
        self._title = title
        self._guest = guest
        self._most_mib = most_mib
        self._terminal = sys.stdout.isatty()
        self._pause = 0.1 if self._terminal else 1.0
        self._next = 0.0

    def show(self, phase, balloon_mib, force=False):
        if not force and time.monotonic() < self._next:
            return
        host_mib = process_resident(self._guest.pid) / MIB
        left_mib = self._guest.memory - balloon_mib
        text = (f"{self._title:<18}  {phase:<11}  guest {left_mib:5.0f} MiB  "
                f"balloon {balloon_mib:5.0f} MiB {self._bar(balloon_mib)}  "
                f"host {host_mib:5.0f} MiB")
        print(f"\r{text}\033[K" if self._terminal else text,
              end="" if self._terminal else "\n", flush=True)
        self._next = time.monotonic() + self._pause

    def say(self, text):
        print(f"\r{self._title:<18}  {text}\033[K" if self._terminal
              else f"{self._title:<18}  {text}", flush=True)

    def _bar(self, balloon_mib):
        filled = round(BAR_WIDTH * min(balloon_mib / self._most_mib, 1))
        return "[" + "#" * filled + "." * (BAR_WIDTH - filled) + "]"


def move_balloon(guest, mib, phase, line):
    """Returns the seconds until the device reports the target."""
    start = time.monotonic()
    guest.set_balloon(mib)
    while (held := guest.balloon_mib()) != mib:
        if time.monotonic() - start > TIME_LIMIT_SECONDS:
            raise GuestError(f"{phase}: after {TIME_LIMIT_SECONDS} s the balloon holds "
                             f"{held:.0f} MiB instead of {mib} MiB\n{guest.console_tail()}")
        line.show(phase, held)
        time.sleep(POLL_SECONDS)
    seconds = time.monotonic() - start
    line.show(phase, mib, force=True)
    return seconds


def use_memory(guest, take_mib):
    """A program holds what is not to be taken; another used the rest and has freed it."""
    usable_mib = guest.meminfo()["MemFree"] // MIB - SLACK_MIB
    if usable_mib > take_mib:
        guest.start(f"occupy {usable_mib - take_mib} hold").wait_output("\n")
    use(guest, f"occupy {min(take_mib, usable_mib) + SLACK_MIB // 2}")


def say_guest_memory(guest, line, when):
    meminfo = guest.meminfo()
    line.say(f"guest {when}: {meminfo['MemTotal'] / MIB:.0f} MiB in total, "
             f"{meminfo['MemFree'] / MIB:.0f} MiB free; "
             f"host holds {guest.host_rss() / MIB:.0f} MiB")


def measure(driver, arguments):
    balloon = "free-page-reporting=on" if arguments.reporting else ""
    with Guest(memory=arguments.memory, module=None, fresh=True, cmdline=arguments.cmdline,
               name=f"demo-{driver}", balloon=balloon) as guest:
        line = LiveLine(DRIVERS[driver], guest, arguments.take)
        line.say("guest is up; it uses its memory once, so that the host holds it")
        use_memory(guest, arguments.take)
        guest.load_module(driver)
        say_guest_memory(guest, line, "before")
        before = guest.host_rss()
        take_seconds = move_balloon(guest, arguments.take, "taking", line)
        after = guest.host_rss()
        say_guest_memory(guest, line, "after")
        give_seconds = move_balloon(guest, 0, "giving back", line)
        say_guest_memory(guest, line, "at the end")
    return Result(arguments.take, take_seconds, give_seconds, (before - after) / MIB)


def print_header(arguments, accelerator):
    version = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True)
    qemu = version.stdout.split("\n")[0].replace("QEMU emulator version ", "QEMU ")
    print(f"A guest of {arguments.memory} MiB, from which {arguments.take} MiB are taken "
          f"and given back; free page reporting is {'on' if arguments.reporting else 'off'}.")
    print(f"Linux {kernel.version()} ({arguments.cmdline or 'as Debian configures it'}), {qemu}, "
          f"accelerator {accelerator}")
    if accelerator == "tcg":
        print("The guest's CPU is emulated: compare the drivers, do not take the "
              "figures for those of hardware.")
    print(flush=True)


def table_rows(result):
    gib = result.taken_mib / 1024
    share = 100 * result.returned_mib / result.taken_mib
    return [f"{result.take_seconds:.3f} s", f"{gib / result.take_seconds:.2f} GiB/s",
            f"{result.give_seconds:.3f} s", f"{gib / result.give_seconds:.2f} GiB/s",
            f"{result.returned_mib:.0f} MiB ({share:.0f} %)"]


def print_table(results):
    labels = ["take", "", "give back", "", "returned to the host"]
    columns = [table_rows(result) for result in results.values()]
    print("\n" + " " * 22 + "".join(f"{DRIVERS[driver]:>20}" for driver in results))
    for label, *cells in zip(labels, *columns):
        print(f"{label:<22}" + "".join(f"{cell:>20}" for cell in cells))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--memory", type=int, default=4096, help="the guest's memory in MiB")
    parser.add_argument("--take", type=int, default=3072, help="how many MiB to take")
    parser.add_argument("--reporting", action="store_true",
                        help="the device takes reports of free memory: free-page-reporting=on")
    parser.add_argument("--driver", choices=DRIVERS, help="show one driver only")
    parser.add_argument("--cmdline", default="",
                        help="parameters of the guest's kernel, such as init_on_alloc=0")
    arguments = parser.parse_args()
    if arguments.memory < 512:
        parser.error("--memory: the guest needs 512 MiB or more")
    if not 0 < arguments.take <= arguments.memory * 3 // 4:
        parser.error(f"--take: between 1 and {arguments.memory * 3 // 4} MiB, "
                     "three quarters of the guest's memory")
    return arguments


def main():
    arguments = parse_arguments()
    drivers = [arguments.driver] if arguments.driver else list(DRIVERS)
    try:
        print_header(arguments, accelerator.choose())
        results = {driver: measure(driver, arguments) for driver in drivers}
    except GuestError as error:
        sys.exit(f"\nThe demo failed: {error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped.")
    print_table(results)


if __name__ == "__main__":
    main()
