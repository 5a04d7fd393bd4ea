"""A comment in the author's file, from the file to the report."""

from __future__ import annotations

from pathlib import Path

import pytest

import modelcheck
from modelcheck.formats import renderer
from modelcheck.policy import policy_from_table
from modelcheck.report import Report, UnknownIgnore

NET = """\
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(784, 10)
        self.spare = nn.Linear(10, 10)  # modelcheck: ignore[{codes}]
        self.other = nn.Linear(10, 10)

    def forward(self, x):
        return self.fc(x.flatten(1))
"""
SELECT = ("MC401", "MC101")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def inspected(
    codes: str = "unused-module", level: str = "advice", target: str = "net.py:Net", **options: bool
) -> Report:
    Path("net.py").write_text(NET.format(codes=codes))
    table = {"rules": {"unused-module": level, "parameter-budget": {"max": 10**5}}}
    policy = policy_from_table(table, Path("policy.toml"))
    return modelcheck.inspect(target, policy=policy, input=(1, 28, 28), select=SELECT, **options)


def lines(report: Report) -> tuple[list[int | None], list[int | None]]:
    return [one.line for one in report.findings], [one.line for one in report.ignored]


def test_advice_is_ignored_where_it_is_declared() -> None:
    report = inspected()
    assert lines(report) == ([9], [8])
    assert (report.ignored[0].where, report.ignored[0].file, report.ignored[0].severity) == (
        "spare",
        "net.py",
        "advice",
    )
    (outcome,) = [one for one in report.rules if one.code == "MC401"]
    assert outcome.evidence == "2 modules are never called; 1 finding is ignored by comments"


@pytest.mark.parametrize("codes", ["MC302", "MC4", ""])
def test_other_codes_ignore_other_rules(codes: str) -> None:
    assert lines(inspected(codes)) == ([8, 9], [])


def test_a_constraint_stays_one() -> None:
    report = inspected(level="error")
    assert lines(report) == ([8, 9], [])
    assert report.verdict == "fail"


@pytest.mark.parametrize(("left", "verdict"), [("", "fail"), ("  # modelcheck: ignore", "pass")])
def test_strict_does_not_bring_it_back(left: str, verdict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other = "self.other = nn.Linear(10, 10)"
    monkeypatch.setattr(f"{__name__}.NET", NET.replace(other, other + left))
    assert inspected(strict=True).verdict == verdict


def test_from_a_process_of_its_own() -> None:
    assert lines(inspected(isolated=True)) == ([9], [8])


def test_from_a_saved_capture() -> None:
    Path("net.py").write_text(NET.format(codes="MC401"))
    modelcheck.capture("net.py:Net", input=(1, 28, 28)).save("net.mcz")
    Path("net.py").unlink()
    report = modelcheck.inspect("net.mcz", select=SELECT[:1])
    assert lines(report) == ([9], [8])


def test_a_code_that_is_none_is_told() -> None:
    report = inspected("unused-modul, MC401")
    assert report.unknown_ignores == (UnknownIgnore(name="unused-modul", file="net.py", line=8),)
    assert lines(report) == ([9], [8])


def shown(report: Report) -> str:
    return " ".join(renderer("table")(report, width=200, color=False).split())


def test_what_is_ignored_is_shown() -> None:
    told = shown(inspected("unused-modul, MC401"))
    assert "1 finding ignored by comments: MC401 net.py:8" in told
    assert "net.py:8: the comment ignores unused-modul, which is no rule; did you mean unused-module?" in told


def test_nothing_is_shown_where_nothing_is_ignored() -> None:
    assert "comment" not in shown(inspected("MC302"))


def test_a_name_that_is_near_no_rule_has_no_hint() -> None:
    assert "ignores \\x1b[31m€, which is no rule " in shown(inspected("\x1b[31m€"))
