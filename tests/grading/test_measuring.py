from __future__ import annotations

import torch
from torch import Tensor, nn

import modelcheck
from modelcheck.api import _policy
from modelcheck.facts.compute import compute_facts
from modelcheck.grading.course import _measure

ORDERED = torch.arange(7840.0).reshape(10, 784)


class Learnt(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(784, 10, bias=False)
        self.fc.weight.data = ORDERED.clone()

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x.flatten(1))


def test_weights_keep_their_values_and_not_their_order() -> None:
    captured = modelcheck.capture(Learnt(), input=(1, 28, 28))
    started = []
    for digest in ("0" * 64, "1" + "0" * 63, "1" + "0" * 63):
        measure = _measure(_policy("mnist-20k"), None)
        one = type(measure)(**{**vars(measure), "capture_sha256": digest})
        model, _ = one._model(captured, compute_facts(captured), one.prepare())
        started.append(next(model.parameters()).detach())
    for values in started:
        assert torch.equal(values.flatten().sort().values, ORDERED.flatten())
        assert not torch.equal(values, ORDERED)
    # another capture has another order, which its author cannot know before it is made; the same one has the same
    assert not torch.equal(started[0], started[1])
    assert torch.equal(started[1], started[2])
