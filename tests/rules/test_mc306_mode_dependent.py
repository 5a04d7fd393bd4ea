from __future__ import annotations

from typing import Any

import pytest

from modelcheck.facts.structs import ModeDifference

from .making import decide, facts

BEGINNING = "training and evaluation differ beyond dropout and normalisation: "


def difference(kind: Any, mode: Any = None, name: str = "relu", path: str = "", detail: str = "") -> ModeDifference:
    return ModeDifference(kind=kind, mode=mode, name=name, path=path, detail=detail or None, file="net.py", line=7)


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (
            difference("only", "training", path="head"),
            "relu in head runs only in training. Compute the same in both modes",
        ),
        (difference("only", "evaluation"), "relu runs only in evaluation. Compute the same in both modes"),
        (
            difference(
                "arguments", name="leaky_relu", detail="negative_slope is 0.1 in training and 0.2 in evaluation"
            ),
            "leaky_relu: negative_slope is 0.1 in training and 0.2 in evaluation. Compute the same in both modes",
        ),
        (
            difference("weights", name="linear", detail="a.weight in training and b.weight in evaluation"),
            "linear reads other weights, a.weight in training and b.weight in evaluation. Compute the same in both "
            "modes",
        ),
        (difference("inputs", name="sub"), "sub takes its values from elsewhere. Compute the same in both modes"),
        (
            difference("outputs", "training", "forward", detail="3 in training and 1 in evaluation"),
            "forward returns another number of tensors, 3 in training and 1 in evaluation. Only the first is trained "
            "and scored here",
        ),
    ],
)
def test_the_first_difference_is_told(one: ModeDifference, text: str) -> None:
    outcome, (finding,) = decide("MC306", "error", facts(mode_differences=(one,)))
    assert finding.message == BEGINNING + text
    assert (finding.where, finding.file, finding.line) == (one.path or None, "net.py", 7)
    assert outcome.evidence == f"the modes differ: {text.partition('. ')[0]}"


def test_softmax_in_evaluation_is_told_by_what_comes_out() -> None:
    one = difference("only", "evaluation", "softmax")
    kinds = {"training_output_kind": "logits", "output_kind": "probabilities"}
    _, (finding,) = decide("MC306", "advice", facts(mode_differences=(one,), **kinds))
    assert finding.message == (
        f"{BEGINNING}softmax runs only in evaluation. The output is logits in training and probabilities in "
        f"evaluation: "
        "return the same in both, and convert it where it is used"
    )


@pytest.mark.parametrize(("count", "more"), [(1, "."), (2, ", among other differences."), (5, ", among other diff")])
def test_of_many_the_first_is_told(count: int, more: str) -> None:
    found = tuple(difference("only", "training", f"op{number}") for number in range(count))
    _, (finding,) = decide("MC306", "advice", facts(mode_differences=found))
    assert f"op0 runs only in training{more}" in finding.message


def test_modes_that_compute_the_same() -> None:
    outcome, findings = decide("MC306", "error", facts())
    assert (outcome.outcome, findings) == ("pass", ())
