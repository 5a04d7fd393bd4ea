from __future__ import annotations

import subprocess
import sys

import pytest

BLOCK = """
import ctypes, sys, torch
from modelcheck.training.memory import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
sbrk = ctypes.CDLL(None).sbrk
sbrk.restype = ctypes.c_void_p
before = sbrk(0)
block = torch.zeros(30, 2**20, dtype=torch.uint8)
del block
print((sbrk(0) - before) // 2**20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is told")
def test_what_is_freed_stays_with_the_process() -> None:
    grown = {how: int(subprocess.check_output([sys.executable, "-c", BLOCK, how])) for how in ("kept", "as ever")}
    assert grown["kept"] > 20
    assert grown["as ever"] < 10
