"""Weights that are used more than once, or never."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.facts.zoo.animal import Known, animal, conv, conv_macs, dense


@animal(
    (1, 8, 8),
    Known(
        output=(10,),
        total=dense(64, 10) + dense(10, 10),
        shared=dense(10, 10),
        macs=64 * 10 + 200,
        weighted=3,
        linear=3,
    ),
)
class SharedModule(nn.Module):
    """One module under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(64, 10)
        self.one = nn.Linear(10, 10)
        self.other = self.one

    def forward(self, x: Tensor) -> Tensor:
        return self.other(self.one(self.first(x.flatten(1))).relu())


@animal((16,), Known(output=(16,), total=16 * 4 + 4 + 16, macs=2 * 16 * 4, weighted=2, linear=2))
class TiedByFunction(nn.Module):
    """An autoencoder whose decoder is the encoder's matrix, transposed: registered once."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Linear(16, 4)
        self.bias = nn.Parameter(torch.zeros(16))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(self.encode(x), self.encode.weight.t(), self.bias)


@animal((5,), Known(output=(5, 20), total=20 * 6 + 20, shared=20 * 6, macs=5 * 6 * 20, weighted=1, linear=1))
class TiedEmbedding(nn.Module):
    """A table of words that is the head's matrix, as in a language model."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.head = nn.Embedding(20, 6), nn.Linear(6, 20)
        self.head.weight = self.words.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.words(x.abs().long().clamp(0, 19)))


@animal(
    (1, 9, 9),
    Known(
        output=(9, 9),
        total=conv(1, 1, 3, 3),
        macs=4 * conv_macs(1, 1, 3, 3, at=81),
        weighted=4,
        field=(9, 9),
    ),
)
class Recursive(nn.Module):
    """A module that calls itself, four deep: one layer's weights, four layers' work."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x: Tensor, left: int = 4) -> Tensor:
        return self(self.conv(x).tanh(), left - 1) if left else x.squeeze(1)


@animal(
    (1, 8, 8),
    Known(
        output=(2, 4, 4),
        total=conv(1, 2, 3, 3) + conv(2, 2, 3, 3),
        macs=conv_macs(1, 2, 3, 3, at=36) + conv_macs(2, 2, 3, 3, at=36 + 16),
        weighted=3,
        field=(7, 7),
    ),
)
class CalledTwice(nn.Module):
    """The same convolution on two maps, of which one is padded."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.conv = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.conv(F.pad(self.stem(x), (1, 1, 1, 1))))


@animal(
    (8,),
    Known(
        output=(3,),
        total=dense(8, 4) + dense(4, 3) + dense(8, 5) + dense(5, 5),
        unused=dense(8, 5) + dense(5, 5),
        macs=8 * 4 + 4 * 3 + 8 * 5,
        weighted=2,
        linear=2,
        unused_modules=("never",),
    ),
)
class DeadBranch(nn.Module):
    """One branch whose result is dropped, and one that is never called: both unused, the first one computed."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(8, 4), nn.Linear(4, 3)
        self.dropped, self.never = nn.Linear(8, 5), nn.Sequential(nn.Linear(5, 5), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        self.dropped(x)
        return self.head(self.body(x).relu())


@animal(
    (8,),
    Known(
        output=(2,),
        total=dense(8, 4) + 2 * dense(4, 4) + dense(4, 2),
        unused=dense(4, 4),
        macs=8 * 4 + 4 * 4 + 4 * 2,
        weighted=3,
        linear=3,
        unused_modules=("blocks.1",),
    ),
)
class SkippedBlock(nn.Module):
    """A list of blocks of which one is left out by a branch on a constant."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(8, 4), nn.Linear(4, 2)
        self.blocks = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for index, block in enumerate(self.blocks):
            x = block(x).relu() if index % 2 == 0 else x
        return self.head(x)


@animal((6,), Known(output=(4,), total=6 * 8 + 4, macs=6 * 4 + 6 * 4, weighted=2, linear=2))
class Windows(nn.Module):
    """Two parameters that are windows on one storage, and lie side by side."""

    def __init__(self) -> None:
        super().__init__()
        storage = torch.randn(48)
        self.low, self.high = nn.Parameter(storage[:24].view(4, 6)), nn.Parameter(storage[24:].view(4, 6))
        self.bias = nn.Parameter(torch.zeros(4))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.low, self.bias) * F.linear(x, self.high).sigmoid()


@animal((6,), Known(output=(4,), total=6 * 4, shared=6 * 4, macs=6 * 4 + 4 * 6 + 6 * 4, weighted=3, linear=3))
class TransposedTwin(nn.Module):
    """A parameter that is another one's transpose, in the same memory."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(4, 6))
        self.up = nn.Parameter(self.down.data.t())

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(F.linear(F.linear(x, self.down), self.up).relu(), self.down)


@animal(
    (6,),
    Known(
        output=(2,),
        total=dense(6, 6) + dense(6, 2),
        shared=36,
        macs=2 * 36 + 6 * 2,
        weighted=3,
        linear=3,
        frozen=dense(6, 2),
    ),
)
class SharedWeightOwnBias(nn.Module):
    """Two layers with one matrix, of which the second has no bias; the head is frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(6, 6), nn.Linear(6, 6, bias=False)
        self.other.weight = self.one.weight
        self.head = nn.Linear(6, 2).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.other(self.one(x).relu()).relu())
