"""What a shell completes, as bash asks for it, and that no torch is imported for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
CODE = """
import atexit, sys
atexit.register(lambda: sys.stderr.write("torch" if "torch" in sys.modules else ""))
sys.argv = ["modelcheck"]
from modelcheck.cli import main
main()
"""


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        (["insp"], ["inspect"]),
        (["inspect", "net.py"], ["net.py:Net"]),
        (["inspect", "net.py", ":"], ["Net"]),
        (["inspect", "net.py", ":", "N"], ["Net"]),
        (["inspect", "net.py:N"], ["net.py:Net"]),  # where bash is told that a colon ends no word
        (["inspect", "book.ipynb", ":", ""], ["Net"]),
        (["inspect", "submission/models.py", ":", ""], ["Perceptron", "Net"]),
        (["inspect", "nowhere.py", ":", ""], []),
        (["inspect", "net.py", ":", "Net", "--policy", "era"], ["era-s6", "era-s7"]),
        (["train-eval", "net.py", "--recipe", "se"], ["seed", "seed-aug"]),
        (["train-eval", "net.py", "--dataset", "f"], ["fashion-mnist", "folder"]),
        (["inspect", "net.py", "--format", "ju"], ["junit"]),
        (["inspect", "net.py", "--ignore", "MC402,unused-m"], ["MC402,unused-module"]),
        (["rule", "MC20"], [f"MC20{n}" for n in range(1, 8)]),
        (["rule", "global"], ["global-average-pooling"]),
        (["policy", "mnist"], ["mnist-20k", "mnist-25k"]),
        (["recipe", "t"], ["thorough"]),
    ],
    ids=str,
)
def test_bash_is_told_what_fits(typed: list[str], completed: list[str]) -> None:
    words = ["modelcheck", *typed]
    asked = {
        "_MODELCHECK_COMPLETE": "complete_bash",
        "COMP_WORDS": "\n".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=EXAMPLES, env=os.environ | asked, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == completed
    assert done.stderr == ""
