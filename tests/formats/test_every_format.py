"""What holds of every format: the same findings, whatever an author names, one report or several."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from modelcheck import cli
from modelcheck.formats import format_names, render_all, renderer, takes_several
from modelcheck.report import Report
from modelcheck.telling.problems import problems

from .conftest import FAILING
from .making import HOSTILE, NAMES, poisoned, undecided

FORMATS = format_names()
SUFFIX = {"concise": "txt", "github": "txt", "gradescope": "json", "html": "html", "junit": "xml", "markdown": "md"}
MACHINE = ["json", "sarif", "gradescope", "junit"]
every = pytest.mark.parametrize("name", FORMATS)


def shown(name: str, report: Report) -> str:
    return renderer(name)(report, width=300, color=False)


def test_they_are_those_of_the_contract() -> None:
    told = "concise github gradescope html json junit markdown sarif table"
    assert tuple(told.split()) == FORMATS


GOLDEN = [(name, kind) for name in SUFFIX for kind in ("failing", "measured", "submission", "MC003") if name != "html"]


@pytest.mark.parametrize(("name", "kind"), [*GOLDEN, ("html", "measured")])
def test_golden(name: str, kind: str, reports: dict[str, Report], golden: Callable[[str, str], None]) -> None:
    text = re.sub(r"<style>.*?</style>", "<style>STYLE</style>", shown(name, reports[kind]), flags=re.DOTALL)
    golden(f"{kind}-{name}.{SUFFIX[name]}", re.sub(r"'sha256-[^']*'", "'sha256-OF_STYLE'", text))


@every
@pytest.mark.parametrize("kind", NAMES)
def test_each_rule_that_finds_something_is_in_every_format(name: str, kind: str, reports: dict[str, Report]) -> None:
    text = shown(name, reports[kind])
    for finding in reports[kind].findings:
        assert finding.code in text
    for rule in reports[kind].rules:
        if rule.outcome == "fail":
            assert rule.code in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


@every
def test_what_fails_since_nobody_can_know_is_told_with_its_cause(name: str, reports: dict[str, Report]) -> None:
    report = undecided(reports["reference"])
    assert [one.code for one in problems(report)] == ["MC203"]
    text = shown(name, report)
    assert "MC203" in text
    assert "no graph was captured" in text


@every
@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("base", ["failing", "MC003"])
def test_whatever_an_author_names_is_only_text(name: str, kind: str, base: str, reports: dict[str, Report]) -> None:
    text = shown(name, poisoned(reports[base], HOSTILE[kind]))
    text.encode()
    if name == "json":  # whose strings are the report's
        json.loads(text)
        return
    assert len(text) < 300_000
    assert {c for c in text if not c.isprintable()} <= {"\n", "\u200b"}
    assert "\u200b" not in text or name == "markdown"
    if name in ("sarif", "gradescope"):
        json.loads(text)
    if name == "junit":
        ElementTree.fromstring(text)


@pytest.mark.parametrize("name", [name for name in FORMATS if takes_several(name)])
def test_several_reports_are_one_text(name: str, reports: dict[str, Report]) -> None:
    given = [reports["failing"], reports["MC003"], reports["failing"]]
    text = render_all(name, given, width=300, color=False)
    for code in ("MC101", "MC203", "MC003"):
        assert code in text
    if name in ("json", "sarif"):
        json.loads(text)
    if name == "junit":
        assert len(ElementTree.fromstring(text)) == 3
    if name == "html":
        ids = re.findall(r'\bid="([^"]+)"', text)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'aria-labelledby="([^"]+)"', text)) <= set(ids)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("command")
    (made / "net.py").write_text(FAILING)
    (made / "bad.py").write_text("class Net(:\n")
    return made


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path) -> Any:
    def run(*arguments: str) -> tuple[Any, str, str]:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["modelcheck", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, *capsys.readouterr()

    return run


@every
def test_a_format_changes_no_exit_status_and_has_stdout_alone(name: str, call: Any) -> None:
    status, out, err = call("inspect", "net.py", "--policy", "mnist-20k", "--select", "MC101", "--format", name)
    assert (status, err) == (1, "")
    assert "MC101" in out
    assert call("inspect", "net.py", "--policy", "mnist-20k", "--select", "MC301", "--format", name)[0] == 0
    status, out, err = call("inspect", "bad.py:Net", "--format", name)
    assert status == 3
    assert "MC001" in out


@pytest.mark.parametrize("name", MACHINE)
def test_a_report_in_a_file_is_the_one_on_stdout(name: str, call: Any, folder: Path) -> None:
    _, out, _ = call("inspect", "net.py", "-f", name)
    status, nothing, said = call("inspect", "net.py", "-f", name, "--output", "made")
    assert (status, nothing) == (0, "")
    assert said == "modelcheck: wrote made (verdict: pass)\n"
    assert (folder / "made").read_text(encoding="utf-8") == out


def test_gradescope_is_told_of_one_submission(call: Any) -> None:
    status, out, err = call("inspect", "net.py", "--pick", "all", "-f", "gradescope")
    assert (status, out) == (2, "")
    assert "of one model: leave --pick all out" in err


def test_the_help_names_every_format(call: Any) -> None:
    _, out, _ = call("inspect", "--help")
    assert [name for name in FORMATS if name not in out] == []


def test_strict_advice_counts_in_what_machines_read(reports: dict[str, Report]) -> None:
    strict = msgspec.structs.replace(reports["failing"], strict=True)
    for name, lenient, counted in (
        ("github", "::warning file", "::error file"),
        ("sarif", '"level": "warning"', '"level": "error"'),
        ("junit", "<system-out>", "<failure"),
    ):
        assert lenient in shown(name, reports["failing"])
        assert lenient not in re.sub(r'"defaultConfiguration": \{[^}]*\}', "", shown(name, strict))
        assert shown(name, strict).count(counted) > shown(name, reports["failing"]).count(counted)


@pytest.mark.parametrize("name", [*MACHINE, "markdown", "html", "github"])
def test_programs_read_utf_8_whatever_the_console_writes(
    name: str, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    written = io.BytesIO()
    monkeypatch.chdir(folder)
    (folder / "größe.py").write_text(FAILING, encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["modelcheck", "inspect", "größe.py", "-p", "mnist-20k", "-f", name])
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="cp1252"))
    with pytest.raises(SystemExit):
        cli.main()
    assert "größe.py" in written.getvalue().decode("utf-8")
