# SPDX-License-Identifier: GPL-2.0-or-later
"""The cases: which figures of which experiments each one shows, and the goals it judges."""

from dataclasses import dataclass
from statistics import median
from typing import Callable

AEROSTAT, SHIPPED = "aerostat", "shipped"
# The hypervisor is told of blocks of this size where it can be told of blocks at all.
BLOCK_KIB = 4096


class Samples:
    """What the runs so far have measured."""

    def __init__(self):
        self._figures = {}
        self.limit = {}
        self.skipped = {}
        self.failed = {}

    def add(self, experiment, driver, figures):
        self._figures.setdefault(experiment, {}).setdefault(driver, []).append(figures)

    def values(self, experiment, driver, name):
        runs = self._figures.get(experiment, {}).get(driver, [])
        return [figures[name] for figures in runs]

    @classmethod
    def from_dictionary(cls, content):
        samples = cls()
        samples._figures = content["experiments"]
        samples.limit = {int(step): seconds for step, seconds in content["limit"].items()}
        samples.skipped, samples.failed = content["skipped"], content["failed"]
        return samples

    def as_dictionary(self):
        return {"limit": self.limit, "experiments": self._figures, "skipped": self.skipped,
                "failed": self.failed}


@dataclass(frozen=True)
class Figure:
    """One line of the table."""
    experiment: str
    name: str
    label: str
    unit: str
    processor: bool = True  # whether it depends on the guest's CPU

    def values(self, samples, driver):
        return samples.values(self.experiment, driver, self.name)

    def median(self, samples, driver):
        """None without samples."""
        values = self.values(samples, driver)
        return median(values) if values else None


@dataclass(frozen=True)
class Goal:
    """compute returns the value that is judged; it may raise TypeError when a figure is None."""
    text: str
    compute: Callable
    bound: float
    at_least: bool
    unit: str = ""
    processor: bool = True
    faster: Figure = None  # the time of which this goal is that it is shorter

    def value(self, samples):
        try:
            return self.compute(samples)
        except (TypeError, ZeroDivisionError):
            return None

    def reached(self, samples):
        value = self.value(samples)
        if value is None:
            return None
        return value >= self.bound if self.at_least else value <= self.bound


@dataclass(frozen=True)
class Case:
    title: str
    figures: tuple
    goals: tuple

    def experiments(self):
        return list(dict.fromkeys(figure.experiment for figure in self.figures))


# Goals

def times_as_fast(figure, bound, text=None):
    return Goal(text or f"{bound:g} times as fast as the shipped driver",
                lambda samples: figure.median(samples, SHIPPED) / figure.median(samples, AEROSTAT),
                bound, at_least=True, unit="times", faster=figure)


def at_most(figure, bound, text):
    return Goal(text, lambda samples: figure.median(samples, AEROSTAT), bound, at_least=False,
                unit=figure.unit, processor=figure.processor)


def share_at_least(figure, bound, text):
    return Goal(text, lambda samples: figure.median(samples, AEROSTAT), bound, at_least=True,
                unit=figure.unit, processor=figure.processor)


def to_shipped(figure):
    return lambda samples: figure.median(samples, AEROSTAT) / figure.median(samples, SHIPPED)


def no_less(figure, text):
    return Goal(text, to_shipped(figure), 1, at_least=True, unit="times",
                processor=figure.processor)


def no_more(figure, text):
    return Goal(text, to_shipped(figure), 1, at_least=False, unit="times",
                processor=figure.processor)


def within_limit(figure, bound):
    return Goal(f"at most {bound:g} times the machine's limit in steps of 4 MiB",
                lambda samples: figure.median(samples, AEROSTAT)
                / median(samples.limit[BLOCK_KIB]), bound, at_least=False, unit="times")


def same_at_any_size(small, large, bound):
    return Goal(f"at most {bound:g} times as long for each GiB of the larger guest",
                lambda samples: large.median(samples, AEROSTAT) / small.median(samples, AEROSTAT),
                bound, at_least=False, unit="times")


def worst_of_runs(figure, samples, driver):
    return max(figure.values(samples, driver), default=None)


