"""Models that are put together or called in another way than usual."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.facts.zoo.animal import Known, animal, conv, conv_macs, dense


@animal(
    (1, 8, 8),
    Known(
        output=(3,),
        total=conv(1, 4, 3, 3) + 8 + dense(4, 3),
        macs=conv_macs(1, 4, 3, 3, at=36) + 12,
        batch_norm=1,
        dropout=1,
        weighted=2,
        linear=1,
        average=1,
        field=(3, 3),
    ),
)
class ForwardCalledDirectly(nn.Module):
    """``forward`` instead of a call: hooks see none of it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.drop, self.head = (
            nn.Conv2d(1, 4, 3),
            nn.BatchNorm2d(4),
            nn.Dropout(0.1),
            nn.Linear(4, 3),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.drop.forward(self.norm.forward(self.conv.forward(x)).relu())
        return self.head.forward(x.mean((2, 3)))


class Quiet(nn.Linear):
    """A layer whose ``__call__`` runs none of torch's machinery."""

    def __call__(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)


@animal((8,), Known(output=(3,), total=dense(8, 4) + dense(4, 3), macs=32 + 12, weighted=2, linear=2))
class CallOverridden(nn.Module):
    """``__call__`` is the model; ``forward`` is never reached."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Quiet(8, 4), nn.Linear(4, 3)

    def __call__(self, x: Tensor) -> Tensor:
        return self.second(self.first(x).relu())

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError


@animal((8,), Known(output=(3,), total=3 + dense(8, 4), unused=dense(8, 4), unused_modules=("layer",)))
class NoInputUsed(nn.Module):
    """The same answer whatever the picture: the input gives the batch and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.answer, self.layer = nn.Parameter(torch.randn(3)), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.answer.expand(x.shape[0], 3)


@animal((8,), Known(output=(), total=dense(8, 3), batches=()))
class OneAnswerForTheBatch(nn.Module):
    """No sample is read and the output has no row for one: its three numbers pass for a batch, and none is accepted."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer.bias + self.layer.weight.sum()


@animal((8,), Known(output=(3,), total=dense(8, 3), macs=24, weighted=1, linear=1))
class RandomInEvaluation(nn.Module):
    """Noise, and a dropout that stays on: none that regularises."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(self.layer(x + 0.1 * torch.randn_like(x)), 0.5)


@animal((8,), Known(output=(3,), total=dense(8, 3), macs=24, weighted=1, linear=1))
class BatchMixing(nn.Module):
    """Samples are compared with their batch's mean, by hand: no batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x - x.mean(0, keepdim=True)) + 1e-3 * x.roll(1, 0)[:, :3]


@animal((8,), Known(output=(3,), total=dense(8, 3), macs=24, weighted=1, linear=1, batches=(2, 64)))
class PairsOfSamples(nn.Module):
    """The batch is taken apart in pairs: one sample is no pair."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = x.view(-1, 2, 8)
        return self.layer((x - x.mean(1, keepdim=True)).view(-1, 8))


@animal(
    (8,),
    Known(
        output=(2,),
        total=3 * dense(8, 8) + dense(8, 2),
        unused=dense(8, 8),
        macs=2 * 64 + 16,
        weighted=3,
        linear=3,
        unused_modules=("experts.never",),
    ),
)
class OfADict(nn.Module):
    """A dictionary of modules, read by name."""

    def __init__(self) -> None:
        super().__init__()
        self.experts = nn.ModuleDict({name: nn.Linear(8, 8) for name in ("one", "other", "never")})
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.experts["one"](x).relu() + self.experts["other"](x).relu())


@animal(
    (1, 9, 9),
    Known(
        output=(2,),
        total=conv(1, 3, 3, 3) + 6 + conv(3, 2, 1, 1),
        macs=conv_macs(1, 3, 3, 3, at=49) + conv_macs(3, 2, 1, 1, at=9),
        batch_norm=1,
        weighted=2,
        average=1,
        field=(5, 5),
    ),
)
class NestedSequentials(nn.Sequential):
    """Sequentials in sequentials, with an empty one and an identity between."""

    def __init__(self) -> None:
        stem = nn.Sequential(
            nn.Sequential(nn.Conv2d(1, 3, 3), nn.Sequential(nn.BatchNorm2d(3), nn.ReLU())), nn.Identity()
        )
        pool = nn.Sequential(nn.Sequential(), nn.MaxPool2d(3, stride=2))
        super().__init__(stem, pool, nn.Sequential(nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(1)), nn.Flatten())


