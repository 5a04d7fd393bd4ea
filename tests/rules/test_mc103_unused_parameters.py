from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .firing import firing
from .making import decide, facts

WIDTH = 5


class Net(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.fc, self.idle = nn.Linear(784, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.scale, self.table = nn.Parameter(torch.ones(WIDTH)), nn.Parameter(torch.ones(7, WIDTH))

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        x = x.flatten(1)
        if self.how == "unread":
            return self.idle(self.fc(x) + self.table[0])
        if self.how == "weight alone":
            return self.idle(F.linear(x, self.fc.weight) * self.scale + self.table[0])
        if self.how == "all":
            return x
        y = self.fc(x) * self.scale + self.table[0]
        match self.how:
            case "dropped":
                self.idle(y)
                return y
            case "second output":
                return self.idle(y), y
            case "first output":
                return y, self.idle(y)
            case "training only":
                return self.idle(y) if self.training else y
            case "multiplied by zero":
                return y + 0 * self.idle(y)
            case "called by hand":
                return self.idle.forward(y)
            case "never called":
                return y
        return self.idle(y)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("unread", [f"scale ({WIDTH} parameters) is never read: use it in forward, or delete it"]),
        (
            "dropped",
            [
                f"idle ({WIDTH * WIDTH + WIDTH} parameters) is used, but the result cannot reach the output: use it in "
                "forward, or delete it"
            ],
        ),
        ("weight alone", [f"fc.bias ({WIDTH} parameters) is never read: use it in forward, or delete it"]),
    ],
)
def test_what_is_said(how: str, expected: list[str]) -> None:
    assert [one.message for one in firing("MC103", Net(how))] == expected


@pytest.mark.parametrize(
    "how",
    [
        "plain",
        "second output",
        "first output",
        "training only",
        "multiplied by zero",
        "called by hand",
        "never called",  # a matter of unused-module
        "all",  # likewise, but for scale and table
    ],
)
def test_what_can_reach_an_output_or_is_said_elsewhere(how: str) -> None:
    assert [one.where for one in firing("MC103", Net(how))] == (["scale", "table"] if how == "all" else [])


def test_the_place_of_what_is_dropped_is_where_it_is_called() -> None:
    (finding,) = firing("MC103", Net("dropped"))
    assert (finding.where, finding.file is not None) == ("idle", True)
    assert finding.line is not None


def test_without_a_graph_it_is_not_run() -> None:
    outcome, findings = decide("MC103", "error", facts())
    assert (outcome.outcome, outcome.cause, findings) == ("not run", "no graph was captured", ())
