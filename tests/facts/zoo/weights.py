"""Weights of other kinds than a float32 parameter in a registered layer."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from tests.facts.zoo.animal import Known, animal, conv, conv_macs, dense


@animal(
    (1, 8, 8),
    Known(
        output=(5,),
        total=conv(1, 4, 3, 3) + 4 + 4 + dense(4, 5),
        macs=conv_macs(1, 4, 3, 3, at=36) + 4 * 5,
        batch_norm=1,
        weighted=2,
        linear=1,
        average=1,
        field=(3, 3),
    ),
)
class Lazy(nn.Module):
    """Layers that learn their sizes from the first input."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.head = nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.LazyLinear(5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.conv(x)).relu().mean((2, 3)))


@animal(
    (1, 8, 8),
    Known(
        output=(5,),
        total=4 * 9 + 4 * 5,
        macs=conv_macs(1, 4, 3, 3, at=36) + 4 * 5,
        dropout=1,
        batch_norm=1,
        weighted=2,
        linear=1,
        average=1,
        field=(3, 3),
    ),
)
class Functional(nn.Module):
    """No layer is a module."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel, self.matrix = nn.Parameter(torch.randn(4, 1, 3, 3)), nn.Parameter(torch.randn(5, 4))
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("var", torch.ones(4))

    def forward(self, x: Tensor) -> Tensor:
        x = F.batch_norm(F.conv2d(x, self.kernel), self.mean, self.var, training=self.training)
        x = F.dropout(F.adaptive_avg_pool2d(x.relu(), 1).flatten(1), 0.3, self.training)
        return F.linear(x, self.matrix)


@animal(
    (6,),
    Known(
        output=(3,),
        total=dense(6, 4),
        hidden=dense(4, 4) + dense(4, 3),
        macs=24 + 16 + 12,
        weighted=3,
        linear=3,
    ),
)
class HiddenInAList(nn.Module):
    """Two of three layers in a plain list: trained by nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 4)
        self.rest = [nn.Linear(4, 4), nn.Linear(4, 3)]
        for layer in self.rest:
            nn.init.normal_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for layer in self.rest:
            x = layer(x.relu())
        return x


@animal((6,), Known(output=(4,), total=2 * 6 * 4 + 4, macs=6 * 4, weighted=1, linear=1))
class ComplexWeights(nn.Module):
    """A complex matrix: two scalars an element, and a multiply-add for each, as torch counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix, self.bias = nn.Parameter(torch.randn(6, 4, dtype=torch.complex64)), nn.Parameter(torch.zeros(4))

    def forward(self, x: Tensor) -> Tensor:
        return (x.to(torch.complex64) @ self.matrix).abs() + self.bias


@animal(
    (8,),
    Known(
        output=(4,),
        total=dense(8, 4),
        hidden=4 * 4,
        bytes=4 * dense(8, 4) + 16,
        macs=32 + 16,
        weighted=2,
        linear=2,
    ),
)
class Int8Weights(nn.Module):
    """A quantised matrix in a buffer: sixteen weights in sixteen bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(8, 4)
        self.register_buffer(
            "codes", torch.tensor([[3, -7, 1, 9], [-5, 2, 8, 0], [4, 4, -1, 6], [7, -2, 5, -9]]).to(torch.int8)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.first(x) @ (self.codes.float() * 0.1)


@animal((8,), Known(output=(4,), total=dense(8, 4), bytes=8 * dense(8, 4), macs=32, weighted=1, linear=1))
class DoublePrecision(nn.Module):
    """Eight bytes a weight, and as many weights."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 4).double()

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.double()).float()


@animal((8,), Known(output=(4,), total=dense(8, 4), bytes=2 * dense(8, 4), macs=32, weighted=1, linear=1))
class HalfPrecision(nn.Module):
    """Two bytes a weight, and as many weights."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 4).bfloat16()

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.bfloat16()).float()


