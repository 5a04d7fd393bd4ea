from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import msgspec
import pytest
import torch
from torch import Tensor, nn

import modelcheck
from modelcheck.errors import MemoryLimit, TimeLimit
from modelcheck.facts.compute import compute_facts
from modelcheck.grading.bounded import limited
from modelcheck.grading.course import _measure
from modelcheck.grading.gradebook import CaptureFile, CaptureRecord
from modelcheck.grading.measuring import SAMPLE_S, Trained, Unfinished
from modelcheck.graph.model import GraphModel
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


def test_weights_are_drawn_anew_by_what_nobody_knows_before() -> None:
    captured = modelcheck.capture(Learnt(), input=(1, 28, 28))
    started = []
    for digest in ("0" * 64, "1" + "0" * 63, "1" + "0" * 63):
        one = replace(trained(), record=captured_as(digest))
        model, _ = one._model(captured, compute_facts(captured), one.prepare())
        started.append(next(model.parameters()).detach())
    for values in started:
        assert float(torch.isin(values, ORDERED).float().mean()) < 0.01
        assert float(values.mean()) == pytest.approx(float(ORDERED.mean()), rel=0.1)
        assert float(values.std()) == pytest.approx(float(ORDERED.std()), rel=0.1)
    # another capture has other weights, which its author cannot know before it is made; the same one has the same
    assert not torch.equal(started[0], started[1])
    assert torch.equal(started[1], started[2])


def test_what_would_take_hours_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    captured = modelcheck.capture(Learnt(), input=(1, 28, 28))
    model = GraphModel(captured)
    monkeypatch.setattr(GraphModel, "forward", lambda self, x: time.sleep(SAMPLE_S + 0.1) or x.flatten(1)[:, :10])
    with pytest.raises(TimeLimit, match=r"could not be trained: two images take 0\.\d s .* an epoch shows 60,000"):
        trained()._check_speed(model, trained().prepare())


def test_a_training_ends_at_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    captured = modelcheck.capture(Learnt(), input=(1, 28, 28))
    one = replace(trained(), record=captured_as("0" * 64), seconds=1.0)
    with pytest.raises(TimeLimit, match="could not be trained in 1 s"), limited(100.0, "the rest"):
        one.run(captured, compute_facts(captured), one.prepare(), 0, lambda _: None)

    monkeypatch.setattr(Trained, "_train", lambda *_: torch.zeros(2**50))
    with pytest.raises(MemoryLimit, match=r"could not be trained in [\d,]+ MiB"):
        one.run(captured, compute_facts(captured), one.prepare(), 0, lambda _: None)


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