def never_later(figure):
    return Goal("the worst of all runs is not later than the shipped driver's",
                lambda samples: worst_of_runs(figure, samples, AEROSTAT)
                / worst_of_runs(figure, samples, SHIPPED), 1, at_least=False, unit="times")


# Figures

def take_time(experiment, gib=3, **options):
    return Figure(experiment, "take_seconds", f"take {gib} GiB", "s", **options)


def processor_times(experiment, operation):
    return (Figure(experiment, f"{operation}_host_cpu", "host CPU", "s/GiB"),
            Figure(experiment, f"{operation}_guest_cpu", "guest CPU", "s/GiB"))


def returned(experiment):
    return Figure(experiment, "take_returned", "returned to the host", "%", processor=False)


def take_case(title, experiment, *goals, gib=3):
    time = take_time(experiment, gib)
    return Case(title, (time, *processor_times(experiment, "take"), returned(experiment)),
                tuple(goal(time) for goal in goals))


def give_case(title, experiment, bound):
    time = Figure(experiment, "give_seconds", "give back 3 GiB", "s")
    return Case(title, (time, *processor_times(experiment, "give")),
                (times_as_fast(time, bound),))


def zeroing_case():
    time = take_time("zeroing")
    rest = Figure("zeroing", "rest", "all but the zeroing", "ms")
    figures = (time, Figure("zeroing", "zeroing", "the zeroing alone", "s"), rest,
               *processor_times("zeroing", "take"), returned("zeroing"))
    return Case("inflate, reporting on, init_on_alloc=1", figures,
                (times_as_fast(time, 3), at_most(rest, 60, "all but the zeroing: 60 ms")))


def notification_case():
    figures, goals = [], []
    for state, bound in (("on", 8), ("off", 40)):
        for operation, doing in (("take", "taken"), ("give", "given back")):
            for way, words in (("to_host", "to the host"), ("to_guest", "to the guest")):
                figure = Figure(f"notifications, reporting {state}", f"{operation}_{way}",
                                f"reporting {state}, {doing}, {words}", "1/GiB",
                                processor=False)
                figures.append(figure)
                goals.append(at_most(figure, bound,
                                     f"reporting {state}, {doing}: {bound} {words}"))
    return Case("notifications for each GiB", tuple(figures), tuple(goals))


def huge_page_figures(state):
    """The figures, and of them the two that are judged."""
    experiment = f"cycle, reporting {state}"
    share = Figure(experiment, "huge_share", f"reporting {state}, huge pages kept", "%",
                   processor=False)
    ratio = Figure(experiment, "touch_ratio", f"reporting {state}, time of touching", "times")
    return (
        Figure(experiment, "huge_before", f"reporting {state}, huge before", "MiB",
               processor=False),
        Figure(experiment, "huge_after", f"reporting {state}, huge after", "MiB",
               processor=False), share,
        Figure(experiment, "touch_in_place", f"reporting {state}, touch in place", "s"),
        Figure(experiment, "touch_again", f"reporting {state}, touch again", "s"), ratio
    ), share, ratio


def huge_page_case():
    figures_on, share_on, ratio_on = huge_page_figures("on")
    figures_off, share_off, ratio_off = huge_page_figures("off")
    return Case("host huge pages, and touching again, after one cycle", figures_on + figures_off, (
        share_at_least(share_on, 98, "reporting on: 98 % of the huge pages"),
        at_most(ratio_on, 1.3, "reporting on: 1.3 times the time in place"),
        no_less(share_off, "reporting off: no fewer huge pages than with the shipped driver"),
        no_more(ratio_off, "reporting off: touching takes no longer than with the shipped driver")))


def hugetlbfs_case():
    share = returned("hugetlbfs")
    return Case("guest memory on hugetlbfs, reporting on", (share, take_time("hugetlbfs")),
                (share_at_least(share, 98, "98 % of what was taken is returned"),))


def fragmented_case():
    on, off = (Figure(f"fragmented, reporting {state}", "take_seconds",
                      f"reporting {state}, take 2 GiB", "s") for state in ("on", "off"))
    return Case("inflate in a guest whose free memory is fragmented", (on, off), (
        times_as_fast(on, 4, "reporting on: 4 times as fast as the shipped driver"),
        times_as_fast(off, 1, "reporting off: never slower than the shipped driver")))