@animal(
    (8,),
    Known(
        output=(2,),
        total=dense(8, 4) + dense(4, 2) + 4,
        frozen=dense(8, 4),
        macs=40,
        weighted=2,
        linear=2,
    ),
)
class FrozenBackbone(nn.Module):
    """A backbone that does not learn, and a scale that does."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone, self.head = nn.Linear(8, 4).requires_grad_(False), nn.Linear(4, 2)
        self.scale = nn.Parameter(torch.ones(4))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.backbone(x).relu() * self.scale)


@animal((2, 4), Known(output=(4,), total=0, macs=0))
class NoParameters(nn.Module):
    """Empty: nothing to learn and nothing to multiply."""

    def forward(self, x: Tensor) -> Tensor:
        return x.amax(1)


@animal((8,), Known(output=(4,), total=dense(8, 4), macs=32, weighted=1, linear=1))
class ParametersOfNothing(nn.Module):
    """Parameters without an element beside real ones."""

    def __init__(self) -> None:
        super().__init__()
        self.nothing, self.layer = nn.Parameter(torch.empty(0, 3)), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) + self.nothing.sum()


@animal((8,), Known(output=(4,), total=8 * 4 + 4 + 4, macs=32, weighted=1, linear=1))
class WeightNormed(nn.Module):
    """A direction for each weight, a length for each output and a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = parametrizations.weight_norm(nn.Linear(8, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


@animal((8,), Known(output=(4,), total=dense(8, 4), hidden=8 + 4, macs=32 + 32 + 4, weighted=1, linear=1))
class SpectralNormed(nn.Module):
    """Two vectors in buffers; the largest singular value is a product of matrix and vector, and one of vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = parametrizations.spectral_norm(nn.Linear(8, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


@animal(
    (4,),
    Known(
        output=(4,),
        total=dense(4, 4),
        hidden=4 * 4,
        macs=64 + 16,
        weighted=1,
        linear=1,
        uncounted=("aten.matrix_exp.default",),
    ),
)
class OrthogonalByExponential(nn.Module):
    """The exponential of a skew matrix, times a fixed orthogonal one that lies in a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = parametrizations.orthogonal(nn.Linear(4, 4), orthogonal_map="matrix_exp")

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


def reflection_macs(rows: int, columns: int) -> int:
    """Half of LAPACK's 4mnk − 2(m + n)k² + 4k³ ÷ 3 operations, for as many reflections as columns."""
    return round((4 * rows * columns**2 - 2 * (rows + columns) * columns**2 + 4 * columns**3 / 3) / 2)


@animal((8,), Known(output=(4,), total=dense(8, 4), macs=32 + reflection_macs(8, 4), weighted=1, linear=1))
class OrthogonalByHouseholder(nn.Module):
    """A product of reflections."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = parametrizations.orthogonal(
            nn.Linear(8, 4), orthogonal_map="householder", use_trivialization=False
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


@animal((4,), Known(output=(4,), total=dense(4, 4), macs=16, weighted=1, linear=1))
class Symmetric(nn.Module):
    """A parametrization of the user's own, which reads the matrix and its transpose."""

    def __init__(self) -> None:
        super().__init__()

        class Symmetrized(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return x.triu() + x.triu(1).transpose(-1, -2)

        self.layer = nn.Linear(4, 4)
        nn.utils.parametrize.register_parametrization(self.layer, "weight", Symmetrized())

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


@animal((6, 6), Known(output=(6,), total=dense(6, 6), macs=6 * 36, weighted=1, linear=1))
class MaskBuffer(nn.Module):
    """A triangular mask in a buffer: a formula gives it, so nothing is hidden in it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 6)
        self.register_buffer("mask", torch.ones(6, 6).tril().bool())

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x).masked_fill(~self.mask, -1.0).amax(1)


@animal(
    (6,),
    Known(
        output=(6,),
        total=dense(6, 6),
        hidden=6 * 6,
        bytes=4 * dense(6, 6) + 36,
        macs=36,
        weighted=1,
        linear=1,
    ),
)
class CodedMask(nn.Module):
    """A mask that no formula gives: thirty-six weights of one bit, stored in thirty-six bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 6)
        self.register_buffer("mask", torch.arange(36).mul(7).remainder(5).gt(1).view(6, 6))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.layer.weight * self.mask, self.layer.bias)
