from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .firing import firing

CODE = "MC404"
NOTHING = "changes nothing"


class Net(nn.Module):
    """A function of what a linear layer makes, and a head."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.fc, self.function, self.head = nn.Linear(784, 16), function, nn.LazyLinear(10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.function(self.fc(x.flatten(1))).flatten(1))


def maps(x: Tensor) -> Tensor:
    return x.reshape(-1, 1, 4, 4)


FIRES: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "relu relu": (lambda x: x.relu().relu(), NOTHING),
    "in place": (lambda x: F.relu_(F.relu_(x)), NOTHING),
    "relu after a view": (lambda x: maps(x.relu()).relu(), NOTHING),
    "relu after a pooled relu": (lambda x: F.max_pool2d(maps(x).relu(), 2).relu(), NOTHING),
    "relu after an averaged relu": (lambda x: F.avg_pool2d(maps(x).relu(), 2, padding=1).relu(), NOTHING),
    "relu after a dropped relu": (lambda x: F.dropout(x.relu(), 0.2).relu(), NOTHING),
    "relu sigmoid": (lambda x: x.sigmoid().relu(), "changes nothing: only values from 0 to 1 come from sigmoid"),
    "leaky relu after relu": (lambda x: F.leaky_relu(x.relu()), "changes nothing: no negative values come from relu"),
    "elu after softplus": (lambda x: F.elu(F.softplus(x)), NOTHING),
    "relu6 relu6": (lambda x: F.relu6(F.relu6(x)), NOTHING),
    "hardtanh after tanh": (lambda x: F.hardtanh(x.tanh()), NOTHING),
    "hardtanh after a narrower one": (lambda x: F.hardtanh(F.hardtanh(x, -1, 1), -2, 2), NOTHING),
    "relu after softmax": (lambda x: x.softmax(1).relu(), NOTHING),
    "relu after log-softmax": (lambda x: x.log_softmax(1).relu(), "makes everything 0: nothing above 0 comes from"),
    "relu6 after log-sigmoid": (lambda x: F.relu6(F.logsigmoid(x)), "makes everything 0: nothing above 0 comes from"),
    "tanh after softmax": (lambda x: x.softmax(1).tanh(), "bends the (log-)probabilities that softmax makes"),
    "gelu after log-softmax": (lambda x: F.gelu(x.log_softmax(1)), "bends the (log-)probabilities"),
    "sigmoid after relu": (lambda x: x.relu().sigmoid(), "gives 0.5 or more"),
    "hardsigmoid after softplus": (lambda x: F.hardsigmoid(F.softplus(x)), "gives 0.5 or more"),
    "sigmoid sigmoid": (lambda x: x.sigmoid().sigmoid(), "squeezes values from 0 to 1, which sigmoid made, once more"),
    "tanh tanh": (lambda x: x.tanh().tanh(), "squeezes values from -1 to 1"),
    "relu6 as a module after relu": (lambda x: nn.ReLU6()(x.relu()), "rectifies what relu has rectified already"),
    "gelu after relu": (lambda x: F.gelu(x.relu()), "rectifies what relu has rectified already"),
    "relu after leaky relu": (lambda x: F.leaky_relu(x).relu(), "rectifies what leaky_relu has rectified already"),
    "relu after silu": (lambda x: F.silu(x).relu(), "rectifies"),
}
IS_SILENT: dict[str, Callable[[Tensor], Tensor]] = {
    "one": lambda x: x.relu(),
    "swish by hand": lambda x: x * x.sigmoid(),
    "hardswish by hand": lambda x: x * F.relu6(x + 3) / 6,
    "mish by hand": lambda x: x * F.softplus(x).tanh(),
    "gated": lambda x: x.tanh() * x.sigmoid(),
    "glu, then relu": lambda x: F.glu(x).relu(),
    "relu of a sum of relus": lambda x: (x.relu() + x.tanh()).relu(),
    "relu of two relus side by side": lambda x: torch.cat([x.relu(), x.exp().relu()], 1).relu(),
    "crelu": lambda x: torch.cat([x, -x], 1).relu(),
    "a norm between": lambda x: F.layer_norm(x.relu(), (16,)).relu(),
    "a shift between": lambda x: (x.relu() - 1).relu(),
    "soft threshold": lambda x: (x.abs() - 0.1).relu() * x.sign(),
    "relu after tanh": lambda x: x.tanh().relu(),
    "tanh after relu": lambda x: x.relu().tanh(),
    "a gate of averages": lambda x: F.adaptive_avg_pool2d(maps(x).relu(), 1).sigmoid(),
    "tanh after silu": lambda x: F.silu(x).tanh(),
    "sigmoid after leaky relu": lambda x: F.leaky_relu(x).sigmoid(),
    "clamped, then relu": lambda x: x.clamp(-3, 3).relu(),
    "hardtanh after a wider one": lambda x: F.hardtanh(F.hardtanh(x, -2, 2), -1, 1),
    "relu6 after a dropped relu6": lambda x: F.relu6(F.dropout(F.relu6(x), 0.2)),
    "relu after a dropped tanh": lambda x: F.dropout(x.tanh(), 0.2).relu(),
    "relu after alpha dropout": lambda x: F.alpha_dropout(x.relu(), 0.2, training=True).relu(),
    "leaky relu that is used besides": lambda x: (y := F.leaky_relu(x)) + y.relu(),
    "softmax over an activation": lambda x: F.leaky_relu(x).softmax(1),
}


@pytest.mark.parametrize(("function", "text"), FIRES.values(), ids=list(FIRES))
def test_it_fires(function: Callable[[Tensor], Tensor], text: str) -> None:
    (finding,) = firing(CODE, Net(function))
    assert text in finding.message


@pytest.mark.parametrize("function", IS_SILENT.values(), ids=list(IS_SILENT))
def test_it_is_silent(function: Callable[[Tensor], Tensor]) -> None:
    assert firing(CODE, Net(function)) == ()


def test_the_message_names_both() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 16), nn.ReLU(), nn.PReLU(), nn.Linear(16, 10))
    (finding,) = firing(CODE, model)
    assert finding.message == "3 changes nothing: no negative values come from 2. Delete one of the two"
    assert finding.where == "3"


def test_a_row_of_three_has_a_finding_for_each_that_follows() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10), nn.ReLU(), nn.ReLU(), nn.ReLU(), nn.Linear(10, 10))
    assert [finding.where for finding in firing(CODE, model)] == ["3", "4"]


def test_one_module_that_a_loop_calls_has_one_finding() -> None:
    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.act = nn.Linear(784, 784), nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            x = x.flatten(1)
            for _ in range(3):
                x = self.act(self.act(self.fc(x)))
            return x[:, :10]

    assert [finding.where for finding in firing(CODE, Loop())] == ["act"]
