# SPDX-License-Identifier: GPL-2.0-or-later
"""The rig itself: what breaks in a guest is noticed, told in words, and never left running.

The guests here load the driver shipped with Linux, or none, so that a failure
points at the rig.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rig import (CommandFailed, Guest, GuestDied, GuestError, GuestTimeout, GuestUnhealthy,
                 clock)

STARTS_A_GUEST_AND_WAITS = """
import sys, time
sys.path.insert(0, sys.argv[1])
from rig import Guest
with Guest(module=None, memory=256, name="killed-run") as guest:
    print(guest.pid, flush=True)
    time.sleep(60)
"""


def _is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("machine", ["pc", "q35", "microvm"])
def test_the_balloon_takes_and_gives_back_on_each_machine(machine):
    with Guest(memory=512, machine=machine, module="shipped") as guest:
        guest.move_balloon(200)
        guest.move_balloon(0)


def test_a_command_has_its_output_and_its_status():
    with Guest(memory=512, module="shipped") as guest:
        assert guest.run("printf 'no end of line'") == "no end of line"
        assert len(guest.run("yes | head -c 300000")) == 300000
        with pytest.raises(CommandFailed, match="status 3.*\nbroken"):
            guest.run("echo broken; exit 3")
        assert guest.run("  printf '%s|' 'a\\b' '\tc\n' 'é  '  ") == "a\\b|\tc\n|é  |"


def test_a_program_runs_until_it_is_told_to_end():
    with Guest(memory=512, module="shipped") as guest:
        program = guest.start("pattern 50")
        program.wait_output("pattern: ready")
        program.signal("TERM")
        assert program.wait() == 0
        assert "0 wrong" in program.output()


def test_a_guest_that_was_reset_has_its_devices_plugged_again():
    with Guest(memory=512, module="shipped") as guest:
        guest.reset()
        guest.load_module("shipped")
        guest.unplug_balloon()
        guest.plug_balloon()
        guest.run("until [ -e /sys/bus/virtio/drivers/virtio_balloon/virtio* ]; do sleep 0.1; done")
        guest.move_balloon(mib=100)


def test_commands_and_the_log_go_along_when_a_guest_migrates():
    with Guest(memory=256, module=None, movable=True) as guest:
        first = guest.pid
        guest.run("echo written before >/dev/kmsg")
        migration = guest.migrate(bandwidth=32 << 20)
        count = "for number in $(seq 400); do echo $number; sleep 0.02; done"
        assert guest.run(count).split() == [str(number) for number in range(1, 401)]
        assert migration.wait() > 1
        assert guest.pid != first and not _is_running(first)
        assert migration.statistics()["normal-bytes"] > 30 << 20
        guest.run("echo written after >/dev/kmsg")
        guest.wait_log("written before(.*\n)*.*written after")


def test_a_migration_is_cancelled_and_the_next_one_arrives():
    with Guest(memory=256, module=None, movable=True) as guest:
        first = guest.pid
        migration = guest.migrate(bandwidth=1 << 20)
        with pytest.raises(GuestError, match="migrating already"):
            guest.migrate()
        migration.cancel()
        with pytest.raises(GuestError, match="the migration ended as cancelled"):
            migration.wait()
        assert guest.pid == first
        migration = guest.migrate()
        migration.wait()
        with pytest.raises(GuestError, match="can not be cancelled"):
            migration.cancel()
        assert guest.pid != first


def test_a_migration_that_fails_is_reported():
    with Guest(memory=256, module=None, balloon=None, movable=True) as guest:
        guest.plug_balloon()
        migration = guest.migrate()
        # Whichever of the two QEMUs is heard first: both end with the second one's complaint.
        with pytest.raises(GuestError, match="balloon' 0"):
            migration.wait()
        guest.expect_dead()


def test_hang_is_reported():
    with Guest(memory=256, module=None) as guest:
        with pytest.raises(GuestTimeout, match="sleep 100[^$]*console's last lines"):
            guest.run("sleep 100", timeout=1)
        guest.expect_dead()


def test_crash_is_reported_with_the_console():
    with Guest(memory=256, module=None) as guest:
        with pytest.raises(GuestDied, match="sysrq triggered crash"):
            guest.run("echo c >/proc/sysrq-trigger")
        guest.expect_dead()
        guest.forgive(".")


def test_complaints_and_lost_memory_are_noticed():
    with Guest(memory=256, module=None) as guest:
        guest.check_health()
        guest.run("echo 'WARNING: made up by the test' >/dev/kmsg")
        with pytest.raises(GuestUnhealthy, match="made up by the test"):
            guest.check_health()
        guest.forgive("made up by the test")
        guest.run("head -c 40000000 /dev/zero >/tmp/kept")
        with pytest.raises(GuestUnhealthy, match="MiB of the guest's memory are not free"):
            guest.check_health()
        guest.run("rm /tmp/kept")


def test_life_is_limited():
    with Guest(memory=256, module=None, life=15) as guest:
        with pytest.raises(GuestTimeout, match="limited to 15 s"):
            guest.run("sleep 100")
        guest.expect_dead()


def test_guest_dies_with_its_test_run():
    command = [sys.executable, "-c", STARTS_A_GUEST_AND_WAITS, str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        guest_pid = int(run.stdout.readline())
        assert _is_running(guest_pid)
        os.kill(run.pid, signal.SIGKILL)
    deadline = clock.now() + 5
    while _is_running(guest_pid) and clock.now() < deadline:
        time.sleep(0.05)
    assert not _is_running(guest_pid)
