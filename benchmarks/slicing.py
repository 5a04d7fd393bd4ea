"""Times how long it takes to find one class in files of 1,000 to 100,000 lines, and to make it a module.

What is required: less than 0.2 s for 10,000 lines, of every kind. No torch is needed.

    python benchmarks/slicing.py
"""

from __future__ import annotations

import sys

sys.path.append(sys.path.pop(0))  # this folder last: it has an inspect.py, and everybody imports Python's

import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from modelcheck.slicing.project import Project

NET = "class Net(Base):\n    def __init__(self, rate=RATE):\n        self.rate = rate\n\n\n"
TAIL = "class Base:\n    pass\n\n\nRATE = 0.1\n"
RUNS = 5
LIMIT_S = 0.2
LIMIT_LINES = 10_000


def classes(lines: int) -> Iterator[str]:
    """Classes of eight lines."""
    for i in range(lines // 8):
        yield f"class C{i}(nn.Module):\n    def __init__(self, width={i}):\n        super().__init__()\n"
        yield f"        self.conv = nn.Conv2d(1, {i}, 3)\n\n    def forward(self, x):\n        return self.conv(x)\n\n"


def statements(lines: int) -> Iterator[str]:
    """Assignments and calls."""
    for i in range(lines // 2):
        yield f"value_{i} = compute({i}, 'text (', [RATES])\nprint(value_{i})  # Net\n"


def one_function(lines: int) -> Iterator[str]:
    """One function as long as the file."""
    yield "def main():\n"
    for i in range(lines):
        yield f"    x{i} = f(x, {i}, RATE)\n"


def broken(lines: int) -> Iterator[str]:
    """Lines that are no Python: print statements, brackets and strings that are never closed."""
    for i in range(lines // 4):
        yield f"@x\nprint 'epoch', {i}\ndef broken_{i}(:\n    text = 'not closed\n"


def measure(text: str, folder: Path) -> float:
    """Seconds at the median to get an instance of ``Net`` from a file with the text."""
    path = folder / "net.py"
    path.write_text(text)
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        project = Project(folder, [path])
        with project.open():
            assert project.module(path).Net().rate == 0.1
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> int:
    """Print the table; the exit status says whether the requirement is met."""
    kinds: list[Callable[[int], Iterator[str]]] = [classes, statements, one_function, broken]
    print(f"Python {platform.python_version()}, {platform.machine()}; median of {RUNS}, in ms")
    print(f"{'lines':>8}" + "".join(f"{kind.__name__.replace('_', ' '):>14}" for kind in kinds))
    met = True
    with tempfile.TemporaryDirectory() as folder:
        for lines in (1_000, 10_000, 100_000):
            taken = [measure(NET + "".join(kind(lines)) + TAIL, Path(folder)) for kind in kinds]
            print(f"{lines:8,}" + "".join(f"{1000 * one:14.1f}" for one in taken))
            met = met and (lines > LIMIT_LINES or max(taken) < LIMIT_S)
    print(f"{'met' if met else 'NOT MET'}: less than {LIMIT_S} s for {LIMIT_LINES:,} lines")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
