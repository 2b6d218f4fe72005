# SPDX-License-Identifier: GPL-2.0-or-later
"""The results as text: for each case its figures, both drivers side by side, and its goals."""

from statistics import median

from cases import AEROSTAT, CASES, SHIPPED
from demo import DRIVERS
from measure import LIMIT_MIB, MIB_PER_GIB

LABEL_WIDTH = 42
CELL_WIDTH = 26
GOAL_WIDTH = 68
COSTS = ("s", "s/GiB", "1/GiB", "ms")
EMULATED = "(e)"
VERDICT = {True: "reached", False: "NOT REACHED", None: "not measured"}


def number(value):
    """Three digits that count, and never an exponent."""
    text = f"{value:.3g}"
    return f"{value:.0f}" if "e" in text else text


def spread(values):
    if not values:
        return "-"
    text = number(median(values))
    if len(values) == 1:
        return text
    return f"{text} ({number(min(values))} .. {number(max(values))})"


def label(text, unit, processor, emulated):
    mark = f" {EMULATED}" if processor and emulated else ""
    return f"{text}{mark}" + (f", {unit}" if unit else "")


def ratio(figure, samples):
    """Of figures that are the better the smaller they are."""
    if figure.unit not in COSTS:
        return ""
    ours, theirs = (figure.median(samples, driver) for driver in (AEROSTAT, SHIPPED))
    return number(theirs / ours) if ours and theirs and ours > 0 and theirs > 0 else "-"


def figure_line(figure, samples, emulated):
    cells = [spread(figure.values(samples, driver)) for driver in (AEROSTAT, SHIPPED)]
    name = label(figure.label, figure.unit, figure.processor, emulated)
    return (f"   {name:<{LABEL_WIDTH}}" + "".join(f"{cell:>{CELL_WIDTH}}" for cell in cells)
            + f"{ratio(figure, samples):>10}").rstrip()


def goal_line(goal, samples, emulated):
    value = goal.value(samples)
    found = "" if value is None else f"{number(value)} {goal.unit}".rstrip()
    text = label(f"goal: {goal.text}", "", goal.processor, emulated)
    return f"   {text:<{GOAL_WIDTH}}{found:>22}  {VERDICT[goal.reached(samples)]}"


def trouble_lines(case, samples):
    for experiment in case.experiments():
        if experiment in samples.skipped:
            yield f"   skipped, {experiment}: {samples.skipped[experiment]}"
        for failure in samples.failed.get(experiment, []):
            yield f"   failed, {experiment}: {failure}"


def case_lines(letter, samples, emulated):
    case = CASES[letter]
    yield f"{letter}  {case.title}"
    for figure in case.figures:
        yield figure_line(figure, samples, emulated)
    for goal in case.goals:
        yield goal_line(goal, samples, emulated)
    yield from trouble_lines(case, samples)


def limit_lines(limit):
    yield f"The machine's limit: a program discards {LIMIT_MIB} MiB that it has touched"
    for step_kib, seconds in limit.items():
        step = f"{step_kib} KiB" if step_kib < 1024 else f"{step_kib // 1024} MiB"
        speed = [LIMIT_MIB / MIB_PER_GIB / value for value in seconds]
        yield (f"   {'in steps of ' + step:<{LABEL_WIDTH}}"
               f"{spread([1000 * value for value in seconds]):>{CELL_WIDTH - 3}} ms"
               f"{spread(speed):>{CELL_WIDTH - 6}} GiB/s")


def heading():
    names = [DRIVERS[driver] for driver in (AEROSTAT, SHIPPED)]
    return (" " * (3 + LABEL_WIDTH) + "".join(f"{name:>{CELL_WIDTH}}" for name in names)
            + f"{'ratio':>10}")


def notes(emulated):
    yield ("Median (least .. greatest) of the runs; ratio: shipped with Linux / Aerostat. "
           "MiB and GiB are powers of 2.")
    if emulated:
        yield f"{EMULATED} depends on the emulated CPU: compare the drivers only."


def table(letters, samples, emulated):
    lines = [*limit_lines(samples.limit), "", heading()]
    for letter in letters:
        lines += [*case_lines(letter, samples, emulated), ""]
    return "\n".join([*lines, *notes(emulated)])
