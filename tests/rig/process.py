# SPDX-License-Identifier: GPL-2.0-or-later
"""A program that runs in the guest while the test goes on."""

import shlex
import time

from . import clock
from .errors import GuestTimeout

# The group gets the signals. The shell in it outlives them to hold the status.
LAUNCH = """\
mkdir -p {directory}
cat >{directory}/script <<'end-of-the-script'
echo $$ >{directory}/group
trap : TERM INT HUP USR1 USR2
{command}
end-of-the-script
(setsid sh {directory}/script >{directory}/output 2>&1
 echo $? >{directory}/status.part
 mv {directory}/status.part {directory}/status) >/dev/null 2>&1 &
until [ -s {directory}/group ]; do sleep 0.02; done
"""


class Process:
    def __init__(self, guest, command, number):
        self.command = command
        self._guest = guest
        self._directory = f"/run/process-{number}"
        self._status = None
        guest.run(LAUNCH.format(directory=self._directory, command=command))

    def running(self):
        return self.status() is None

    def status(self):
        """The exit status, 128 and more for a signal, None while it runs."""
        if self._status is None:
            text = self._guest.run(f"cat {self._directory}/status", check=False)
            self._status = int(text) if text.strip().isdigit() else None
        return self._status

    def output(self):
        return self._guest.read(f"{self._directory}/output")

    def signal(self, name="TERM"):
        self._guest.run(f"kill -{name} -$(cat {self._directory}/group)", check=False)

    def wait(self, timeout=60):
        self._wait_until(lambda: not self.running(), timeout, "did not end")
        return self._status

    def wait_output(self, text, timeout=60):
        """Waits until the output holds the text, or the program has ended; returns the output."""
        self._wait_until(lambda: text in self.output() or not self.running(), timeout,
                         f"did not print {shlex.quote(text)}")
        return self.output()

    def stop(self, timeout=30):
        """Ends it and frees what it left in the guest's memory."""
        if self.running():
            self.signal("KILL")
            self.wait(timeout)
        self._guest.run(f"rm -rf {self._directory}")

    def _wait_until(self, condition, timeout, complaint):
        deadline = clock.now() + timeout
        while not condition():
            if clock.now() > deadline:
                raise self._guest.with_console(
                    GuestTimeout, f"after {timeout} s in the guest, this {complaint}: "
                    f"{self.command}\n{self.output()}")
            time.sleep(0.05)
