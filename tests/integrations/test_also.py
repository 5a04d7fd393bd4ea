"""``--also``: one inspection, several readers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from modelcheck import cli


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["modelcheck", "inspect", "reference_model:Net", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_a_report_goes_to_several_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    status = run(monkeypatch, "-p", "era-s7", "--also", "json=a=b.json", "--also", "junit=junit.xml", "-f", "concise")
    assert status == 1
    assert json.loads(Path("a=b.json").read_text())["verdict"] == "fail"
    assert ElementTree.parse("junit.xml").getroot().tag == "testsuites"
    assert "MC101 18,592 parameters" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("also", "text"),
    [
        ("sarif", "--also sarif: a format and a file are expected, as in sarif=report.sarif"),
        ("srif=x", "--also: unknown format 'srif'; did you mean 'sarif'?"),
        ("sarif=no/x", "--also no/x: there is no folder"),
    ],
)
def test_what_could_not_be_written_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], also: str, text: str
) -> None:
    assert run(monkeypatch, "--also", also) == 2
    shown = capsys.readouterr()
    assert text in shown.err
    assert not shown.out


def test_several_models_do_not_go_where_one_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--pick", "all", "--also", "gradescope=x.json") == 2
    assert "--also gradescope is of one model" in capsys.readouterr().err
