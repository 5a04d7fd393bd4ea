from __future__ import annotations

from collections.abc import Callable

import pytest
import torch.nn.functional as F
from torch import Tensor, nn

from .firing import firing


class Net(nn.Module):
    def __init__(self, ended: Callable[[Net, Tensor], Tensor], outputs: int = 10) -> None:
        super().__init__()
        self.ended, self.fc = ended, nn.Linear(784, outputs)
        self.softmax, self.map = nn.Softmax(dim=1), nn.Conv2d(1, 5, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.ended(self, x)


def scores(net: Net, x: Tensor) -> Tensor:
    return net.fc(x.flatten(1))


FIRES: dict[str, tuple[Net, str]] = {
    "probabilities": (
        Net(lambda net, x: scores(net, x).softmax(1)),
        "softmax gives probabilities in training: return the scores themselves for nn.CrossEntropyLoss, or log_softmax "
        "for nn.NLLLoss",
    ),
    "a module": (Net(lambda net, x: net.softmax(scores(net, x))), "softmax gives probabilities in training"),
    "the last dimension": (Net(lambda net, x: scores(net, x).softmax(-1)), "softmax gives probabilities"),
    "clamped": (Net(lambda net, x: scores(net, x).softmax(1).clamp(1e-6, 1)), "softmax gives probabilities"),
    "twice": (
        Net(lambda net, x: F.log_softmax(scores(net, x).softmax(1), 1)),
        "log_softmax takes what softmax gives, which is a softmax already: keep one of them",
    ),
    "log twice": (
        Net(lambda net, x: F.log_softmax(F.log_softmax(scores(net, x), 1), 1)),
        "log_softmax takes what log_",
    ),
    "dropped between": (
        Net(lambda net, x: F.log_softmax(F.dropout(scores(net, x).softmax(1), 0.1, net.training), 1)),
        "log_softmax takes what softmax gives",
    ),
    "over the batch": (
        Net(lambda net, x: F.log_softmax(scores(net, x), 0)),
        "log_softmax runs over dimension 0, which is the batch: use dim=1, so that each sample's classes sum to one",
    ),
    "over the batch from behind": (Net(lambda net, x: scores(net, x).softmax(-2)), "softmax runs over dimension 0"),
    "of a single score": (
        Net(lambda net, x: scores(net, x).softmax(1), outputs=1),
        "softmax runs over a dimension of one element, so that all it gives are ones: leave it out",
    ),
    "of a single pixel": (
        Net(lambda net, x: F.log_softmax(net.map(x).mean((2, 3), keepdim=True), -1).flatten(1)),
        "log_softmax runs over a dimension of one element, so that all it gives are zeros: leave it out",
    ),
    "over the batch in evaluation": (
        Net(lambda net, x: scores(net, x) if net.training else scores(net, x).softmax(0)),
        "softmax runs over dimension 0",
    ),
}


@pytest.mark.parametrize("how", FIRES)
def test_what_is_wrong_with_the_last_softmax(how: str) -> None:
    model, message = FIRES[how]
    (finding,) = firing("MC303", model)
    # the softmax of a module is called by the module's name
    assert finding.message.startswith(message)
    assert finding.line


SILENT: dict[str, Net] = {
    "logits": Net(scores),
    "log-probabilities": Net(lambda net, x: F.log_softmax(scores(net, x), 1)),
    "log of probabilities": Net(lambda net, x: scores(net, x).softmax(1).log()),
    "in evaluation": Net(lambda net, x: scores(net, x) if net.training else scores(net, x).softmax(1)),
    "one for each pixel": Net(lambda net, x: F.log_softmax(net.map(x), 1)),
    "one for each word": Net(lambda net, x: F.log_softmax(net.map(x).flatten(2).transpose(1, 2), -1)),
    "attention over pixels": Net(lambda net, x: (net.map(x).flatten(2).softmax(2) * net.map(x).flatten(2)).sum(2)),
    "a gate of the scores": Net(lambda net, x: scores(net, x) * scores(net, x).softmax(1)),
    "scores of a softmax": Net(lambda net, x: scores(net, x.flatten(1).softmax(1))),
    "log-probabilities of a gate": Net(lambda net, x: F.log_softmax(scores(net, x) + scores(net, x).softmax(1), 1)),
    "labels": Net(lambda net, x: scores(net, x).sigmoid()),
    "nothing": Net(lambda net, x: x),
}


@pytest.mark.parametrize("how", SILENT)
def test_what_a_loss_can_want(how: str) -> None:
    assert firing("MC303", SILENT[how]) == ()
