# SPDX-License-Identifier: GPL-2.0-or-later
"""The host that a test plays itself: a balloon device emulated inside the guest.

It does what QEMU never does: it answers late, in steps or never, breaks and vanishes,
changes its mind about hints at any step, and overwrites each page that it owns at any
moment. It notes what the driver does, and what the driver must not do.
"""

import contextlib
import time

from . import clock
from .errors import CommandFailed, GuestError, GuestTimeout

MODULE = "/lib/device/balloon_device.ko"
CONTROLS = "/sys/kernel/debug/balloon_device"
FEATURES = {"must-tell-host": 0, "stats": 1, "deflate-on-oom": 2, "free-page-hint": 3,
            "page-poison": 4, "reporting": 5, "indirect": 28, "event-index": 29,
            "access-platform": 33}
VERSION_1 = 32
QUEUES = ("inflate", "deflate", "statistics", "hint", "report")
SCRIBBLE = 0xdead0badf00dbeef
STOP, DONE = 0, 1
FRAMES_PER_MIB = 256
# What the device keeps of its log.
LOG_LINES = 8192


class Device:
    def __init__(self, guest, features=(), queue_size=128, legacy=False, scribble=True):
        """
        features    names from FEATURES that the device offers
        queue_size  buffers that fit into each queue, a power of two
        legacy      the device is of the time before the standard
        scribble    overwrite the pages that the host owns, at any moment
        """
        self._guest = guest
        self._legacy = legacy
        guest.run(f"insmod {MODULE}")
        self.offer(features)
        self.set_queue_size(queue_size)
        self._write("scribble", int(scribble))

    def _write(self, control, value, timeout=30):
        self._guest.run(f"echo {value} >{CONTROLS}/{control}", timeout=timeout)

    def _read(self, control):
        return self._guest.read(f"{CONTROLS}/{control}")

    # Coming and going

    def offer(self, features):
        """What the device offers when it is plugged next."""
        bits = [FEATURES[name] for name in features] + ([] if self._legacy else [VERSION_1])
        self._write("features", f"{sum(1 << bit for bit in bits):x}")

    def plug(self):
        self._write("plugged", 1)

    def unplug(self, timeout=60):
        self._write("plugged", 0, timeout)

    def set_queue_size(self, buffers):
        """How large the queues of the next device are."""
        self._write("queue_size", buffers)

    def take_out(self, timeout=60):
        """Takes the device out, or waits until it has gone by itself."""
        deadline = clock.now() + timeout
        while self.is_plugged():
            if clock.now() > deadline:
                raise self._guest.with_console(GuestTimeout, "the device can't be taken out")
            with contextlib.suppress(CommandFailed):
                self.unplug(timeout)

    def limit_queues(self, count):
        """The driver can have that many queues; asking for the next one fails."""
        self._write("queue_limit", count)

    def take_time_to_be_ready(self, milliseconds):
        """From now on a driver that says it is ready waits so long until the device is."""
        self._write("ready_ms", milliseconds)

    def take_time_to_notice(self, milliseconds):
        """From now on each notification takes so long, as where a hypervisor works in it."""
        self._write("notice_ms", milliseconds)

    def surprise_unplug(self, timeout=60):
        self._write("plugged", "surprise", timeout)

    def break_queues(self):
        self._write("break", 1)

    def remove(self):
        """Takes the device and the module that plays it out of the guest."""
        self.unplug()
        self._guest.run("rmmod balloon_device")

    # Size

    def set_num_pages(self, pages):
        self._write("num_pages", pages)

    def set_target(self, mib):
        self.set_num_pages(mib * FRAMES_PER_MIB)

    def actual_pages(self):
        return int(self._read("actual"))

    def actual_mib(self):
        return self.actual_pages() / FRAMES_PER_MIB

    def wait_actual_pages(self, pages, timeout=30):
        """Waits until the driver says exactly that; returns seconds."""
        start = clock.now()
        while self.actual_pages() != pages:
            if clock.now() - start > timeout:
                raise self._guest.with_console(
                    GuestTimeout, f"after {timeout} s the balloon holds {self.actual_pages()} "
                    f"pages instead of {pages}\n{self.report()}")
            time.sleep(0.02)
        return clock.now() - start

    def wait_actual(self, mib, timeout=30):
        return self.wait_actual_pages(mib * FRAMES_PER_MIB, timeout)

    def move(self, mib, timeout=30):
        """Sets the target, and waits until the driver says that it is reached."""
        self.set_target(mib)
        return self.wait_actual(mib, timeout)

    def move_pages(self, pages, timeout=30):
        self.set_num_pages(pages)
        return self.wait_actual_pages(pages, timeout)

    def owned_pages(self):
        return int(self._read("owned"))

    def owned_mib(self):
        return self.owned_pages() / FRAMES_PER_MIB

    def wait_owned_pages(self, pages, timeout=30):
        """Waits until the host owns at least that many."""
        deadline = clock.now() + timeout
        while self.owned_pages() < pages:
            if clock.now() > deadline:
                raise self._guest.with_console(
                    GuestTimeout, f"the host owns {self.owned_pages()} pages, not {pages}")
            time.sleep(0.02)

    # Free memory

    def command(self, number):
        """Asks for hints, as the standard numbers it: STOP 0, DONE 1, a round 2 and up."""
        self._write("command", number)

    def poison(self):
        """What the driver wrote as the value of free memory."""
        return int(self._read("poison"), 16)

    def came_back_with(self, word):
        """Of the pages that the host owned once and owns no more: how many begin with that
        word of 64 bits now, and how many there are."""
        self._write("came_back_with", f"{word:x}")
        found, of = self._read("came_back_with").split(" of ")
        return int(found), int(of)

    # Answers; a queue is "inflate", "deflate", "statistics", "hint" or "report"

    def hold(self, queue):
        """From now on requests are seen and not answered."""
        self._write(f"answer_{queue}", "never")

    def answer(self, queue):
        """Answers what is held, and from now on everything at once."""
        self._write(f"answer_{queue}", "at-once")

    def step(self, queue, count=1):
        """Answers that many requests, and holds the rest."""
        self._write(f"answer_{queue}", f"'step {count}'")

    def delay(self, queue, milliseconds):
        self._write(f"answer_{queue}", f"'late {milliseconds}'")

    def claim_written(self, length):
        """From now on answers say that the device has written so many bytes."""
        self._write("used_length", length)

    # A host that means harm

    def strike(self, event, count, action):
        """At the driver's count-th such step from now the device does something.

        event   get, set, look, status, queue, delete, reset, notify-<queue> or request-<queue>
        action  break, gone, vanish, surprise, unplug, need-reset, silence or storm
        """
        self._write("strike", f"'{event} {count} {action}'")

    def calm(self):
        """Nothing strikes any more, and what lied so far speaks the truth."""
        values = {"strike": "none", "num_pages_reads": "", "command_reads": "", "order": "kept",
                  "used_length": "0", "queue_limit": str(len(QUEUES))}
        values |= {f"answer_{queue}": "at-once" for queue in QUEUES}
        values["answer_statistics"] = "never"
        self._guest.run(" && ".join(f"echo {value} >{CONTROLS}/{control}"
                                    for control, value in values.items()))

    def has_struck(self):
        return self._read("strike").strip() == "0"

    def act(self, action):
        """The device does that now."""
        self._write("act", action)

    def lie(self, queue, lie, value=0):
        """Says what is not true: id, twice, jump or garbage. Returns False without a reason to."""
        try:
            self._write("lie", f"'{queue} {lie} {value}'")
        except CommandFailed:
            return False
        return True

    def answer_in_order(self, order, chance=1):
        """kept, reversed or random, which begins at that chance."""
        self._write("chance", chance)
        self._write("order", order)

    def read_targets(self, *pages):
        """num_pages reads as each of these, round and round; without any as it is."""
        self._write("num_pages_reads", "'" + " ".join(map(str, pages)) + "'")

    def read_commands(self, *commands):
        """The command reads as each of these, round and round; without any as it is."""
        self._write("command_reads", "'" + " ".join(map(str, commands)) + "'")

    def storm(self, count):
        """So many interrupts for each queue and the configuration, without a reason."""
        self._write("storm", count, timeout=60)

    def is_plugged(self):
        return self._read("plugged").strip() == "1"

    # What happened

    def status(self):
        return int(self._read("status"), 16)

    def log(self):
        """What the driver did, one line for each thing."""
        lines = self.newest_log()
        if len(lines) >= LOG_LINES:
            raise GuestError("the device's log is full, and its beginning lost: clear it earlier")
        return lines

    def newest_log(self):
        """The last lines of log(), which may have more than the device keeps."""
        return self._read("log").splitlines()

    def clear_log(self):
        self._write("log", "clear")

    def wait_noted(self, words, count=1, timeout=60):
        """Waits until that many lines of the log begin with the words; returns the newest."""
        deadline = clock.now() + timeout
        while True:
            log = self.newest_log()
            if sum(line.startswith(words) for line in log) >= count:
                return log
            if clock.now() > deadline:
                raise self._guest.with_console(
                    GuestTimeout, f"not {count} times in the device's log: {words}\n"
                    f"{self.report()}")
            time.sleep(0.05)

    def notifications(self, queue):
        """How often the driver has ever notified that queue."""
        counts = dict(line.split() for line in self._read("notified").splitlines())
        return int(counts[queue])

    def violations(self):
        """What the driver did against the standard's rules, one line for each time."""
        return self._read("violations").splitlines()

    def report(self):
        newest = "\n  ".join(self.newest_log()[-15:])
        return f"violations: {self.violations()[:10]}\nthe newest of the device's log:\n  {newest}"
