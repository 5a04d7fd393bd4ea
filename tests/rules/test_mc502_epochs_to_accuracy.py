from __future__ import annotations

import msgspec
import pytest

from modelcheck.errors import UsageError

from .making import decide, metrics

SETTING = {"min": 0.8, "within": 2}


@pytest.mark.parametrize(
    ("accuracies", "evidence"),
    [
        ([0.8], "80.00 % on mnist was reached after epoch 1, within 2 epochs required"),
        ([0.7, 0.8, 0.3], "80.00 % on mnist was reached after epoch 2, within 2 epochs required"),
    ],
)
def test_reached_in_time(accuracies: list[float], evidence: str) -> None:
    found, findings = decide("MC502", SETTING, metrics=metrics(*accuracies))
    assert (found.outcome, found.evidence, findings) == ("pass", evidence, ())


@pytest.mark.parametrize(
    ("accuracies", "message"),
    [
        ([0.7, 0.79, 0.8], "80.00 % on mnist was reached after epoch 3, within 2 epochs required"),
        (
            [0.7, 0.79996, 0.75],
            "80.00 % on mnist was not reached: 79.996 % after epoch 2 is the best of 3, within 2 epochs required",
        ),
        (
            [0.7],
            "80.00 % on mnist was not reached: 70.00 % after epoch 1 is the best of 1, within 2 epochs required; "
            "train for 2 epochs",
        ),
    ],
)
def test_too_late_or_never(accuracies: list[float], message: str) -> None:
    found, (finding,) = decide("MC502", SETTING, metrics=metrics(*accuracies))
    assert (found.outcome, finding.message, finding.severity) == ("fail", message, "error")


def test_how_long_given_weights_took_is_not_known() -> None:
    known = msgspec.structs.replace(metrics(0.9, 0.95), weights="net.safetensors")
    found, _ = decide("MC502", SETTING, metrics=known)
    assert (found.outcome, found.cause) == (
        "not run",
        "the training started from net.safetensors: how long that took is not known",
    )


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"min": 0.9}, "min is given without within: an accuracy and a number of epochs are needed"),
        ({"within": 3}, "within is given without min"),
        ({"min": 99, "within": 3}, r"min: expected a number <= 1\.0, found 99"),
        ({"min": 0.9, "within": 0}, "within: expected a whole number >= 1, found 0"),
        ("error", "needs a table with min or within"),
    ],
)
def test_senseless_settings_are_refused(setting: object, text: str) -> None:
    with pytest.raises(UsageError, match=rf"policy\.toml: rules\.epochs-to-accuracy.*{text}"):
        decide("MC502", setting)
