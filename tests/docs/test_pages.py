"""Every shell block of README and docs runs as it stands, in a folder with the files that its page has shown."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import EXAMPLES, ROOT, SHELL, Block, begins_in_examples, blocks, pages
from tests.parts import missing, no_sandbox

LIMIT_S = 300

# by page and how it begins: what the pages say no machine can be asked to do for a test, and what others run: CI at its
# beginning, and tests/grading/test_cluster.py
NOT_RUN = {
    ("README.md", "python3 -m venv .venv && .venv/bin/pip install -q . "),
    ("README.md", "python3 -m venv .venv && .venv/bin/pip install -q -e"),
    ("README.md", "modelcheck train-eval net.py:Net --dataset fashion-mnist"),
    ("docs/cluster.md", "pip install"),
    ("docs/cluster.md", "dask scheduler"),
    ("docs/cluster.md", "ssh server"),
    ("docs/cluster.md", "from dask_jobqueue"),
    ("docs/howto/data.md", "modelcheck train-eval net.py:Net --dataset fashion-mnist"),
    ("docs/install.md", "python3 -m venv"),
    ("docs/install.md", "pip install torch"),
    ("docs/install.md", "pip wheel"),
    ("docs/install.md", "pip install --no-index"),
    ("docs/install.md", "modelcheck --install-completion"),
    ("docs/install.md", "apt-get install"),
    ("docs/install.md", "modelcheck grade --check-sandbox"),
    ("docs/threat-model.md", "modelcheck grade --check-sandbox"),
}

PAGES = [page for page in pages() if any(block.language in SHELL for block in blocks(page))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_shell_block_runs(page: Path, commands: Path, tmp_path: Path) -> None:
    if any("modelcheck grade" in block.text for block in blocks(page)) and (cause := no_sandbox("bubblewrap")):
        missing(cause)
    folder = begun(page, tmp_path)
    for block in blocks(page):
        if block.title:
            file = folder / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        elif block.language in SHELL and not block.not_run:
            run(block, folder, commands)


def test_what_is_not_run_is_known_and_says_why() -> None:
    marked = [block for page in pages() for block in blocks(page) if block.not_run]
    found = {
        next((one for one in NOT_RUN if one[0] == page and block.text.startswith(one[1])), (block.where, block.text))
        for block in marked
        for page in [str(block.page.relative_to(ROOT))]
    }
    assert found == NOT_RUN


def begun(page: Path, tmp_path: Path) -> Path:
    """Where its first command is typed: an empty folder, or the examples of a clone."""
    if not begins_in_examples(page):
        return tmp_path
    shutil.copytree(ROOT / "reference_model", tmp_path / "reference_model")
    return Path(shutil.copytree(EXAMPLES, tmp_path / EXAMPLES.name))


def run(block: Block, folder: Path, commands: Path) -> None:
    """Run the block, which must end as its page says, and print what its page shows."""
    typed, shown = block.text, []
    if block.language == "console":
        lines = block.text.splitlines()
        typed = "\n".join(line.removeprefix("$ ") for line in lines if line.startswith("$ "))
        shown = [line for line in lines if not line.startswith("$ ")]
    path = os.pathsep.join([str(commands), str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", typed],
        cwd=folder,
        env=os.environ | {"PATH": path, "COLUMNS": "80", "OMP_NUM_THREADS": "1", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=LIMIT_S,
    )
    assert done.returncode == block.status, f"{block.where}: exit status {done.returncode}\n{typed}\n{done.stdout}"
    printed = [line.rstrip() for line in done.stdout.splitlines()]
    for line in shown:
        if line.strip() == "…":
            continue
        assert line in printed, f"{block.where}: not printed, or not in this place: {line}\n{done.stdout}"
        printed = printed[printed.index(line) + 1 :]
