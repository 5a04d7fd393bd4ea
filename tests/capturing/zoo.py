"""Small models, each odd in one way; every one takes (N, 1, 8, 8)."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SHAPE = (1, 8, 8)
ZOO: dict[str, Callable[[], nn.Module]] = {}


def _animal(kind: type[nn.Module]) -> type[nn.Module]:
    ZOO[kind.__name__] = kind
    return kind


@_animal
class PlainNet(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Dropout(0.3),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10), nn.LogSoftmax(1),
        )  # fmt: skip


@_animal
class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1)
        self.block = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.Dropout2d(0.2))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x + self.block(x)
        return F.relu_(x).mean((2, 3))


@_animal
class CalledTwice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)
        self.norm = nn.BatchNorm2d(1)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(self.norm(self.conv(x)))).flatten(1)


@_animal
class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encode, self.decode = nn.Linear(8, 8), nn.Linear(8, 8)
        self.decode.weight = self.encode.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x).relu())


@_animal
class Views(nn.Module):
    """Two parameters in one storage, which overlap in half of it."""

    def __init__(self) -> None:
        super().__init__()
        storage = torch.randn(96)
        self.low, self.high = nn.Parameter(storage[:64].view(8, 8)), nn.Parameter(storage[32:].view(8, 8))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.low @ self.high.t()


@_animal
class EverySecond(nn.Module):
    """A parameter with holes: half of its storage cannot be reached."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 16)[:, ::2])

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight)


@_animal
class Expanded(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, 8).expand(5, 8))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight)


@_animal
class ChannelsLast(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.next = nn.Conv2d(4, 4, 3)
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        x = self.next(self.conv(x.to(memory_format=torch.channels_last)))
        return x.permute(0, 2, 3, 1).reshape(x.shape[0], -1)


@_animal
class Complex(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.filter = nn.Parameter(torch.randn(8, 5, dtype=torch.complex64))

    def forward(self, x: Tensor) -> Tensor:
        return torch.fft.irfft2(torch.fft.rfft2(x) * self.filter, s=(8, 8)).flatten(1)


@_animal
class Int8Codebook(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("codes", torch.randint(-128, 127, (8, 8), dtype=torch.int8))
        self.scale = nn.Parameter(torch.tensor(0.01))

    def forward(self, x: Tensor) -> Tensor:
        return x @ (self.codes.float() * self.scale)


@_animal
class EmptyAndFrozen(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.nothing = nn.Parameter(torch.empty(0, 3))
        self.also_nothing = nn.Parameter(torch.empty(0))
        self.frozen = nn.Linear(8, 8).requires_grad_(False)
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.frozen(x)) + self.nothing.sum()


@_animal
class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 4, num_layers=2, dropout=0.2, batch_first=True, bidirectional=True)
        self.gru = nn.GRU(8, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        rows, _ = self.lstm(x[:, 0])
        _, last = self.gru(rows)
        return last[-1]


@_animal
class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        rows = x[:, 0]
        rows, _ = self.attention(rows, rows, rows, need_weights=False)
        return self.encoder(rows).flatten(1)


@_animal
class StochasticDepth(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x + 0.5 * self.block(x)
        keep = torch.floor(0.5 + torch.rand(x.shape[0], 1, 1, 1))
        noise = torch.empty(x.shape[0], 1, 1, 1).bernoulli_(0.5)
        return x + self.block(x) * keep * noise


@_animal
class Functions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 8))

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(F.interpolate(x, scale_factor=2, mode="bilinear"), (1, 1, 1, 1), mode="reflect")
        x = F.gelu(F.interpolate(x, size=8, mode="nearest"), approximate="tanh")
        return torch.einsum("nchw,kw->nk", x, self.weight)


@_animal
class NoGradInside(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fixed, self.head = nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            x = self.fixed(x)
            with torch.enable_grad():
                x = x + self.fixed.bias
        return self.head(x)


@_animal
class Infinities(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mask", torch.ones(8, 8, dtype=torch.bool).tril())
        self.weight = nn.Parameter(torch.ones(8))

    def forward(self, x: Tensor) -> Tensor:
        scores = (x * self.weight).masked_fill(~self.mask, float("-inf")).softmax(-1)
        return torch.nan_to_num(scores / torch.full_like(scores, float("inf")) + float("nan"), nan=2.0) + scores


@_animal
class HiddenTensors(nn.Module):
    """Weights that no registry knows: a list of modules, a plain tensor, a global."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(8, 8), nn.Linear(8, 8)]
        self.plain = [torch.randn(8)]

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x).relu() + self.plain[0]
        return x


@_animal
class DropoutInAList(nn.Module):
    """Neither train() nor eval() reaches it: it drops in both modes."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(8, 8)
        self.layers = [nn.Dropout(0.5), nn.BatchNorm2d(1, affine=False, track_running_stats=False)]

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


@_animal
class Parametrized(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.normed = nn.utils.parametrizations.weight_norm(nn.Linear(8, 8))
        self.spectral = nn.utils.parametrizations.spectral_norm(nn.Linear(8, 8))

    def forward(self, x: Tensor) -> Tensor:
        return self.spectral(self.normed(x))


@_animal
class TwoOutputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(8, 2), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"a": self.a(x), "b": self.b(x)}
