# SPDX-License-Identifier: GPL-2.0-or-later
"""What the driver shows in sysfs and as trace events is what the device saw."""

import re
import time
from pathlib import Path

import pytest

from rig import CommandFailed, Guest
from rig.emulated import (DEFLATES_ON_OOM, SILENT, compact, emulated, frames_in, reports_in,
                          spread_balloon)
from rig.visible import FILES, events, figures, stop_tracing, trace, wait_state

MIB = 1 << 20
PAGE = 4096
ABI = Path(__file__).resolve().parent.parent / "docs" / "ABI" / "sysfs-bus-virtio-balloon"
HINTED = re.compile(r"^hint block (\d+)", re.MULTILINE)


def _shown(guest, *names):
    found = figures(guest)
    return tuple(found[name] for name in names)


def test_each_file_is_described_and_each_description_has_a_file():
    with Guest(memory=256) as guest:
        described = set(re.findall(r"^What:.*/balloon/(\w+)$", ABI.read_text(), re.MULTILINE))
        assert set(figures(guest)) == described
        for name in described:
            with pytest.raises(CommandFailed):
                guest.run(f"cd {FILES}; echo 1 >{name}")


@pytest.mark.parametrize("features", [DEFLATES_ON_OOM, {"deflate-on-oom", "reporting"}],
                         ids=["by-frame-numbers", "by-ranges"])
def test_sizes_are_what_the_device_saw(features):
    with emulated(features) as (guest, device):
        inflated = 0
        for before, pages in ((0, 25600), (25600, 1), (1, 51457), (51457, 3000), (3000, 0)):
            device.move_pages(pages)
            inflated += max(pages - before, 0)
            wait_state(guest, "at target")
            shown = figures(guest)
            assert (shown["target"], shown["actual"]) == (pages * PAGE, pages * PAGE)
            assert shown["held_as_blocks"] + shown["held_as_pages"] == pages * PAGE
            assert shown["held_as_blocks"] % (4 * MIB) == shown["named"] == 0
            assert shown["inflated"] == inflated * PAGE
            assert shown["deflated"] == (inflated - pages) * PAGE
        if "reporting" not in features:
            assert frames_in(device.log(), "inflate") == frames_in(device.log(), "deflate")
            assert frames_in(device.log(), "inflate") * PAGE == shown["inflated"]


def test_what_is_named_and_the_requests_that_are_not_answered_are_shown():
    with emulated(DEFLATES_ON_OOM) as (guest, device):
        assert _shown(guest, "state", "requests_unanswered") == ("at target", 0)
        device.hold("inflate")
        device.set_target(12)
        device.wait_noted("inflate", 12)
        guest.wait_log(SILENT, timeout=15)
        wait_state(guest, "device not answering")
        assert _shown(guest, "named", "actual", "requests_unanswered") == (12 * MIB, 0, 12)
        device.step("inflate", 4)
        device.wait_actual(4)
        assert _shown(guest, "named", "actual", "requests_unanswered") == (8 * MIB, 4 * MIB, 8)
        device.answer("inflate")
        wait_state(guest, "at target")
        assert _shown(guest, "named", "actual", "requests_unanswered") == (0, 12 * MIB, 0)


def test_what_compaction_moves_is_counted():
    with emulated(DEFLATES_ON_OOM, cpus=2) as (guest, device):
        spread_balloon(guest, device, 24)
        trace(guest)
        before = figures(guest)["migrated"]
        device.clear_log()
        compact(guest)
        migrated = figures(guest)["migrated"] - before
        assert migrated == frames_in(device.log(), "inflate") * PAGE
        moves = [event for event in events(guest, "migrate") if not event["error"]]
        assert len(moves) * PAGE == migrated
        assert before + migrated == guest.vmstat()["balloon_migrate"] * PAGE > 0


def test_what_is_reported_is_counted():
    with emulated({"reporting"}) as (guest, device):
        guest.touch(300)
        device.wait_noted("report", 3)
        device.hold("report")
        time.sleep(1)
        device.answer("report")
        time.sleep(1)
        frames = sum(report.frames for report in reports_in(device.log()))
        reported = figures(guest)["reported"]
        again = sum(report.frames for report in reports_in(device.log()))
        assert 0 < frames * PAGE <= reported <= again * PAGE
        assert figures(guest)["inflated"] == 0


def test_what_is_hinted_is_counted():
    with emulated({"free-page-hint"}) as (guest, device):
        trace(guest)
        device.command(7)
        device.wait_noted("hint command 0")
        hinted = sum(int(pages) for pages in HINTED.findall("\n".join(device.log())))
        assert figures(guest)["hinted"] == hinted * PAGE > 100 * MIB
        blocks = events(guest, "hint")
        assert sum(block["bytes"] for block in blocks) == hinted * PAGE
        assert {block["round"] for block in blocks} == {7}
        device.command(1)


def test_a_guest_that_has_no_more_to_give_is_counted_and_the_state_says_since_when():
    with Guest(memory=512, balloon="deflate-on-oom=on") as guest:
        uptime = float(guest.read("/proc/uptime").split()[0])
        guest.set_balloon(510)
        wait_state(guest, "out of memory to give", timeout=60)
        time.sleep(3)
        now = float(guest.read("/proc/uptime").split()[0])
        shown = figures(guest)
        assert shown["refused"] >= 2
        assert uptime < float(shown["state_since"]) < now - 2
        guest.move_balloon(0)
        wait_state(guest, "at target")
        assert float(figures(guest)["state_since"]) >= now


def test_an_inflation_is_seen_as_events_from_the_target_to_the_last_answer():
    with Guest(memory=1024, balloon="free-page-reporting=on", cmdline="init_on_alloc=0") as guest:
        trace(guest)
        guest.move_balloon(700)
        wait_state(guest, "at target")
        stop_tracing(guest)
        states = [event["to"] for event in events(guest, "state")]
        assert states == ["inflating", "at target"]
        steps = events(guest, "inflate")
        posts, answers = (
            [event for event in events(guest, name) if event["queue"] == "report"]
            for name in ("post", "answer"))
        # In a slow guest the kernel has begun to report what else is free.
        reported = sum(report["bytes"] for report in events(guest, "report"))
        assert len(posts) == len(answers) > 0
        assert sum(post["bytes"] for post in posts) == 700 * MIB + reported
        assert sum(answer["bytes"] for answer in answers) == 700 * MIB + reported
        assert sum(step["bytes"] for step in steps) > 680 * MIB
        assert all(step["us"] > 0 for step in steps) and all(a["us"] > 0 for a in answers)
        trace(guest)
        guest.move_balloon(0)
        assert sum(step["bytes"] for step in events(guest, "deflate")) == 700 * MIB


def test_the_files_are_gone_when_the_driver_is():
    with Guest(memory=256) as guest:
        files = guest.run(f"echo {FILES}").strip()
        guest.unload_module()
        assert guest.run(f"ls -d {files}", check=False).strip() != files
        guest.load_module("shipped")
        assert guest.run(f"ls -d {files}", check=False).strip() != files
