"""Nothing that an author made takes the trusted side longer than it may, whatever it is busy with."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
import torch

from modelcheck.errors import MemoryLimit, TimeLimit
from modelcheck.grading.bounded import limited, sparing

WHAT = "it could not be done"


def test_no_handler_of_errors_keeps_it() -> None:
    def handled() -> None:
        try:
            time.sleep(60)
        except Exception as error:
            pytest.fail(f"kept by {error}")

    with pytest.raises(TimeLimit, match=r"it could not be done in 0\.1 s, which is the limit"), limited(0.1, WHAT):
        handled()


def test_the_inner_clock_stops_the_outer_one() -> None:
    with limited(1.0, "the outer"):
        with pytest.raises(TimeLimit, match="the inner"), limited(2.0, "the inner"):
            time.sleep(60)
        with limited(60.0, "the inner"):
            pass
        with pytest.raises(TimeLimit, match="the inner"), limited(0.1, "the inner"):
            time.sleep(60)

    def after_another() -> None:
        with limited(60.0, "the inner"):
            time.sleep(0.1)
        time.sleep(60)

    with pytest.raises(TimeLimit, match="the outer"), limited(0.5, "the outer"):
        after_another()


def test_what_hears_no_clock_is_ended_with_its_process() -> None:
    code = (
        "import hashlib\nfrom modelcheck.grading.bounded import limited\n"
        "with limited(0.2, 'it', 0.2): hashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)"
    )
    done = subprocess.run([sys.executable, "-c", code], timeout=120, capture_output=True)
    assert done.returncode == 1
    assert b"TimeLimit" not in done.stderr


def test_memory_ends() -> None:
    with pytest.raises(MemoryLimit, match=r"it could not be done in [\d,]+ MiB of memory"), sparing(WHAT):
        torch.empty(2**45)
    with pytest.raises(RuntimeError, match="another"), sparing(WHAT):
        raise RuntimeError("another")
