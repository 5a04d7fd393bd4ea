"""Whether a sandbox can be had on this machine: a submission's way is gone without one."""

from __future__ import annotations

import subprocess

from modelcheck.author_trace import printable
from modelcheck.grading.sandbox.starter import ENVIRONMENT, Way
from modelcheck.isolated.parent import own_python

_TRIAL = """
from modelcheck.grading.sandbox.server import trial
trial(sys.argv[2], int(sys.argv[3]), sys.argv[4])
"""
_LONGEST_S = 60.0


def failure(way: Way) -> str | None:
    """What goes wrong on the way; None where nothing does."""
    with way.folder() as base:
        command = [*way.around, *own_python(_TRIAL), way.name, str(way.user), base]
        try:
            done = subprocess.run(
                command, env=ENVIRONMENT, cwd="/", capture_output=True, timeout=_LONGEST_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return printable(str(error))
    said = done.stderr.decode("utf-8", "backslashreplace").strip().splitlines()
    return printable(said[-1] if said else f"status {done.returncode}") if done.returncode else None