@animal((8,), Known(output=(8,), total=4 * 64, macs=3 * 64, unused=64, weighted=3, linear=3))
class OfAParameterList(nn.Module):
    """Matrices in a list, of which the last is not used."""

    def __init__(self) -> None:
        super().__init__()
        self.matrices = nn.ParameterList([nn.Parameter(torch.randn(8, 8)) for _ in range(4)])

    def forward(self, x: Tensor) -> Tensor:
        for matrix in list(self.matrices)[:-1]:
            x = (x @ matrix).tanh()
        return x


@animal(
    (1, 8, 8),
    Known(
        output=(4,),
        total=conv(1, 4, 3, 3) + 8 + conv(4, 4, 3, 3),
        macs=conv_macs(1, 4, 3, 3, at=36) + conv_macs(4, 4, 3, 3, at=16),
        batch_norm=1,
        dropout=1,
        weighted=2,
        average=1,
        field=(5, 5),
    ),
)
class InPlace(nn.Module):
    """Activations, dropout and sums that overwrite what they get."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.norm, self.other = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu_(self.norm(self.one(x)))
        x += 1
        F.dropout(x.view(-1), 0.2, self.training, inplace=True)
        x = self.other(x).clamp_(-1, 1)
        return x.mean((2, 3))


@animal(
    (3, 8, 8),
    Known(
        output=(4,),
        total=conv(3, 8, 3, 3) + conv(8, 4, 3, 3),
        macs=conv_macs(3, 8, 3, 3, at=64) + conv_macs(8, 4, 3, 3, at=16),
        weighted=2,
        average=1,
        field=(5, 5),
    ),
)
class ChannelsLast(nn.Module):
    """Weights and maps with their channels innermost in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 4, 3, stride=2, padding=1)
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        return self.other(self.one(x.contiguous(memory_format=torch.channels_last))).mean((2, 3))


@animal(
    (4, 6, 6),
    Known(
        output=(4,),
        total=2 * conv(4, 4, 3, 3),
        macs=2 * conv_macs(4, 4, 3, 3, at=36),
        weighted=2,
        average=1,
        field=(5, 5),
    ),
)
class StochasticDepth(nn.Module):
    """Blocks that are left out at random in training; no dropout operator does it."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.Conv2d(4, 4, 3, padding=1) for _ in range(2)])

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            change = block(x)
            if self.training:
                change = change * torch.empty(x.shape[0], 1, 1, 1).bernoulli_(0.8) / 0.8
            x = x + change
        return x.mean((2, 3))


@animal(
    (4, 6, 6),
    Known(
        output=(4,),
        total=conv(4, 8, 3, 3) + 16 + 8 * 16 * 2 + conv(8, 4, 1, 1),
        macs=conv_macs(4, 8, 3, 3, at=16) + conv_macs(8, 4, 1, 1, at=16),
        weighted=2,
        average=1,
        field=(3, 3),
    ),
)
class OtherNorms(nn.Module):
    """Group, layer and instance norm: no batch norm, and none is counted as seeing the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Conv2d(4, 8, 3), nn.Conv2d(8, 4, 1)
        self.group, self.layer, self.instance = nn.GroupNorm(2, 8), nn.LayerNorm((8, 4, 4)), nn.InstanceNorm2d(8)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.instance(self.layer(self.group(self.stem(x)).relu()))).mean((2, 3))


@animal((8,), Known(output=(3,), total=2 * dense(8, 3), macs=24, unused=0, weighted=1, linear=1, dropout=1))
class AnotherHeadInTraining(nn.Module):
    """One head in training, another in evaluation: both are used."""

    def __init__(self) -> None:
        super().__init__()
        self.learning, self.answering = nn.Sequential(nn.Dropout(0.5), nn.Linear(8, 3)), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.learning(x) if self.training else self.answering(x)


@animal((8,), Known(output=(3,), total=dense(8, 3), macs=24, weighted=1, linear=1))
class PlainObject(nn.Module):
    """The layer's work is done by a function that is held as an attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 3)
        self.work = lambda x: F.linear(x, self.layer.weight, self.layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.work(x)