def size_case():
    small, large = (Figure(f"untouched, {size}", "take_per_gib", f"{size} guest, take", "s/GiB")
                    for size in ("4 GiB", "16 GiB"))
    return Case("inflate in a larger guest, memory untouched", (small, large),
                (same_at_any_size(small, large, 1.5),))


def lateness_case():
    late = Figure("lateness", "late", "worst lateness", "ms")
    return Case("a program that wants to run each millisecond, 3 GiB in and out ten times",
                (Figure("lateness", "idle", "with an idle balloon", "ms"), late),
                (never_later(late),))


def need_case():
    figures, goals = [], []
    for reach, needs in (("in reach", 600), ("out of reach", 500)):
        experiment = f"squeezed, {reach}"
        ratio = Figure(experiment, "ratio", f"target {reach}, to the first time", "times")
        killed = Figure(experiment, "killed", f"target {reach}, killed", "", processor=False)
        lines = Figure(experiment, "lines", f"target {reach}, lines in the log", "",
                       processor=False)
        figures += [Figure(experiment, "first", f"target {reach}, {needs} MiB, first time", "s"),
                    Figure(experiment, "in place", f"target {reach}, the host has it", "s"),
                    Figure(experiment, "grows", f"target {reach}, squeezed", "s"),
                    ratio,
                    Figure(experiment, "ratio in place", f"target {reach}, to memory in place",
                           "times"),
                    killed, lines]
        goals += [at_most(ratio, 1.5, f"target {reach}: at most 1.5 times as long"),
                  at_most(killed, 0, f"target {reach}: nothing is killed"),
                  at_most(lines, 2, f"target {reach}: at most 2 lines in the log")]
    return Case("a program needs what the balloon holds, 1 GiB guest", tuple(figures),
                tuple(goals))


def rest_case():
    more = Figure("at rest", "more", "beyond idling", "%")
    scans = Figure("at rest", "scans", "pages that kswapd looked at", "", processor=False)
    return Case("what a target out of reach costs, 1 GiB guest", (
        Figure("at rest", "idle", "a processor's time, idle", "%"),
        Figure("at rest", "share", "a processor's time, at that target", "%"), more, scans), (
        at_most(more, 0.1, "0.1 % of a processor"), at_most(scans, 0, "kswapd sleeps")))


def cached_case():
    figures, goals = [], []
    for state in ("init_on_alloc=0", "init_on_alloc=1"):
        experiment = f"cached, {state}"
        time = Figure(experiment, "take_seconds", f"{state}, take 3 GiB", "s")
        figures += [time, Figure(experiment, "take_guest_cpu", f"{state}, guest CPU", "s/GiB"),
                    Figure(experiment, "take_returned", f"{state}, returned to the host", "%",
                           processor=False)]
        goals.append(times_as_fast(time, 2, f"{state}: 2 times as fast as the shipped driver"))
    return Case("inflate, the guest full of clean page cache", tuple(figures), tuple(goals))


def work_case():
    share = Figure("at work", "share", "work, of that with an empty balloon", "%")
    killed = Figure("at work", "killed", "killed", "", processor=False)
    return Case("ten programs at work while the target changes, 1 GiB guest", (share, killed), (
        share_at_least(share, 80, "80 % of the work with an empty balloon"),
        at_most(killed, 0, "nothing is killed")))


CASES = {
    "A": take_case("inflate, reporting on, init_on_alloc=0", "cycle, reporting on",
                   lambda time: times_as_fast(time, 100), lambda time: within_limit(time, 4)),
    "B": zeroing_case(),
    "C": take_case("inflate, reporting off, init_on_alloc=0", "cycle, reporting off",
                   lambda time: times_as_fast(time, 2.5)),
    "D": give_case("deflate, reporting on", "cycle, reporting on", 100),
    "E": give_case("deflate, reporting off", "cycle, reporting off", 2.5),
    "F": notification_case(),
    "G": huge_page_case(),
    "H": hugetlbfs_case(),
    "I": fragmented_case(),
    "J": size_case(),
    "K": lateness_case(),
    "L": need_case(),
    "M": rest_case(),
    "N": cached_case(),
    "O": work_case(),
}
