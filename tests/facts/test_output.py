from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.facts.describe import facts


@pytest.mark.filterwarnings("ignore:Implicit dimension choice")
@pytest.mark.parametrize(
    ("last", "kind"),
    [
        (lambda x: x, "logits"),
        (lambda x: F.log_softmax(x, 1), "log-probabilities"),
        (lambda x: F.log_softmax(x, -1), "log-probabilities"),
        (lambda x: F.log_softmax(x), "log-probabilities"),
        (nn.LogSoftmax(dim=1), "log-probabilities"),
        (lambda x: F.log_softmax(x.view(-1, 10, 1, 1), 1).squeeze(-1).squeeze(-1), "log-probabilities"),
        (lambda x: F.softmax(x, 1).log(), "log-probabilities"),
        (lambda x: (F.softmax(x, 1) + 1e-9).log(), "log-probabilities"),
        (lambda x: F.dropout(F.log_softmax(x, 1), 0.1, False), "log-probabilities"),
        (lambda x: F.softmax(x, 1), "probabilities"),
        (nn.Softmax(dim=1), "probabilities"),
        (lambda x: F.log_softmax(x, 1).exp(), "probabilities"),
        (lambda x: F.log_softmax(x, 0), "logits"),
        (lambda x: F.softmax(x, 1) * 3, "logits"),
        (lambda x: x - x.logsumexp(1, keepdim=True), "logits"),
        (torch.sigmoid, "logits"),
        (F.relu, "logits"),
    ],
)
def test_output_kind(last, kind: str) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(784, 10)

        def forward(self, x):
            return last(self.fc(x.flatten(1)))

    assert facts(Net()).output_kind == kind
