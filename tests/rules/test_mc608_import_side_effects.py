from __future__ import annotations

from typing import Any, get_args

import pytest

from modelcheck.errors import LoadError
from modelcheck.judge import judge
from modelcheck.origin import Effect, EffectKind, Origin
from modelcheck.policy import ActiveRule
from modelcheck.report import Severity
from modelcheck.rules.base import Options, Subject
from modelcheck.rules.mc608_import_side_effects import ImportSideEffects

from .making import PLAIN, decide

GUARD = '. Put what is only to run as a script under `if __name__ == "__main__":`'


def effect(kind: EffectKind, line: int, file: str = "net.py") -> Effect:
    return Effect(kind=kind, text="x", file=file, line=line)


def told(*effects: Effect, severity: Severity = "advice") -> Any:
    """What the rule says of those under that severity."""
    subject = Subject(facts=PLAIN, origin=Origin(file="net.py", line=3, name="Net", left_out=effects))
    (outcome,), findings, _ = judge(subject, [ActiveRule(ImportSideEffects(), Options(), severity)])
    return outcome, findings


@pytest.mark.parametrize("origin", [None, Origin(file="net.py", line=3, name="Net")])
def test_nothing_was_left_out(origin: Origin | None) -> None:
    found, findings = decide("MC608", "error", origin=origin)
    assert (found.outcome, found.evidence, findings) == ("pass", "nothing with effects was left out", ())


def test_what_was_set_aside_is_no_effect() -> None:
    origin = Origin(file="book.ipynb, cell 1", line=3, name="Net", set_aside=(effect("installs", 1),))
    assert decide("MC608", "error", origin=origin)[0].outcome == "pass"


def test_where_nothing_was_captured_it_is_not_known() -> None:
    found, _ = decide("MC608", "error", None, failure=LoadError("no"))
    assert (found.outcome, found.cause) == ("not run", "nothing was captured (MC001)")


def test_a_script_is_told_by_kinds_at_the_worst_of_them() -> None:
    prints = [effect("prints", line) for line in (12, 95, 97, 98, 99)]
    found, (finding,) = told(prints[0], effect("downloads", 40), effect("trains", 88), *prints[1:])
    assert (found.outcome, found.evidence) == ("fail", "7 statements with effects left out of 1 file")
    assert finding.message == (
        "importing this file trains (line 88), downloads (line 40) and prints (lines 12, 95 and 3 more); "
        "only the definitions were used" + GUARD
    )
    assert (finding.file, finding.line, finding.severity) == ("net.py", 88, "advice")


@pytest.mark.parametrize("kind", get_args(EffectKind))
def test_every_kind_can_be_told(kind: EffectKind) -> None:
    _, (finding,) = told(effect(kind, 5))
    assert finding.message.startswith(f"importing this file {kind.split()[0]}")
    assert "(line 5); only the definitions were used" in finding.message


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([1], "line 1"),
        ([1, 1], "line 1"),
        ([1, 2], "lines 1 and 2"),
        ([1, 2, 3], "lines 1, 2 and 3"),
        ([1, 2, 3, 4], "lines 1, 2 and 2 more"),
        (range(1, 2001), "lines 1, 2 and 1,998 more"),
    ],
)
def test_of_many_lines_the_first_are_named(lines: Any, said: str) -> None:
    _, (finding,) = told(*(effect("prints", line) for line in lines))
    assert f"prints ({said});" in finding.message


def test_one_finding_for_each_file() -> None:
    found, findings = told(effect("prints", 1), effect("trains", 9, "train.py"), effect("prints", 2))
    assert found.evidence == "3 statements with effects left out of 2 files"
    assert [(one.file, one.line) for one in findings] == [("net.py", 1), ("train.py", 9)]


def test_it_counts_where_the_policy_says_so() -> None:
    found, (finding,) = told(effect("prints", 1), severity="error")
    assert (found.outcome, finding.severity) == ("fail", "error")


@pytest.mark.parametrize("severity", ["advice", "error"])
def test_nothing_is_wrong_with_a_notebook(severity: Severity) -> None:
    cells = [effect("prints", 1, f"a/book.ipynb, cell {number}") for number in (2, 3, 5, 5, 7, 9)]
    found, (finding,) = told(*cells, effect("trains", 4, "a/book.ipynb, cell 8"), severity=severity)
    assert (found.outcome, finding.severity) == ("pass", "advice")
    assert finding.message == (
        "Only what the model needs of this notebook was run. Left out is what trains (cell 8) and prints "
        "(cells 2, 3 and 3 more)"
    )
    assert "__main__" not in finding.message
    assert (finding.file, finding.line) == ("a/book.ipynb, cell 8", 4)


@pytest.mark.parametrize("file", ["book.ipynb", "BOOK.IPYNB", "book.ipynb, cell 3"])
def test_a_notebook_is_told_by_its_name(file: str) -> None:
    _, (finding,) = told(effect("prints", 7, file))
    assert finding.message.startswith("Only what the model needs of this notebook")
    assert ("cell 3" if "cell" in file else "line 7") in finding.message


@pytest.mark.parametrize("file", ["book.ipynb.py", "ipynb", "", "x" * 10_000])
def test_what_is_none(file: str) -> None:
    _, (finding,) = told(effect("prints", 7, file))
    assert finding.message.endswith(GUARD)
