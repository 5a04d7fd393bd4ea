from __future__ import annotations

import pytest

from .making import decide, facts, layer


@pytest.mark.parametrize(
    ("unused", "outcome", "evidence"),
    [
        ((), "pass", "every module is called"),
        (("a",), "fail", "1 module is never called"),
        (("a", "b"), "fail", "2 modules are never called"),
    ],
)
def test_unused_modules_are_counted(unused: tuple[str, ...], outcome: str, evidence: str) -> None:
    found, findings = decide("MC401", "error", facts(unused_modules=unused))
    assert (found.outcome, found.evidence) == (outcome, evidence)
    assert tuple(one.where for one in findings) == unused


@pytest.mark.parametrize(
    ("layers", "holds"),
    [
        ([], ""),
        ([layer("head.a", 0)], ""),
        ([layer("head.a", 1)], ", and holds 1 parameter"),
        ([layer("head", 1000), layer("head.a", 500), layer("header", 7)], ", and holds 1,500 parameters"),
    ],
)
def test_what_it_holds_is_told(layers: list[object], holds: str) -> None:
    _, (finding,) = decide("MC401", "advice", facts(unused_modules=("head",)), layers=tuple(layers))
    assert finding.message == f"head is declared and never called{holds}: call it in forward, or delete it"
