"""Attention in each of the forms that people write it in: two products of maps, with a softmax between."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.facts.zoo.animal import Known, animal, conv, conv_macs, dense

TOKENS, WIDTH = 10, 8
PROJECTIONS = 4 * dense(WIDTH, WIDTH)  # to queries, keys and values, and back
PROJECTION_MACS = 4 * TOKENS * WIDTH * WIDTH
MIXING = 2 * TOKENS * TOKENS * WIDTH  # of queries with keys, and of weights with values; heads share it out


@animal(
    (TOKENS, WIDTH),
    Known(
        output=(TOKENS, WIDTH),
        total=PROJECTIONS,
        macs=PROJECTION_MACS + MIXING,
        weighted=4,
        linear=4,
    ),
)
class ByHand(nn.Module):
    """Products of batches of matrices; a product of two maps is no weighted layer."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        scores = torch.bmm(self.q(x), self.k(x).transpose(1, 2)) / math.sqrt(WIDTH)
        return self.out(torch.bmm(scores.softmax(-1), self.v(x)))


@animal(
    (TOKENS, WIDTH),
    Known(
        output=(TOKENS, WIDTH),
        total=PROJECTIONS,
        macs=PROJECTION_MACS + MIXING,
        weighted=2,
        linear=2,
    ),
)
class InHeads(nn.Module):
    """Two heads by ``@``, and one projection for queries, keys and values together."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).reshape(-1, TOKENS, 3, 2, WIDTH // 2).permute(2, 0, 3, 1, 4)
        mixed = (q @ k.transpose(-2, -1)).softmax(-1) @ v
        return self.out(mixed.transpose(1, 2).reshape(-1, TOKENS, WIDTH))


@animal(
    (TOKENS, WIDTH),
    Known(
        output=(TOKENS, WIDTH),
        total=PROJECTIONS,
        macs=PROJECTION_MACS + MIXING,
        weighted=2,
        linear=2,
    ),
)
class ByEinsum(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, 2, WIDTH // 2)).unbind(2)
        weights = torch.einsum("nqhd,nkhd->nhqk", q, k).softmax(-1)
        return self.out(torch.einsum("nhqk,nkhd->nqhd", weights, v).flatten(2))


@animal(
    (TOKENS, WIDTH),
    Known(
        output=(TOKENS, WIDTH),
        total=PROJECTIONS,
        macs=PROJECTION_MACS + MIXING,
        weighted=3,
        linear=2,
    ),
)
class ByTheFunction(nn.Module):
    """One operator does it all, and is a weighted layer by its name."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, 2, WIDTH // 2)).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(q, k, v, dropout_p=0.1 if self.training else 0.0, is_causal=True)
        return self.out(mixed.transpose(1, 2).flatten(2))


@animal(
    (TOKENS, WIDTH),
    Known(
        output=(TOKENS, WIDTH),
        total=PROJECTIONS,
        macs=PROJECTION_MACS + MIXING,
        weighted=3,
        linear=2,
    ),
)
class ByTheModule(nn.Module):
    """nn.MultiheadAttention, whose fast path hides its work from counters."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(WIDTH, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


@animal(
    (TOKENS, WIDTH),
    Known(
        output=(TOKENS, TOKENS),
        total=PROJECTIONS,
        unused=dense(WIDTH, WIDTH),
        macs=PROJECTION_MACS + MIXING,
        weighted=1,
        linear=1,
        unused_modules=("attention.out_proj",),
    ),
)
class OnlyTheWeights(nn.Module):
    """Only where it looks is returned: the rest is computed for nothing, and its last layer unused."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(WIDTH, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x)[1]


@animal(
    (TOKENS, WIDTH),
    Known(
        output=(TOKENS, WIDTH),
        total=PROJECTIONS + dense(WIDTH, 16) + dense(16, WIDTH) + 4 * WIDTH,
        macs=PROJECTION_MACS + MIXING + 2 * TOKENS * WIDTH * 16,
        weighted=5,
        linear=4,
        dropout=3,
    ),
)
class EncoderLayer(nn.Module):
    """torch's own layer: attention and a small network, each with a norm."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(WIDTH, 2, 16, dropout=0.1, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


@animal(
    (TOKENS, WIDTH),
    Known(
        output=(TOKENS, WIDTH),
        total=3 * dense(WIDTH, WIDTH) // 3 + 2 * WIDTH * 2 + dense(WIDTH, WIDTH),
        macs=2 * TOKENS * WIDTH * WIDTH + 2 * TOKENS * WIDTH * 2 + MIXING,
        weighted=4,
        linear=3,
    ),
)
class OneHeadOfKeys(nn.Module):
    """Four heads of queries share one of keys and values."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.kv, self.out = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 4, bias=False), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        q = self.q(x).unflatten(-1, (4, 2)).transpose(1, 2)
        k, v = self.kv(x)[:, None].expand(-1, 4, -1, -1).chunk(2, -1)
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


@animal(
    (3, 8, 8),
    Known(
        output=(5,),
        total=conv(3, WIDTH, 2, 2) + WIDTH + 17 * WIDTH + PROJECTIONS + dense(WIDTH, 5),
        macs=conv_macs(3, WIDTH, 2, 2, at=16) + 4 * 17 * WIDTH**2 + 2 * 17**2 * WIDTH + 5 * WIDTH,
        weighted=5,
        linear=3,
        field="unbounded",
    ),
)
class Vision(nn.Module):
    """Patches, a token for the class, places and attention."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.attention = (
            nn.Conv2d(3, WIDTH, 2, stride=2),
            nn.MultiheadAttention(WIDTH, 2, batch_first=True),
        )
        self.token, self.places = nn.Parameter(torch.randn(1, 1, WIDTH)), nn.Parameter(torch.randn(1, 17, WIDTH))
        self.head = nn.Linear(WIDTH, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.places
        return self.head(x[:, 0] + self.attention(x, x, x, need_weights=False)[0][:, 0])


@animal(
    (3, 8, 8),
    Known(
        output=(5,),
        total=conv(3, 6, 4, 4) + dense(4, 4) + dense(6, 5),
        weighted=3,
        linear=2,
        average=1,
        macs=conv_macs(3, 6, 4, 4, at=4) + 6 * 16 + 30,
        field="unbounded",
    ),
)
class Mixer(nn.Module):
    """A linear layer over places: every place sees every other."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.mix, self.head = nn.Conv2d(3, 6, 4, stride=4), nn.Linear(4, 4), nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2)
        return self.head((x + self.mix(x)).mean(2))
