# SPDX-License-Identifier: GPL-2.0-or-later
"""A program in the guest that notices when its memory changes behind its back."""


def start_pattern(guest, size=40):
    """Starts it with memory of that many MiB, or what else the program takes."""
    pattern = guest.start(f"pattern {size}")
    pattern.wait_output("pattern: ready")
    return pattern


def assert_whole(pattern):
    """Ends it; it has to have lived, and to have found no wrong word."""
    assert pattern.running(), pattern.output()
    pattern.signal()
    assert pattern.wait() == 0, pattern.output()
    assert "0 wrong" in pattern.output()
