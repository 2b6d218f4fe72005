# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's kernel log as it was written to a file, and the complaints in it."""

import os
import re

COMPLAINT = re.compile(
    r"\bBUG\b|\bWARNING:|\bOops\b|Call Trace|general protection fault"
    r"|Kernel panic|possible (circular|recursive|irq lock)|inconsistent lock state"
    r"|suspicious RCU usage|rcu.*(stalls? on|starved)|soft lockup|hard LOCKUP"
    r"|hung.task|blocked.* for more than|list_(add|del) corruption|Bad page"
    r"|[Oo]ut of memory|oom-kill|Killed process|page allocation failure"
    r"|refcount_t:|pagealloc:|KASAN|KCSAN:|UBSAN|unable to handle|ODEBUG:"
    r"|kmemleak:.*(new suspected|disabled|pool empty)|turning off the locking")

# Give this to Guest.forgive() where a test runs the guest out of memory.
OUT_OF_MEMORY = (r"invoked oom-killer|Call Trace|oom-kill|[Oo]ut of memory|Killed process"
                 r"|page allocation failure|kmemleak: (Cannot allocate|.*disabled)")

PANIC = "Kernel panic - not syncing"


def complaints_in(text):
    return [line for line in text.splitlines() if COMPLAINT.search(line)]


class Console:
    def __init__(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self.path = path
        self._file = open(path, "w+b")

    def fileno(self):
        return self._file.fileno()

    def write(self, text):
        """What a guest that begins in the middle would have written before."""
        os.write(self.fileno(), text)

    def size(self):
        return os.fstat(self.fileno()).st_size

    def text(self, since=0):
        data = os.pread(self.fileno(), max(self.size() - since, 0), since)
        return data.decode(errors="replace").replace("\r", "")

    def tail(self, lines=100):
        return "\n".join(self.text().splitlines()[-lines:])

    def panicked(self, since=0):
        return PANIC in self.text(since)

    def complaints(self, forgiven=()):
        return [line for line in complaints_in(self.text())
                if not any(re.search(pattern, line) for pattern in forgiven)]

    def close(self):
        self._file.close()
