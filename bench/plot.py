# SPDX-License-Identifier: GPL-2.0-or-later
"""The results as drawings: one SVG file for each unit, a pair of bars for each figure; and
one that shows how many times as fast as the shipped driver Aerostat is."""

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
SPEED_WIDTH_PIXELS, SPEED_HEIGHT_PIXELS, SPEED_ROW_PIXELS = 900, 120, 40
SPEED_LABEL_CHARACTERS = 60


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


def _judged_times(letter):
    return [goal.faster for goal in CASES[letter].goals if goal.faster]


def _speed_row(place, letter, figure, samples):
    """Place, ratio of the medians, the least and the greatest that two runs make, label."""
    ours, shipped = (figure.values(samples, driver) for driver in (AEROSTAT, SHIPPED))
    if not ours or not shipped:
        return None
    ratios = (median(shipped) / median(ours), min(shipped) / max(ours), max(shipped) / min(ours))
    label = f"{letter}: {CASES[letter].title}"
    if len(_judged_times(letter)) > 1:
        label += f" ({figure.label})"
    return f"{-place} " + " ".join(f"{ratio:.4g}" for ratio in ratios) + f' "{label}"'


def _speed_rows(letters, samples):
    times = [(letter, figure) for letter in letters for figure in _judged_times(letter)]
    rows = (_speed_row(place, letter, figure, samples)
            for place, (letter, figure) in enumerate(times))
    return [row for row in rows if row]


def _speed_script(rows, path, subtitle):
    return "\n".join([
        f"set terminal svg size {SPEED_WIDTH_PIXELS},"
        f"{SPEED_HEIGHT_PIXELS + SPEED_ROW_PIXELS * len(rows)} noenhanced background '#ffffff'",
        f"set output '{path}'",
        f"set title \"times as fast as the driver shipped with Linux\\n{subtitle}\"",
        "set logscale x",
        "set xrange [0.5:500]",
        f"set yrange [{-len(rows) + 0.4}:0.6]",
        "set grid xtics",
        "set arrow from 1, graph 0 to 1, graph 1 nohead linewidth 2",
        "set style fill solid 0.8 border -1",
        f"set lmargin {SPEED_LABEL_CHARACTERS}",
        "unset key",
        "$ratios << END", *rows, "END",
        "plot $ratios using (1):1:(1):2:($1-0.3):($1+0.3):ytic(5) with boxxyerror, "
        "'' using 2:1:3:4 with xerrorbars linecolor 'black' pointtype 0, "
        "'' using 4:1:(sprintf('  %.3g', $2)) with labels left", ""])


def _draw_speed(letters, samples, directory, subtitle):
    rows = _speed_rows(letters, samples)
    if not rows:
        return []
    path = directory / "speed.svg"
    _run_gnuplot(_speed_script(rows, path, subtitle))
    return [path]


def draw(letters, samples, directory, subtitle):
    """Returns the files it wrote."""
    files = _draw_speed(letters, samples, directory, subtitle)
    for unit, drawing in DRAWINGS.items():
        rows = _rows(unit, letters, samples)
        if rows:
            path = directory / f"{drawing.title.replace(' ', '-')}.svg"
            _run_gnuplot(_script(drawing, rows, path, subtitle))
            files.append(path)
    return files
