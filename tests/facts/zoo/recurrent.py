"""Layers that go through a sequence, tables of words, and products of other forms."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.facts.zoo.animal import Known, animal, dense


def recurrent(gates: int, inputs: int, hidden: int) -> int:
    """Parameters of one layer in one direction, with torch's two biases."""
    return gates * hidden * (inputs + hidden + 2)


def recurrent_macs(gates: int, inputs: int, hidden: int, *, steps: int) -> int:
    """Multiply-adds of its products: input and state with a matrix for each gate."""
    return steps * gates * hidden * (inputs + hidden)


def fourier_macs(points: int) -> int:
    """Half of FFTW's nominal 5 · n · log₂ n operations; a transform of real numbers takes half of that."""
    return round(2.5 * points * math.log2(points))


@animal(
    (7, 6),
    Known(
        output=(3,),
        total=recurrent(4, 6, 5) + dense(5, 3),
        macs=recurrent_macs(4, 6, 5, steps=7) + 15,
        weighted=2,
        linear=1,
    ),
)
class LSTM(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.LSTM(6, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x)[0][:, -1])


@animal(
    (7, 6),
    Known(
        output=(7, 10),
        total=2 * recurrent(4, 6, 5) + 2 * recurrent(4, 10, 5),
        weighted=1,
        macs=2 * recurrent_macs(4, 6, 5, steps=7) + 2 * recurrent_macs(4, 10, 5, steps=7),
    ),
)
class StackedInBothDirections(nn.Module):
    """The second layer reads both directions of the first."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.LSTM(6, 5, num_layers=2, bidirectional=True, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)[0]


@animal(
    (7, 6),
    Known(
        output=(3,),
        total=4 * (5 * (6 + 3) + 2 * 5) + 5 * 3,
        macs=7 * (4 * 5 * (6 + 3) + 5 * 3),
        weighted=1,
    ),
)
class ProjectedLSTM(nn.Module):
    """A state of five that is projected to three."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.LSTM(6, 5, proj_size=3, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)[0][:, -1]


@animal((7, 6), Known(output=(5,), total=recurrent(3, 6, 5), macs=recurrent_macs(3, 6, 5, steps=7), weighted=1))
class GRU(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.GRU(6, 5, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)[1][0]


@animal((7, 6), Known(output=(5,), total=2 * recurrent(1, 6, 5), macs=2 * recurrent_macs(1, 6, 5, steps=7), weighted=2))
class RNN(nn.Module):
    """One with tanh and one with relu."""

    def __init__(self) -> None:
        super().__init__()
        self.tanh, self.relu = nn.RNN(6, 5, batch_first=True), nn.RNN(6, 5, nonlinearity="relu", batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.tanh(x)[0][:, -1] + self.relu(x)[0][:, -1]


@animal(
    (3, 6),
    Known(
        output=(5,),
        total=recurrent(4, 6, 5) + recurrent(3, 5, 5) + recurrent(1, 5, 5),
        weighted=9,
        macs=recurrent_macs(4, 6, 5, steps=3) + recurrent_macs(3, 5, 5, steps=3) + recurrent_macs(1, 5, 5, steps=3),
    ),
)
class Cells(nn.Module):
    """Three kinds of cells, called at each of three steps."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.gru, self.rnn = nn.LSTMCell(6, 5), nn.GRUCell(5, 5), nn.RNNCell(5, 5)

    def forward(self, x: Tensor) -> Tensor:
        h = c = g = r = torch.zeros(x.shape[0], 5)
        for step in range(3):
            h, c = self.lstm(x[:, step], (h, c))
            g = self.gru(h, g)
            r = self.rnn(g, r)
        return r


@animal((6,), Known(output=(4,), total=20 * 8 + 10 * 8 + dense(8, 4), macs=8 * 4, weighted=1, linear=1))
class Embedded(nn.Module):
    """Looking up multiplies nothing; a bag of words is a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.bag, self.head = nn.Embedding(20, 8), nn.Embedding(10, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.abs().long()
        return self.head(self.words(tokens.clamp(0, 19)).mean(1) + self.bag(tokens.clamp(0, 9)).sum(1))


@animal((2, 5), Known(output=(4,), total=4 * 5 * 5 + 4, macs=4 * 5 * 5, weighted=1, linear=1))
class BilinearForm(nn.Module):
    """A linear layer over the products of two vectors' elements."""

    def __init__(self) -> None:
        super().__init__()
        self.form = nn.Bilinear(5, 5, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.form(x[:, 0], x[:, 1])


@animal((6,), Known(output=(5,), total=5 * 6, macs=5 * 6, uncounted=()))
class Distances(nn.Module):
    """Distances to five prototypes: a difference, a square and a sum for each of six numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.prototypes = nn.Parameter(torch.randn(5, 6))

    def forward(self, x: Tensor) -> Tensor:
        return -torch.cdist(x[:, None], self.prototypes[None]).squeeze(1)


@animal((6,), Known(output=(1,), total=6 + 1 + 6, macs=6 + 6, weighted=1, linear=1))
class VectorProducts(nn.Module):
    """A matrix with a vector; one vector with another, which no sample takes part in: no layer, but work."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other, self.bias = (nn.Parameter(torch.randn(n)) for n in (6, 6, 1))

    def forward(self, x: Tensor) -> Tensor:
        return (x @ self.one)[:, None] + torch.dot(self.one, self.other) * self.bias


@animal(
    (4, 6),
    Known(
        output=(4, 5),
        total=6 * 5 + 4 * 4 + 6 * 2 * 5,
        macs=4 * 6 * 5 + 4 * 4 * 5 + 4 * 6 * 2 * 5,
        weighted=3,
        linear=3,
    ),
)
class Contractions(nn.Module):
    """einsum, a product of three and tensordot."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = (nn.Parameter(torch.randn(s)) for s in ((6, 5), (4, 4), (6, 2, 5)))

    def forward(self, x: Tensor) -> Tensor:
        mixed = torch.einsum("ts,nsc->ntc", self.two, torch.einsum("nti,ic->ntc", x, self.one))
        return mixed + torch.tensordot(x, self.three, dims=([2], [0])).sum(2)


@animal((8, 8), Known(output=(4,), total=2 * 8 * 5 + dense(8, 4), macs=fourier_macs(64) + 8 * 4, weighted=1, linear=1))
class Fourier(nn.Module):
    """A filter in the frequencies of a real picture."""

    def __init__(self) -> None:
        super().__init__()
        self.filter, self.head = nn.Parameter(torch.randn(8, 5, dtype=torch.complex64)), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.fft.irfft2(torch.fft.rfft2(x) * self.filter, s=(8, 8)).mean(1))


@animal((1, 6, 6), Known(output=(1, 6, 6), total=6, macs=36 * 3 * 2, uncounted=("aten.grid_sampler.default",)))
class SpatialTransformer(nn.Module):
    """A picture that is looked at through a shear: its grid is a product, its resampling has no formula."""

    def __init__(self) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor([[1.0, 0.1, 0.0], [0.0, 1.0, 0.0]]))

    def forward(self, x: Tensor) -> Tensor:
        grid = F.affine_grid(self.theta.expand(x.shape[0], 2, 3), list(x.shape), align_corners=False)
        return F.grid_sample(x, grid, align_corners=False)
