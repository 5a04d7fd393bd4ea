from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.facts.describe import facts

SIDE = 4
IN, OUT = SIDE * SIDE, 3
LINEAR = IN * OUT + OUT  # parameters of a layer from the picture to the output
SQUARE = OUT * OUT + OUT


class Base(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(IN, OUT)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x.flatten(1))


class NeverRead(Base):
    def __init__(self) -> None:
        super().__init__()
        self.scale, self.table = nn.Parameter(torch.ones(5)), nn.ParameterList([nn.Parameter(torch.ones(2, 3))])


class Dropped(Base):
    """Two layers run for nothing, in a module of their own, and one is never called."""

    def __init__(self) -> None:
        super().__init__()
        self.side = nn.ModuleDict({"a": nn.Linear(IN, 4), "b": nn.Linear(4, 2)})
        self.idle = nn.Linear(7, 7)

    def forward(self, x: Tensor) -> Tensor:
        self.side["b"](self.side["a"](x.flatten(1)))
        return super().forward(x)


class HalfDropped(Dropped):
    """One of a module's two layers runs for nothing, and the other is never called."""

    def forward(self, x: Tensor) -> Tensor:
        self.side["a"](x.flatten(1))
        return self.fc(x.flatten(1))


class OnlyWeights(Base):
    """Reads the weight of a layer, and not its bias."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x.flatten(1), self.fc.weight)


class Further(Base):
    """Another output than the first."""

    def __init__(self) -> None:
        super().__init__()
        self.aux = nn.Linear(IN, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.fc(x.flatten(1)), self.aux(x.flatten(1))


class InTraining(Further):
    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        y = self.fc(x.flatten(1))
        return y + self.aux(x.flatten(1)).sum(1, keepdim=True) if self.training else y


class TiedToIdle(Base):
    """The weight of a layer that is never called, and of one that is."""

    def __init__(self) -> None:
        super().__init__()
        self.idle = nn.Linear(IN, OUT)
        self.idle.weight = self.fc.weight


class Nothing(Base):
    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)[:, :OUT]


class InPlace(Base):
    """A bias that is written into the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.ones(IN))

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1) * 1
        x[:, :].add_(self.shift)
        return self.fc(x)


UNUSED: list[tuple[type[nn.Module], dict[str, int]]] = [
    (Base, {}),
    (NeverRead, {"scale": 5, "table": 2 * 3}),
    (Dropped, {"side": (IN * 4 + 4) + (4 * 2 + 2)}),
    (HalfDropped, {"side.a": IN * 4 + 4}),
    (OnlyWeights, {"fc.bias": OUT}),
    (Further, {}),
    (InTraining, {}),
    (TiedToIdle, {"idle": OUT}),  # of the two names the first one owns the weight
    (Nothing, {}),  # the layer is never called, and told as such
    (InPlace, {}),
]


@pytest.mark.parametrize(("model", "expected"), UNUSED, ids=lambda one: getattr(one, "__name__", ""))
def test_unused_parameters_are_named(model: type[nn.Module], expected: dict[str, int]) -> None:
    found = facts(model(), (1, SIDE, SIDE))
    assert {one.path: one.parameters for one in found.unused_parameters} == expected


def test_a_model_of_parameters_alone_that_nothing_reads() -> None:
    class Lonely(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3))

        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1)

    (one,) = facts(Lonely(), (1, SIDE, SIDE)).unused_parameters
    assert (one.path, one.parameters) == ("", 2 + 3)


class Stacked(Base):
    """A body of two layers and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(OUT, OUT), nn.Linear(OUT, OUT, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(super().forward(x))


class FrozenBody(Stacked):
    def __init__(self) -> None:
        super().__init__()
        self.body.requires_grad_(False)


class FrozenLayer(Stacked):
    def __init__(self) -> None:
        super().__init__()
        self.body[0].requires_grad_(False)


class FrozenBias(Stacked):
    def __init__(self) -> None:
        super().__init__()
        self.fc.bias.requires_grad_(False)


class AllFrozen(Stacked):
    def __init__(self) -> None:
        super().__init__()
        self.requires_grad_(False)


class Integers(Base):
    def __init__(self) -> None:
        super().__init__()
        self.steps = nn.Parameter(torch.arange(OUT), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + self.steps


class NoGrad(Stacked):
    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            y = self.fc(x.flatten(1))
        return self.body(y)


class Detached(NoGrad):
    def forward(self, x: Tensor) -> Tensor:
        return self.body(self.fc(x.flatten(1)).detach())


class OneWayDetached(NoGrad):
    """The layer's result goes both ways, so that it learns."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.fc(x.flatten(1))
        return self.body(y.detach()) + y


class DetachedInEvaluation(NoGrad):
    def forward(self, x: Tensor) -> Tensor:
        y = self.fc(x.flatten(1))
        return self.body(y if self.training else y.detach())


class NothingRead(NeverRead):
    """What is never read is unused, and not frozen."""


class LossBeside(NoGrad):
    """What is detached on the way to the output learns by another one."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        y = self.fc(x.flatten(1))
        return self.body(y.detach()), y.square().mean(1)


FROZEN: list[tuple[type[nn.Module], dict[tuple[str, str], int]]] = [
    (Base, {}),
    (Stacked, {}),
    (FrozenBody, {("body", "requires_grad"): SQUARE + OUT * OUT}),
    (FrozenLayer, {("body.0", "requires_grad"): SQUARE}),
    (FrozenBias, {("fc.bias", "requires_grad"): OUT}),
    (AllFrozen, {("", "requires_grad"): LINEAR + SQUARE + OUT * OUT}),
    (Integers, {("steps", "integer"): 2 * OUT}),  # of eight bytes each
    (NoGrad, {("fc", "detached"): LINEAR}),
    (Detached, {("fc", "detached"): LINEAR}),
    (OneWayDetached, {}),
    (DetachedInEvaluation, {}),
    (NothingRead, {}),
    (LossBeside, {}),
]


@pytest.mark.parametrize(("model", "expected"), FROZEN, ids=lambda one: getattr(one, "__name__", ""))
def test_frozen_parameters_are_named(model: type[nn.Module], expected: dict[tuple[str, str], int]) -> None:
    found = facts(model(), (1, SIDE, SIDE))
    assert {(one.path, one.cause): one.parameters for one in found.frozen_parameters} == expected
    given = sum(count for (_, cause), count in expected.items() if cause != "detached")
    assert found.parameters.frozen == given, "what does not require a gradient is all that the total counts"
