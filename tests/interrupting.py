"""Commands that tests interrupt."""

from __future__ import annotations

import signal


def heeds_interrupts() -> None:
    """Called in a process before its command starts: what a shell has put in the background ignores SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
