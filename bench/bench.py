# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares Aerostat with the driver that Linux ships: same kernel, same QEMU, same guest,
runs that alternate.

Prints a table, and writes all figures as JSON and SVG into a directory.
"""

import argparse
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

BENCH = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH.parent / "tests"))

import plot  # noqa: E402
import surroundings  # noqa: E402
from cases import AEROSTAT, CASES, SHIPPED, Samples  # noqa: E402
from catalogue import EXPERIMENTS  # noqa: E402
from demo import DRIVERS  # noqa: E402
from measure import Skipped, measure_limit  # noqa: E402
from rig import GuestError, paths  # noqa: E402
from table import table  # noqa: E402

RUNS = 5
MOST_RUNS = 100


def parse_runs(text):
    if not text.isdigit() or not 1 <= int(text) <= MOST_RUNS:
        raise argparse.ArgumentTypeError(f"\"{text}\" is not a number from 1 to {MOST_RUNS}")
    return int(text)


def parse_cases(text):
    letters = text.upper().split(",")
    unknown = [letter for letter in letters if letter not in CASES]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"there is no case \"{unknown[0]}\"; the cases are {','.join(CASES)}")
    return sorted(set(letters))


def list_of_cases():
    return "cases:\n" + "\n".join(f"  {letter}  {case.title}" for letter, case in CASES.items())


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=list_of_cases(),
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=parse_runs, default=RUNS, metavar="N",
                        help=f"how often each driver runs, 1 to {MOST_RUNS}; {RUNS} without this")
    parser.add_argument("--cases", type=parse_cases, default=list(CASES), metavar="A,B,...",
                        help="some cases only")
    parser.add_argument("--results", type=Path, default=BENCH / "results", metavar="DIRECTORY",
                        help="where the files go; bench/results without this")
    parser.add_argument("--redraw", action="store_true",
                        help="measure nothing; make table and drawings of the results there are")
    return parser.parse_args()


def experiments_of(letters):
    needed = {name for letter in letters for name in CASES[letter].experiments()}
    return [name for name in EXPERIMENTS if name in needed]


def write_json(path, arguments, facts, samples):
    content = {"surroundings": facts, "runs": arguments.runs, "cases": judged(arguments.cases,
               samples), **samples.as_dictionary()}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1) + "\n")
    part.replace(path)


def judged(letters, samples):
    return {letter: {"title": CASES[letter].title, "goals": [
        {"goal": goal.text, "value": goal.value(samples), "bound": goal.bound,
         "reached": goal.reached(samples)} for goal in CASES[letter].goals]}
        for letter in letters}


def run_once(name, driver, samples):
    """Returns how it went, in a few words."""
    experiment, setting = EXPERIMENTS[name]
    start = time.monotonic()
    try:
        samples.add(name, driver, experiment(driver, setting))
    except Skipped as reason:
        samples.skipped[name] = str(reason)
        return f"skipped: {reason}"
    except GuestError as error:
        samples.failed.setdefault(name, []).append(f"{DRIVERS[driver]}: {first_line(error)}")
        return f"failed: {error}"
    return f"{time.monotonic() - start:.0f} s"


def first_line(error):
    return str(error).split("\n", maxsplit=1)[0]


def driver_build():
    return paths.DRIVER.stat().st_mtime_ns


def run_all(arguments, samples, save):
    build = driver_build()
    names = experiments_of(arguments.cases)
    for place, name in enumerate(names, 1):
        print(f"[{place} of {len(names)}] {name}: {EXPERIMENTS[name][1].words()}", flush=True)
        for run in range(1, arguments.runs + 1):
            for driver in (AEROSTAT, SHIPPED):
                if name in samples.skipped:
                    continue
                if driver_build() != build:
                    raise GuestError("the driver was built anew between two runs")
                outcome = run_once(name, driver, samples)
                print(f"    run {run}, {DRIVERS[driver]}: {outcome}", flush=True)
                save()


def heading(facts):
    return (f"{facts['date']}, source {facts['source']}\n"
            f"Guests: Linux {facts['guest_kernel']}, {facts['emulator']}, "
            f"accelerator {facts['accelerator']}\n"
            f"Host: Linux {facts['host_kernel']}, {facts['host_processors']} processors "
            f"({facts['host_processor']}), {facts['host_memory_mib']} MiB, "
            f"load {facts['host_load']}")


def subtitle(facts):
    return (f"Linux {facts['guest_kernel']}, {facts['accelerator']}"
            + (" (emulated CPU: compare the drivers only)" if facts["accelerator"] == "tcg"
               else ""))


def bench(arguments):
    samples = Samples()
    facts = surroundings.describe()
    print(heading(facts), flush=True)
    arguments.results.mkdir(parents=True, exist_ok=True)
    results = arguments.results / "results.json"
    print("The machine's limit", flush=True)
    samples.limit = measure_limit(arguments.runs)
    run_all(arguments, samples, lambda: write_json(results, arguments, facts, samples))
    show(arguments.cases, samples, facts, results)
    return not samples.failed


def show(letters, samples, facts, results):
    text = table(letters, samples, facts["accelerator"] == "tcg")
    print("\n" + text + "\n")
    written = results.with_name("table.txt")
    written.write_text(f"{heading(facts)}\n\n{text}\n")
    drawings = plot.draw(letters, samples, results.parent, subtitle(facts))
    print("Written: " + " ".join(str(path) for path in [results, written, *drawings]))


def redraw(arguments):
    results = arguments.results / "results.json"
    content = json.loads(results.read_text())
    print(heading(content["surroundings"]))
    show([letter for letter in arguments.cases if letter in content["cases"]],
         Samples.from_dictionary(content), content["surroundings"], results)
    return True


def stop(*_):
    """As from the keyboard, so that the host is left as it was found."""
    raise KeyboardInterrupt


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, stop)
    try:
        run = redraw if arguments.redraw else bench
        sys.exit(0 if run(arguments) else "Some runs failed: see above.")
    except (GuestError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"\nThe benchmark failed: {error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped.")


if __name__ == "__main__":
    main()
