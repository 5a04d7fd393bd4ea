from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
import torch
from torch import Tensor, nn

import modelcheck
from modelcheck.facts.compute import compute_facts
from modelcheck.grading.course import _measure
from modelcheck.grading.gradebook import CaptureFile, CaptureRecord
from modelcheck.grading.measuring import Trained, Unfinished
from modelcheck.policy import load_policy
from modelcheck.report import Metrics, TestAccuracy
from modelcheck.rules.mc501_accuracy import AccuracyOptions

from .gradebook.samples import SANDBOX, metrics

ORDERED = torch.arange(7840.0).reshape(10, 784)


class Learnt(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(784, 10, bias=False)
        self.fc.weight.data = ORDERED.clone()

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x.flatten(1))


def trained(accuracy: AccuracyOptions | None = None) -> Trained:
    measure = _measure(load_policy("mnist-20k"), accuracy)
    assert isinstance(measure, Trained)
    return measure


def captured_as(sha256: str) -> CaptureRecord:
    return CaptureRecord(result=CaptureFile(sha256=sha256, size=1), seconds=0.0, sandboxed=SANDBOX)


def test_weights_keep_their_values_and_not_their_order() -> None:
    captured = modelcheck.capture(Learnt(), input=(1, 28, 28))
    started = []
    for digest in ("0" * 64, "1" + "0" * 63, "1" + "0" * 63):
        one = replace(trained(), record=captured_as(digest))
        model, _ = one._model(captured, compute_facts(captured), one.prepare())
        started.append(next(model.parameters()).detach())
    for values in started:
        assert torch.equal(values.flatten().sort().values, ORDERED.flatten())
        assert not torch.equal(values, ORDERED)
    # another capture has another order, which its author cannot know before it is made; the same one has the same
    assert not torch.equal(started[0], started[1])
    assert torch.equal(started[1], started[2])


def reached(accuracy: float) -> Metrics:
    return msgspec.structs.replace(
        metrics(1, 0.0), test_accuracy=TestAccuracy(last=accuracy, best=accuracy, best_epoch=2)
    )


@pytest.mark.parametrize(
    ("attempts", "known", "trains", "used"),
    [
        (1, [], [0.9935], [0.9935]),
        (3, [], [0.995], [0.995]),
        (3, [], [0.99], [0.99]),  # chance does not miss by so much
        (3, [], [0.9935, "kept first"], [0.9935]),
        (3, [0.9935], [0.9932, "kept first"], [0.9935, 0.9932]),
        (3, [0.9935, 0.9932], [0.9936], [0.9935, 0.9932, 0.9936]),
        (2, [0.9935, 0.9932, 0.9936], [], [0.9935, 0.9932]),
        (3, [0.995, 0.9932], [], [0.995]),
    ],
)
def test_each_attempt_is_kept_before_the_next(
    monkeypatch: pytest.MonkeyPatch, attempts: int, known: list[float], trains: list[Any], used: list[float]
) -> None:
    seeds = []

    def train(_self: Trained, _captured: Any, _description: Any, _prepared: Any, seed: int, _save: None) -> Metrics:
        seeds.append(seed)
        return reached(trains[len(seeds) - 1])

    monkeypatch.setattr(Trained, "_train", train)
    measure = trained(AccuracyOptions(min=0.994, attempts=attempts))
    measure = replace(measure, known=[reached(one) for one in known], used=[])
    nothing: Any = None
    if "kept first" in trains:
        with pytest.raises(Unfinished):
            measure.run(nothing, nothing, nothing, 5, nothing)
    else:
        found = measure.run(nothing, nothing, nothing, 5, nothing)
        assert found.test_accuracy.last == max(used)
        assert (found.runs.accuracies if found.runs else tuple(used)) == tuple(used)
    assert [one.test_accuracy.last for one in measure.used] == used
    assert seeds == [5 + len(known) + n for n in range(len(used) - len(known))]
