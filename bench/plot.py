# SPDX-License-Identifier: GPL-2.0-or-later
"""The results as drawings: one SVG file for each unit, a pair of bars for each figure."""

import subprocess
from dataclasses import dataclass
from statistics import median

from cases import AEROSTAT, CASES, SHIPPED
from demo import DRIVERS

PIXELS_PER_FIGURE = 70
MARGIN_PIXELS = 260
HEIGHT_PIXELS = 600
LABEL_LINES = 11
MISSING = "?"


@dataclass(frozen=True)
class Drawing:
    title: str
    axis: str
    logarithmic: bool = False


DRAWINGS = {
    "s": Drawing("time", "seconds", logarithmic=True),
    "s/GiB": Drawing("processor time", "seconds for each GiB", logarithmic=True),
    "1/GiB": Drawing("notifications", "for each GiB taken and given back", logarithmic=True),
    "%": Drawing("shares", "%"),
    "times": Drawing("touching again", "times the time with memory in place"),
    "ms": Drawing("lateness and rest", "milliseconds"),
    "MiB": Drawing("huge pages", "MiB"),
}


def _cells(values, logarithmic):
    if not values or (logarithmic and min(values) <= 0):
        return [MISSING] * 3
    return [f"{value:.6g}" for value in (median(values), min(values), max(values))]


def _row(letter, figure, samples, logarithmic):
    cells = [cell for driver in (AEROSTAT, SHIPPED)
             for cell in _cells(figure.values(samples, driver), logarithmic)]
    return None if set(cells) == {MISSING} else f'"{letter}: {figure.label}" ' + " ".join(cells)


def _rows(unit, letters, samples):
    rows = (_row(letter, figure, samples, DRAWINGS[unit].logarithmic)
            for letter in letters for figure in CASES[letter].figures if figure.unit == unit)
    return [row for row in rows if row]


def _script(drawing, rows, path, subtitle):
    width = MARGIN_PIXELS + PIXELS_PER_FIGURE * len(rows)
    return "\n".join([
        f"set terminal svg size {width},{HEIGHT_PIXELS} noenhanced background '#ffffff'",
        f"set output '{path}'",
        f"set title \"{drawing.title}: median, least and greatest\\n{subtitle}\"",
        f"set ylabel '{drawing.axis}'",
        "set logscale y" if drawing.logarithmic else "set yrange [*<0:*]",
        f"set datafile missing '{MISSING}'",
        "set style data histograms",
        "set style histogram errorbars gap 1 linewidth 1",
        "set style fill solid 0.8 border -1",
        "set xtics rotate by -35 left nomirror",
        "set grid ytics",
        f"set bmargin {LABEL_LINES}",
        "set key outside right top",
        "$figures << END", *rows, "END",
        f"plot $figures using 2:3:4:xtic(1) title '{DRIVERS[AEROSTAT]}', "
        f"'' using 5:6:7 title '{DRIVERS[SHIPPED]}'", ""])


def _run_gnuplot(script):
    done = subprocess.run(["gnuplot"], input=script, text=True, capture_output=True)
    if done.returncode:
        raise OSError(f"gnuplot ended with status {done.returncode}: {done.stderr.strip()}")


def draw(letters, samples, directory, subtitle):
    """Returns the files it wrote."""
    files = []
    for unit, drawing in DRAWINGS.items():
        rows = _rows(unit, letters, samples)
        if rows:
            path = directory / f"{drawing.title.replace(' ', '-')}.svg"
            _run_gnuplot(_script(drawing, rows, path, subtitle))
            files.append(path)
    return files
