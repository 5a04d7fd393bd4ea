from __future__ import annotations

import msgspec
import pytest

from .making import decide, facts, metrics, trained

ON_TRAINING = ["MC502", "MC503", "MC504", "MC505", "MC506", "MC507"]
SETTINGS = {"MC502": {"min": 0.5, "within": 3}}
codes = pytest.mark.parametrize("code", ON_TRAINING)


@codes
def test_a_good_training_passes(code: str) -> None:
    found, findings = decide(code, SETTINGS.get(code, {"level": "error"}), metrics=trained())
    assert (found.outcome, findings) == ("pass", ()), found.cause


@codes
def test_before_training_it_is_not_run_and_says_what_trains(code: str) -> None:
    found, _ = decide(code, SETTINGS.get(code, {"level": "error"}))
    assert (found.outcome, found.cause) == ("not run", "nothing was trained; modelcheck train-eval does")


@codes
def test_scored_weights_are_no_training(code: str) -> None:
    found, _ = decide(code, SETTINGS.get(code, {"level": "error"}), metrics=metrics(last=0.99))
    assert found.outcome == "not run"
    assert (found.cause or "").startswith("weights were scored, and nothing was trained")


@codes
def test_an_output_of_another_shape_is_the_cause(code: str) -> None:
    found, _ = decide(code, SETTINGS.get(code, {"level": "error"}), facts(output_shape=(7,)), classes=10)
    assert found.cause == "the output is not one score for each class, so nothing was trained"


@codes
def test_without_a_capture_nothing_is_known(code: str) -> None:
    found, _ = decide(code, SETTINGS.get(code, {"level": "error"}), None)
    assert found.outcome == "not run"
    assert (found.cause or "").startswith("nothing was captured")


@pytest.mark.parametrize("code", ["MC503", "MC506"])
def test_a_start_that_was_not_measured(code: str) -> None:
    found, _ = decide(code, "error", metrics=msgspec.structs.replace(trained(), start=None))
    assert (found.outcome, found.cause) == ("not run", "nothing was measured before the training")
