"""Parts that pip does not install: ``.ci/run`` does, and asks for all; elsewhere what needs them is skipped."""

from __future__ import annotations

import functools
import os
from typing import NoReturn

import pytest

ALL_PARTS = "MODELCHECK_ALL_PARTS"


def missing(text: str) -> NoReturn:
    """Skip the test, or fail it where all parts are asked for."""
    (pytest.fail if os.environ.get(ALL_PARTS) else pytest.skip)(text)


@functools.cache
def no_sandbox(name: str) -> str | None:
    """Why there is none with that name."""
    from modelcheck.grading.sandbox.bubblewrap import Bubblewrap
    from modelcheck.grading.sandbox.process import Process

    return (Process() if name == "process" else Bubblewrap()).unavailable()
