from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.facts.describe import facts

SIDE, OUT = 8, 3


class Net(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.fc, self.drop = nn.Linear(SIDE * SIDE, OUT), nn.Dropout(0.2)
        self.strays = [nn.Dropout(0.2)]

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        y = self.fc(x)
        match self.how:
            case "module":
                return self.fc(self.drop(x))
            case "told":
                return self.fc(F.dropout(x, 0.2, self.training))
            case "zero":
                return self.fc(F.dropout(x, 0.0))
            case "forgotten":
                return self.fc(F.dropout(x, 0.2))
            case "in place":
                return self.fc(F.dropout(x * 1, 0.2, inplace=True))
            case "in a list":
                return self.fc(self.strays[0](x))
            case "noise":
                return y + 0.1 * torch.randn_like(y)
            case "faint noise":
                return y + 1e-5 * torch.randn_like(y)
            case "no noise":
                return y + 0 * torch.randn_like(y)
            case "noise that is taken off":
                noise = torch.randn_like(y)
                return y + noise - noise
            case "noise that nobody uses":
                torch.randn_like(y)
                return y
            case "one shift for all classes":
                return y + torch.randn(y.shape[0], 1)
            case "rare":
                return y * (torch.rand(y.shape[0], 1) > 0.1)
            case "two of three":
                return self.fc(F.dropout(x, 0.2)) + torch.randn_like(y) + 0 * torch.rand_like(y)
            case "attention":
                x = x.view(-1, SIDE, SIDE)
                return self.fc(F.scaled_dot_product_attention(x, x, x, dropout_p=0.2).flatten(1))
            case "careful attention":
                x = x.view(-1, SIDE, SIDE)
                return self.fc(F.scaled_dot_product_attention(x, x, x, dropout_p=0.2 * self.training).flatten(1))
            case "slope":
                return self.fc(F.rrelu(x, training=True))
            case "careful slope":
                return self.fc(F.rrelu(x, training=self.training))
            case "in training":
                return y + torch.randn_like(y) if self.training else y
        raise AssertionError(self.how)


@pytest.mark.parametrize(
    ("how", "names"),
    [
        ("module", []),
        ("told", []),
        ("zero", []),
        ("forgotten", ["dropout"]),
        ("in place", ["dropout_"]),
        ("in a list", ["dropout"]),
        ("noise", ["randn_like"]),
        ("faint noise", ["randn_like"]),
        ("no noise", []),
        ("noise that is taken off", []),
        ("noise that nobody uses", []),
        ("one shift for all classes", []),
        ("rare", ["rand"]),
        ("two of three", ["dropout", "randn_like"]),
        ("attention", ["scaled_dot_product_attention"]),
        ("careful attention", []),
        ("slope", ["rrelu"]),
        ("careful slope", []),
        ("in training", []),
    ],
)
def test_what_makes_evaluation_random(how: str, names: list[str]) -> None:
    found = facts(Net(how), (1, SIDE, SIDE))
    assert [one.name for one in found.random_evaluation] == names
    assert all(one.line for one in found.random_evaluation)


def test_without_weights_what_can_reach_the_output_counts() -> None:
    with torch.device("meta"):
        models = {how: Net(how) for how in ("no noise", "told")}
    found = {how: facts(model, (1, SIDE, SIDE)).random_evaluation for how, model in models.items()}
    assert [one.name for one in found["no noise"]] == ["randn_like"]
    assert found["told"] == ()


def test_random_state_is_left_alone() -> None:
    model = Net("forgotten")
    before = torch.random.get_rng_state()
    facts(model, (1, SIDE, SIDE))
    assert torch.equal(before, torch.random.get_rng_state())
