from __future__ import annotations

import pytest

from modelcheck.facts.structs import DropoutUse, Facts, LinearUse, Use

from .making import decide, facts, use

KINDS = {
    "MC201": ("batch_norm", "batch norm"),
    "MC202": ("dropout", "dropout"),
    "MC203": ("global_average_pooling", "global average pooling"),
    "MC204": ("fully_connected", "fully connected layer"),
}
kinds = pytest.mark.parametrize("code", KINDS)


def with_use(code: str, found: Use) -> Facts:
    """Facts with that use of the operators that the rule counts."""
    values = {"count": found.count, "declared": found.declared, "where": found.where}
    if code == "MC202":
        found = DropoutUse(**values, rates=(0.1,) if found.count else ())
    elif code == "MC204":
        found = LinearUse(**values, equals=())
    return facts(**{KINDS[code][0]: found})


@kinds
@pytest.mark.parametrize(
    ("setting", "count", "outcome"),
    [
        ("required", 0, "fail"),
        ("required", 1, "pass"),
        ("required", 50, "pass"),
        ("forbidden", 0, "pass"),
        ("forbidden", 1, "fail"),
        ({"min": 2}, 1, "fail"),
        ({"min": 2}, 2, "pass"),
        ({"max": 2}, 0, "pass"),
        ({"max": 2}, 3, "fail"),
        ({"min": 2, "max": 2}, 2, "pass"),
        ({"min": 2, "max": 2}, 3, "fail"),
    ],
)
def test_live_operators_are_counted(code: str, setting: object, count: int, outcome: str) -> None:
    found, findings = decide(code, setting, with_use(code, use(count)))
    assert found.outcome == outcome
    assert len(findings) == (outcome == "fail")


@pytest.mark.parametrize(("code", "count"), [("MC201", 1), ("MC202", 1), ("MC203", 1), ("MC204", 0)])
def test_a_level_alone_means_what_courses_ask_for(code: str, count: int) -> None:
    assert decide(code, "error", with_use(code, use(count)))[0].outcome == "pass"
    assert decide(code, "error", with_use(code, use(1 - count)))[0].outcome == "fail"


@kinds
@pytest.mark.parametrize("setting", ["required", {"min": 1}])
def test_declared_and_never_called_does_not_count(code: str, setting: object) -> None:
    found, (finding,) = decide(code, setting, with_use(code, use(0, declared=3)))
    noun = KINDS[code][1]
    assert found.evidence == f"0 live {noun}s; 3 declared as modules"
    assert finding.message.startswith(f"0 live {noun}s; 3 declared as modules; the policy asks for at least 1. ")
    assert finding.message.split(". ", 1)[1][0].isupper()


@kinds
@pytest.mark.parametrize(
    ("found", "words"),
    [
        (use(0), "0 live {}s"),
        (use(1), "1 live {} (layer0)"),
        (use(3), "3 live {}s (layer0, layer1, layer2)"),
        (use(4), "4 live {}s (layer0, layer1, layer2, …)"),
        (use(1, declared=0, where=("",)), "1 live {} (forward itself); 0 declared as modules"),
        (use(2, declared=1, where=("a", "a")), "2 live {}s (a); 1 declared as a module"),
    ],
)
def test_evidence_reads_well(code: str, found: Use, words: str) -> None:
    assert decide(code, {"min": 0}, with_use(code, found))[0].evidence == words.format(KINDS[code][1])


@kinds
def test_what_is_too_much_is_named(code: str) -> None:
    _, (finding,) = decide(code, "forbidden", with_use(code, use(2, where=("body.fc", ""))))
    assert finding.where == "body.fc"
    assert finding.message.endswith("the policy asks for none")


@kinds
def test_an_unknown_word_is_told_with_the_known_ones(code: str) -> None:
    from modelcheck.errors import UsageError

    with pytest.raises(UsageError, match=r"unknown word 'requierd'; did you mean 'required'\? Known: .*forbidden"):
        decide(code, "requierd")
