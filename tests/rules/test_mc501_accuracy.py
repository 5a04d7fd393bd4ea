from __future__ import annotations

import pytest

from modelcheck.errors import UsageError

from .making import decide, metrics


@pytest.mark.parametrize(
    ("accuracies", "of", "outcome"),
    [
        ([0.5, 0.8], "last", "pass"),
        ([0.9, 0.79], "last", "fail"),
        ([0.9, 0.79], "best", "pass"),
        ([0.7, 0.79], "best", "fail"),
        ([0.1, 0.8, 0.8, 0.9], "all-of-last-3", "pass"),
        ([0.9, 0.9, 0.79, 0.9, 0.9], "all-of-last-3", "fail"),
        ([0.9, 0.9], "all-of-last-3", "fail"),
        ([0.9], "all-of-last-1", "pass"),
    ],
)
def test_which_epochs_count(accuracies: list[float], of: str, outcome: str) -> None:
    found, findings = decide("MC501", {"min": 0.8, "of": of}, metrics=metrics(*accuracies))
    assert found.outcome == outcome
    assert len(findings) == (outcome == "fail")


@pytest.mark.parametrize(
    ("accuracies", "of", "evidence"),
    [
        ([0.7, 0.79396], "last", "79.396 % (last) on mnist, at least 79.40 % required"),
        ([0.9, 0.79], "best", "90.00 % (best) on mnist, at least 79.40 % required"),
        ([0.9, 0.85], "all-of-last-2", "85.00 % (lowest of the last 2 epochs) on mnist, at least 79.40 % required"),
        ([0.9, 0.85], "all-of-last-1", "85.00 % (last) on mnist, at least 79.40 % required"),
    ],
)
def test_evidence(accuracies: list[float], of: str, evidence: str) -> None:
    assert decide("MC501", {"min": 0.794, "of": of}, metrics=metrics(*accuracies))[0].evidence == evidence


def test_too_few_epochs_are_said_to_be_too_few() -> None:
    _, (finding,) = decide("MC501", {"min": 0.8, "of": "all-of-last-3"}, metrics=metrics(0.9))
    assert finding.message.endswith("in each of the last 3 epochs, and fewer were trained")


@pytest.mark.parametrize(("of", "outcome"), [("last", "pass"), ("best", "pass"), ("all-of-last-2", "not run")])
def test_an_evaluation_alone_has_one_accuracy(of: str, outcome: str) -> None:
    found, _ = decide("MC501", {"min": 0.8, "of": of}, metrics=metrics(last=0.9))
    assert found.outcome == outcome


def test_before_training_it_is_not_run_and_says_what_trains() -> None:
    found, _ = decide("MC501", {"min": 0.8})
    assert found.outcome == "not run"
    assert "modelcheck train-eval" in (found.cause or "")


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"min": 99.4}, r"min: expected a number <= 1\.0, found 99\.4: 99\.4 % is 0\.994\."),
        ({"min": float("nan")}, "min: expected a number >= 0.0, found nan"),
        ({"min": -0.1}, "min: expected a number >= 0.0, found -0.1"),
        ({"min": 0.5, "of": "lats"}, "of: expected best, last or all-of-last-K, found 'lats'"),
        ({"min": 0.5, "of": "all-of-last-0"}, "of: expected best, last or all-of-last-K"),
        ({"min": 0.5, "attempts": 0}, "attempts: expected a whole number >= 1, found 0"),
        ("error", "needs a table with min"),
    ],
)
def test_senseless_settings_are_refused(setting: object, text: str) -> None:
    with pytest.raises(UsageError, match=rf"policy\.toml: rules\.accuracy\S* {text}|rules\.accuracy\.{text}"):
        decide("MC501", setting)
