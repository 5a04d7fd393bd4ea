"""The files of a new rule, in a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from modelcheck.rules import all_rules
from modelcheck.rules.__main__ import ROOT, main
from modelcheck.rules.scaffold import TO_WRITE

Run = Callable[..., subprocess.CompletedProcess[str]]
FREE = "MC499"
PARTS = ("modelcheck", "reference_model", "tests/rules", "docs", "pyproject.toml")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What of the repository a new rule touches."""
    heavy = shutil.ignore_patterns("__pycache__", "*.gz", "golden")
    for part in PARTS:
        source, target = ROOT / part, tmp_path / part
        shutil.copytree(source, target, ignore=heavy) if source.is_dir() else shutil.copy(source, target)
    return tmp_path


@pytest.fixture
def run(clone: Path) -> Run:
    """Runs a module in the copy."""
    environment = {**os.environ, "PYTHONPATH": str(clone), "PYTHONDONTWRITEBYTECODE": "1"}

    def module(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *arguments], cwd=clone, env=environment, capture_output=True, text=True, check=False
        )

    return module


@pytest.mark.parametrize(("kind", "standing"), [("advice", "advice"), ("error", "constraint")])
def test_a_rule_in_files_of_its_own(kind: str, standing: str, clone: Path, run: Run) -> None:
    made = run("modelcheck.rules", "new", FREE, "wide-stem", "--kind", kind)
    assert (made.returncode, made.stderr) == (0, "")
    rule, test = "modelcheck/rules/mc499_wide_stem.py", "tests/rules/test_mc499_wide_stem.py"
    assert made.stdout.startswith(f"wrote {rule}\nwrote {test}\nwrote docs/rules.md\n")
    for text in ((clone / rule).read_text(), (clone / test).read_text()):
        assert TO_WRITE in text
    assert f"| {FREE} " not in (clone / "docs/rules.md").read_text()
    assert f"| [{FREE}](#mc499-wide-stem) | wide-stem | {standing} | " in (clone / "docs/rules.md").read_text()
    for check in (("ruff", "check"), ("ruff", "format", "--check")):
        linted = run(*check, rule, test)
        assert linted.returncode == 0, linted.stdout


def test_the_self_test_names_what_is_left_to_write(clone: Path, run: Run) -> None:
    assert run("modelcheck.rules", "new", FREE, "wide-stem").returncode == 0
    tested = run("pytest", "-q", "-p", "no:cacheprovider", "tests/rules/test_every_rule.py", "-k", FREE)
    failed = set(re.findall(rf"^FAILED \S+::(\w+)\[{FREE}\]", tested.stdout, re.MULTILINE))
    assert failed == {
        "test_nothing_is_left_to_write",
        "test_bad_and_good_differ",
        "test_bad_is_found",
        "test_good_has_no_finding_at_all",
    }, tested.stdout[-4_000:]
    for said in (
        "what the rule finds, in one sentence",
        "which operators, weights or shapes decide",
        "models on which the rule fires",
        "check is not written yet",
        "its Bad and its Good are the same model",
    ):
        assert said in tested.stdout


@pytest.mark.parametrize(
    ("code", "name", "said"),
    [
        ("MC401", "wide-stem", "MC401 is taken by MC401 unused-module: codes and names are permanent"),
        (FREE, "unused-module", "unused-module is taken by MC401 unused-module"),
        ("MC4", "wide-stem", "'MC4' is no code of a new rule"),
        ("mc499", "wide-stem", "'mc499' is no code"),
        ("MC4990", "wide-stem", "'MC4990' is no code"),
        ("MC099", "wide-stem", "'MC099' is no code"),
        ("MC799", "wide-stem", "'MC799' is no code"),
        (FREE, "WideStem", "'WideStem' is no rule's name: small letters, words joined by hyphens"),
        (FREE, "wide_stem", "'wide_stem' is no rule's name"),
        (FREE, "wide-", "'wide-' is no rule's name"),
        (FREE, "../wide", "'../wide' is no rule's name"),
        (FREE, "", "'' is no rule's name"),
    ],
)
def test_what_is_taken_or_no_name_is_refused(
    code: str, name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("modelcheck.rules.__main__.ROOT", tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(["new", code, name])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith(f"error: {said}")


@pytest.mark.parametrize(
    ("folders", "files", "said"),
    [
        ([], [], "there is no folder"),
        (["modelcheck/rules"], [], "there is no folder"),
        (["modelcheck/rules", "tests/rules"], ["tests/rules/test_mc499_wide_stem.py"], "is there already"),
    ],
)
def test_nothing_is_written_where_not_all_can_be(
    folders: list[str],
    files: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("modelcheck.rules.__main__.ROOT", tmp_path)
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    for file in files:
        (tmp_path / file).write_text("mine")
    with pytest.raises(SystemExit):
        main(["new", FREE, "wide-stem"])
    assert said in capsys.readouterr().err
    assert [path for path in tmp_path.rglob("*.py") if path.read_text() != "mine"] == []


def test_the_code_of_these_tests_is_free() -> None:
    assert FREE not in {rule.code for rule in all_rules()}
