from __future__ import annotations

import pytest
from torch import Tensor, nn

from tests.facts.describe import describe

from .firing import firing
from .making import decide, facts


@pytest.mark.parametrize(("independent", "outcome"), [(True, "pass"), (None, "not run")])
def test_what_is_known_decides(independent: bool | None, outcome: str) -> None:
    found, findings = decide("MC304", "error", facts(batch_independent=independent))
    assert (found.outcome, findings) == (outcome, ())
    assert found.cause is None or "no weights here" in found.cause


class Net(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.bn, self.fc = nn.BatchNorm1d(784, track_running_stats=how != "own statistics"), nn.Linear(784, 10)
        self.attention = nn.MultiheadAttention(28, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = x.flatten(1)
        match self.how:
            case "own statistics":
                return self.fc(self.bn(y))
            case "mean":
                return self.fc(y - y.mean(0, keepdim=True))
            case "softmax":
                return self.fc(y).softmax(0)
            case "attention":
                x = x.squeeze(1)
                return self.fc(self.attention(x, x, x)[0].flatten(1))
            case "rolled":
                return self.fc(y + y.roll(1, 0))
        return self.fc(self.bn(y))


BEGINNING = "in evaluation, a sample's output depends on the others in its batch: "


@pytest.mark.parametrize(
    ("how", "cause", "where"),
    [
        ("own statistics", "bn uses the batch's statistics: keep running ones, and let eval() reach it", "bn"),
        ("mean", "mean runs over dimension 0, which is the batch", None),
        ("softmax", "softmax runs over dimension 0, which is the batch", None),
        ("attention", "attention attends over dimension 0 unless it is made with batch_first=True", "attention"),
        ("rolled", "nothing may be computed over dimension 0", None),
    ],
)
def test_the_likely_cause_is_named(how: str, cause: str, where: str | None) -> None:
    (finding,) = firing("MC304", Net(how))
    assert (finding.message, finding.where) == (BEGINNING + cause, where)


def test_an_honest_model_passes() -> None:
    assert firing("MC304", Net("plain")) == ()


def test_without_a_graph_it_is_not_run() -> None:
    assert decide("MC304", "error", facts(batch_independent=False))[0].cause == "no graph was captured"
    found = describe(Net("rolled"))
    assert decide("MC304", "error", found.facts, flows=found.flows)[0].outcome == "fail"
