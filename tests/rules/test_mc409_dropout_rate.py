from __future__ import annotations

from dataclasses import replace

import pytest
import torch.nn.functional as F
from torch import Tensor, nn

from modelcheck.capturing.capture import capture_model
from modelcheck.facts.compute import compute_facts
from modelcheck.facts.flow import Flows
from modelcheck.rules import find_rule
from modelcheck.rules.base import Options, Subject

from .firing import firing

CODE = "MC409"


def dropped(*dropouts: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10), *dropouts, nn.Linear(10, 10))


class Function(nn.Module):
    def __init__(self, rate: float, training: bool | None = None):
        super().__init__()
        self.fc, self.rate, self.on = nn.Linear(784, 10), rate, training

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(2):
            x = F.dropout(x, self.rate, self.training if self.on is None else self.on)
        return self.fc(x.flatten(1))


class Transformer(nn.Module):
    def __init__(self, own: float):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(28, 2, 32, dropout=0.0, batch_first=True)
        self.drop, self.fc = nn.Dropout(own), nn.Linear(28, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.drop(self.layer(x[:, 0])).mean(1))


@pytest.mark.parametrize("kind", [nn.Dropout, nn.Dropout2d, nn.AlphaDropout])
@pytest.mark.parametrize(
    ("rate", "fires"), [(0, True), (0.01, False), (0.1, False), (0.5, False), (0.501, True), (0.9, True), (1, True)]
)
@pytest.mark.filterwarnings("ignore:dropout2d")
def test_rates(kind: type[nn.Module], rate: float, fires: bool) -> None:
    if kind is nn.Dropout2d:
        model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Dropout2d(rate), nn.Flatten(), nn.LazyLinear(10))
    else:
        model = dropped(kind(rate))
    assert bool(firing(CODE, model)) == fires


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0.75, "2 drops 75 % of what it takes (p = 0.75). Take 0.5 or less"),
        (1.0, "2 drops everything (p = 1), so that nothing before it learns. Take 0.5 or less"),
        (0.0, "2 drops nothing (p = 0). Delete it, or give it a rate"),
    ],
)
def test_the_message_names_the_rate(rate: float, text: str) -> None:
    (finding,) = firing(CODE, dropped(nn.Dropout(rate)))
    assert (finding.message, finding.where) == (text, "2")


@pytest.mark.parametrize(
    ("count", "named"),
    [(2, "2 and 3"), (4, "2, 3, 4 and 5"), (5, "2, 3, 4, 5 and 1 more"), (9, "2, 3, 4, 5 and 5 more")],
)
def test_all_that_drop_nothing_are_one_finding(count: int, named: str) -> None:
    (finding,) = firing(CODE, dropped(*(nn.Dropout(0) for _ in range(count))))
    assert finding.message == f"{named} drop nothing (p = 0). Delete them, or give them a rate"


def test_each_rate_that_is_too_high_is_found() -> None:
    model = dropped(nn.Dropout(0.6), nn.Dropout(0.2), nn.Dropout(0.7), nn.Dropout(0))
    assert [finding.where for finding in firing(CODE, model)] == ["2", "4", "5"]


@pytest.mark.parametrize(
    ("rate", "training", "count"), [(0.6, None, 1), (0.6, False, 0), (0.0, None, 1), (0.0, False, 0)]
)
def test_a_function_in_a_loop(rate: float, training: bool | None, count: int) -> None:
    assert len(firing(CODE, Function(rate, training))) == count


@pytest.mark.parametrize(("own", "count"), [(0.1, 0), (0.0, 1)])
def test_what_torch_s_layers_leave_off_is_no_finding(own: float, count: int) -> None:
    found = firing(CODE, Transformer(own))
    assert [finding.where for finding in found] == ["drop"] * count


@pytest.mark.parametrize(
    ("file", "rate", "count"),
    [
        ("net.py", 0.0, 1),
        ("/venv/lib/python3.11/site-packages/timm/models/vit.py", 0.0, 0),
        ("/venv/lib/python3.11/site-packages/timm/models/vit.py", 0.7, 1),
        (None, 0.0, 1),
        (None, 0.7, 1),
    ],
)
def test_an_installed_package_may_have_switched_it_off(file: str | None, rate: float, count: int) -> None:
    found = compute_facts(capture_model(dropped(nn.Dropout(rate)), (1, 28, 28)))
    train = found.flows.train
    moved = replace(train, operators=tuple(replace(one, file=file) for one in train.operators))
    subject = Subject(facts=found.facts, flows=Flows(moved, found.flows.evaluation))
    rule = find_rule(CODE)
    assert rule is not None
    assert len(rule.check(subject, Options()).problems) == count


def test_the_evidence_lists_the_rates() -> None:
    found = compute_facts(capture_model(dropped(nn.Dropout(0.5), nn.Dropout(0.25), nn.Dropout(0.5)), (1, 28, 28)))
    rule = find_rule(CODE)
    assert rule is not None
    decision = rule.check(Subject(facts=found.facts, flows=found.flows), Options())
    assert decision.evidence == "dropout with p = 0.25, 0.5"
