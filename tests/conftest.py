from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.parts import missing, no_sandbox

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
SANDBOXED = (
    "tests/grading/sandbox/",
    "tests/grading/test_cluster.py",
    "tests/grading/test_marking.py",
    "tests/hostile/",
)


def pytest_configure(config: pytest.Config) -> None:
    """One thread for each of several processes, before any of them imports torch: they share the cores."""
    if hasattr(config, "workerinput"):
        os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests of the sandboxes need them."""
    if item.nodeid.startswith(SANDBOXED):
        cause = no_sandbox("process" if "[process" in item.name else "bubblewrap")
        if cause:
            missing(cause)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="write the golden files instead of comparing them")


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the command ``modelcheck``, which a process that has imported torch already answers."""
    folder = tmp_path_factory.mktemp("bin")
    channel = folder / "channel"
    warm = HERE / "warm.py"
    command = folder / "modelcheck"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "{warm}" "{channel}" "$@"\n')
    command.chmod(0o755)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, warm, channel], stdout=subprocess.PIPE, env=environment, cwd=HERE.parent
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        yield folder
        server.kill()


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with the golden file of that name, or writes it under ``--rewrite-golden``."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--rewrite-golden"):
            path.write_bytes(text.encode())
        assert path.is_file(), f"{path} is missing: pytest --rewrite-golden writes it"
        assert text == path.read_bytes().decode(), f"{path} differs: see the diff, or pytest --rewrite-golden"

    return compare


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the patterns, their cases, and how many of these passed; with several processes too."""
    counts: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            row = dict(getattr(report, "user_properties", [])).get("row")
            if row is not None and report.when == "call":
                counts[str(row)] += 1
                passed[str(row)] += outcome == "passed"
    if not counts:
        return
    terminalreporter.write_sep("-", "patterns of submissions: cases passed")
    for row in sorted(counts):
        terminalreporter.write_line(f"{passed[row]:3} of {counts[row]:2}  {row}")
    terminalreporter.write_line(f"{sum(passed.values()):3} of {sum(counts.values()):2}  in all")
