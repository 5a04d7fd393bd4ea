"""What norms of honest models keep costs nothing, and what else is kept counts."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from modelcheck.facts.kept import FREE_CHANNELS, FREE_STATES, FREE_STATES_SHARE
from tests.facts.describe import facts


class Body(nn.Module):
    """A convolution, what a subclass puts into the middle, and another convolution."""

    def __init__(self, *middle: nn.Module, channels: int = 16) -> None:
        super().__init__()
        self.conv, self.last = nn.Conv2d(1, channels, 3), nn.Conv2d(channels, 10, 3)
        self.middle = nn.Sequential(*middle)

    def forward(self, x):
        return self.last(self.middle(self.conv(x).relu())).mean((2, 3))


class Own(nn.Module):
    """A batch norm that its author wrote."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("var", torch.ones(channels))
        self.register_buffer("batches", torch.tensor(0))

    def forward(self, x):
        mean, var = self.mean, self.var
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
            with torch.no_grad():
                self.mean.mul_(0.9).add_(0.1 * mean)
                self.var.copy_(0.9 * self.var + 0.1 * var)
                self.batches.add_(1)
        x = (x - mean[:, None, None]) * (var[:, None, None] + 1e-5).rsqrt()
        return x * self.scale[:, None, None] + self.shift[:, None, None]


def separable(channels: int) -> list[nn.Module]:
    """Few parameters for many channels, then a norm."""
    deep = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
    return [deep, nn.Conv2d(channels, channels, 1, bias=False), Own(channels)]


def learnt(model: nn.Module) -> nn.Module:
    """With running statistics as training leaves them."""
    for name, buffer in model.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.uniform_(0.1, 2)
        elif name.endswith("num_batches_tracked"):
            buffer.fill_(500_000)
    return model


def dead() -> nn.Module:
    """All channels of the first convolution are nothing after its relu."""
    model = learnt(Body(nn.BatchNorm2d(64, affine=False), channels=64))
    nn.init.constant_(model.conv.bias, -10.0)
    return model


class OfPixels(Body):
    """The picture's pixels are normalised first, each by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.pixels = nn.BatchNorm1d(784, affine=False)

    def forward(self, x):
        return super().forward(self.pixels(x.flatten(1)).view_as(x))


class Folded(Body):
    """Reads running statistics by hand as well, as convolutions do that take a norm into their weights."""

    def __init__(self) -> None:
        super().__init__(nn.BatchNorm2d(16))

    def forward(self, x):
        return super().forward(x) * (self.middle[0].running_var + 1e-5).rsqrt().mean()


HONEST = {
    "a norm": lambda: learnt(Body(nn.BatchNorm2d(16))),
    "norms without weights": lambda: learnt(
        Body(*(one for _ in range(6) for one in (nn.Conv2d(16, 16, 3, bias=False), nn.BatchNorm2d(16, affine=False))))
    ),
    "a norm of pixels": lambda: learnt(OfPixels()),
    "a norm of instances": lambda: learnt(Body(nn.InstanceNorm2d(16, track_running_stats=True))),
    "a norm of dead channels": dead,
    "a norm after zeros": lambda: Body(
        nn.init.zeros_((zero := nn.Conv2d(16, 64, 1)).weight) is not None and zero,
        nn.BatchNorm2d(64, affine=False),
        nn.Conv2d(64, 16, 1),
    ),
    "norms of its own": lambda: Body(*(one for _ in range(10) for one in separable(16))),
    "a norm that is folded": Folded,
}


@pytest.mark.parametrize("name", HONEST)
def test_what_an_honest_norm_keeps_is_not_hidden(name: str) -> None:
    torch.manual_seed(0)
    model = HONEST[name]()
    found = facts(model).parameters
    assert found.hidden == 0
    assert found.total == sum(one.numel() for one in model.parameters())


class Table(Body):
    """A norm without weights over channels of which a subclass says what they are."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.table = nn.BatchNorm1d(channels, affine=False)

    def forward(self, x):
        return super().forward(x) + self.table(self.channels(x)).sum(1, keepdim=True)

    def channels(self, x):
        return (x[:, 0, 0, :1] * 0).expand(-1, self.table.num_features)


class Unread(Table):
    def forward(self, x):
        self.table(x.flatten(1)[:, : self.table.num_features])
        return Body.forward(self, x) + self.table.running_mean.sum()


class OfOneNumber(Table):
    def channels(self, x):
        return x.mean((2, 3)).expand(-1, self.table.num_features)


class OfAverages(Body):
    """An average of its weights, which training writes."""

    def __init__(self, *, of_the_picture: bool) -> None:
        super().__init__()
        self.of_the_picture = of_the_picture
        self.register_buffer("average", torch.zeros(10, 16, 3, 3))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                more = 0 * x.mean() if self.of_the_picture else 0.0
                self.average.mul_(0.9).add_(0.1 * self.last.weight + more)
        return super().forward(x) * self.average.mean()


PLAIN = (16 * 9 + 16) + (10 * 16 * 9 + 10)
AVERAGES = 10 * 16 * 9


@pytest.mark.parametrize(
    ("make", "hidden"),
    [
        (lambda: learnt(Table(FREE_CHANNELS)), 0),
        (lambda: learnt(Table(FREE_CHANNELS + 1)), 2 * (FREE_CHANNELS + 1)),
        (lambda: Table(700), 2 * 700),
        # what a norm writes that nobody reads is a state that depends on the picture: of such a little is free
        (lambda: Unread(200), 0),
        (lambda: Unread(700), 700),
        # one table fits into what is free for what the norms of the picture keep, the other one does not
        (lambda: OfOneNumber(1500), 1500),
        (lambda: OfAverages(of_the_picture=False), AVERAGES),
        (lambda: OfAverages(of_the_picture=True), AVERAGES),
    ],
)
def test_what_is_no_average_of_the_picture_is_hidden(make, hidden: int) -> None:
    assert FREE_STATES + PLAIN // FREE_STATES_SHARE < 700
    assert facts(make()).parameters.hidden == hidden
