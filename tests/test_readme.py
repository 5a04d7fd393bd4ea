"""What the README shows is what the commands print."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

import modelcheck
from modelcheck.formats import renderer
from modelcheck.policy import load_policy

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_the_first_screen_is_real_output() -> None:
    command, *shown = blocks("console")[0].splitlines()
    assert command == "$ modelcheck inspect reference_model:Net --policy mnist-20k"
    report = modelcheck.inspect("reference_model:Net", policy="mnist-20k")
    printed = renderer("table")(report, width=80, color=False).splitlines()
    for line in shown:
        if line == "…":
            continue
        assert line in printed, line
        printed = printed[printed.index(line) + 1 :]


def test_the_python_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = blocks("python")
    exec(compile(example, "README.md", "exec"), {})
    assert capsys.readouterr().out == "18592 1\n"


def test_the_policy_example_is_a_policy(tmp_path: Path) -> None:
    (example,) = blocks("toml")
    path = tmp_path / "policy.toml"
    path.write_text(example)
    assert (ROOT / "examples/policy.toml").read_text(encoding="utf-8") == example
    policy = load_policy(path)
    assert policy.title == tomllib.loads(example)["title"]
    assert len(policy.active()) > 10


@pytest.mark.parametrize("marker", ["try-it", "run-the-tests"])
def test_ci_finds_the_commands(marker: str) -> None:
    block = re.search(rf"^<!-- {marker} -->\n```bash\n(.+)\n```$", README, re.MULTILINE)
    assert block is not None
    assert shlex.split(block[1])[:4] == ["python3", "-m", "venv", ".venv"]
    assert 'readme_block "$block"' in (ROOT / ".ci/run").read_text()


def test_nothing_is_left_to_fill_in() -> None:
    assert not re.search(r"^[A-Z]{4,}$", README, re.MULTILINE)


def test_every_command_named_is_there() -> None:
    from typer.main import get_command

    from modelcheck.cli import app

    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    named = set(re.findall(r"(?<![\w/])modelcheck (?!is\b)([a-z][a-z-]+)(?= |$|`)", "\n".join(blocks("bash"))))
    assert named
    assert named <= known
