# SPDX-License-Identifier: GPL-2.0-or-later
"""The tools that operators and kernel engineers use show what the driver does."""

import re
from pathlib import Path

import pytest

from rig import Guest
from rig.visible import fields, wait_state

MIB = 1 << 20
BALLOON = "free-page-reporting=on"
RECORD = ("trace-cmd record -q -e aerostat -o /tmp/trace "
          "sh -c 'echo tracing; until [ -e /run/end ]; do sleep 0.1; done'")
RECORDED = re.compile(r"(aerostat_\w+): +virtio\d+ (.*)$", re.MULTILINE)
LATENCY = Path(__file__).resolve().parent.parent / "docs" / "latency.bt"
HISTOGRAM = re.compile(r"^@(\w+)\[(\w+)\]:.*\n((?:[\[(].*\n)+)", re.MULTILINE)
COUNT = re.compile(r"[\])] +(\d+) \|")


def test_trace_cmd_shows_a_whole_inflation():
    with Guest(memory=1024, balloon=BALLOON, cmdline="init_on_alloc=0",
               tools=["trace-cmd"]) as guest:
        record = guest.start(RECORD)
        record.wait_output("tracing")
        guest.move_balloon(700)
        wait_state(guest, "at target")
        guest.run("touch /run/end")
        assert record.wait() == 0
        report = guest.run("trace-cmd report -i /tmp/trace", timeout=60)
        events = [(name, fields(words)) for name, words in RECORDED.findall(report)]
        states = [event["to"] for name, event in events if name == "aerostat_state"]
        assert states == ["inflating", "at target"]
        besides = _bytes(events, "aerostat_report")
        assert _bytes(events, "aerostat_inflate") == 700 * MIB
        assert _bytes(events, "aerostat_post", "report") - besides == 700 * MIB
        assert _bytes(events, "aerostat_answer", "report") - besides == 700 * MIB


def _bytes(events, wanted, queue=None):
    return sum(event["bytes"] for name, event in events
               if name == wanted and event.get("queue") in (None, queue))


@pytest.mark.parametrize("balloon, queue", [(BALLOON, "report"), ("", "inflate")],
                         ids=["by-ranges", "by-frame-numbers"])
def test_the_bpftrace_script_draws_how_long_requests_take(balloon, queue):
    with Guest(memory=2048, balloon=balloon, tools=["bpftrace"]) as guest:
        guest.run(f"cat >/tmp/latency.bt <<'end'\n{LATENCY.read_text()}end")
        drawing = guest.start("bpftrace /tmp/latency.bt")
        drawing.wait_output("Attaching", timeout=120)
        guest.move_balloon(700)
        drawing.signal("INT")
        drawing.wait()
        drawn = {(what, of): sum(map(int, COUNT.findall(lines)))
                 for what, of, lines in HISTOGRAM.findall(drawing.output())}
        assert drawn[("us", queue)] == drawn[("kib", queue)] > 0
