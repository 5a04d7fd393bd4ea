from __future__ import annotations

import pytest

from .making import decide, facts


@pytest.mark.parametrize(
    ("shape", "batches", "outcome"),
    [
        ((10,), (1, 2, 64), "pass"),
        ((10,), (2,), "pass"),
        ((9,), (1, 2, 64), "fail"),
        ((10, 1, 1), (1, 2, 64), "fail"),
        ((), (1, 2, 64), "fail"),
        ((10,), (), "fail"),
    ],
)
def test_one_row_of_scores_for_each_sample(shape: tuple[int, ...], batches: tuple[int, ...], outcome: str) -> None:
    known = facts(output_shape=shape, accepted_batches=batches)
    assert decide("MC302", "error", known, classes=10)[0].outcome == outcome


@pytest.mark.parametrize(
    ("shape", "batches", "message"),
    [
        ((10, 1, 1), (2,), "gives (N, 10, 1, 1); (N, 10) is expected"),
        ((), (2,), "gives (N); (N, 10) is expected"),
        ((10,), (), "gives (N, 10), with another number of rows than samples; (N, 10) is expected"),
    ],
)
def test_message(shape: tuple[int, ...], batches: tuple[int, ...], message: str) -> None:
    _, (finding,) = decide("MC302", "error", facts(output_shape=shape, accepted_batches=batches), classes=10)
    assert finding.message == message


def test_without_a_number_of_classes_it_cannot_know() -> None:
    found, _ = decide("MC302", "error")
    assert found.outcome == "not run"
    assert "[model] classes" in (found.cause or "")
