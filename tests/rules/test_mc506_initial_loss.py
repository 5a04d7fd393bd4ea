from __future__ import annotations

import msgspec
import pytest

from modelcheck.report import Start

from .making import decide, trained


def start(train_loss: float | None) -> Start:
    return Start(images=100, test_accuracy=0.1, test_loss=2.3, train_loss=train_loss)


@pytest.mark.parametrize("loss", [1.16, 2.3, 6.93, 9.2])
def test_near_enough(loss: float) -> None:
    found, findings = decide("MC506", "error", metrics=trained(start(loss)))
    assert (found.outcome, findings) == ("pass", ())
    assert found.evidence == f"the first batch's loss is {loss:.2f}, ln(10) is 2.30"


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (9.25, "the class scores are large from the start; initialise the last layer with smaller weights"),
        (1e30, "the class scores are large from the start"),
        (1.14, "the model knows the classes before any training (see pretrained-start, MC503)"),
        (0.0, "the model knows the classes"),
    ],
)
def test_far_away(loss: float, message: str) -> None:
    found, (finding,) = decide("MC506", "advice", metrics=trained(start(loss)))
    assert found.outcome == "fail"
    assert finding.message.startswith(f"{found.evidence}: {message}")


def test_the_number_of_classes_counts() -> None:
    known = msgspec.structs.replace(trained(start(2.9)), confusion=((1, 0), (0, 1)))
    found, _ = decide("MC506", "error", metrics=known)
    assert (found.outcome, found.evidence) == ("fail", "the first batch's loss is 2.90, ln(2) is 0.69")


@pytest.mark.parametrize(
    ("loss", "weights", "cause"),
    [
        (None, None, "the first batch's loss was NaN or infinite (MC504)"),
        (0.02, "net.safetensors", "the training started from net.safetensors, as it was told to"),
    ],
)
def test_when_it_is_not_run(loss: float | None, weights: str | None, cause: str) -> None:
    known = msgspec.structs.replace(trained(start(loss)), weights=weights)
    found, _ = decide("MC506", "error", metrics=known)
    assert (found.outcome, found.cause) == ("not run", cause)
