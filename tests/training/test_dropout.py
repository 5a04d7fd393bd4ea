"""Masks out of a pool: as likely, as independent and as differentiable as torch's own."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modelcheck.capturing.capture import capture_model
from modelcheck.graph.model import GraphModel
from modelcheck.training.dropout import Masks, served


class Net(nn.Module):
    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) + 0


def graph_of(layer: nn.Module) -> GraphModel:
    return GraphModel(capture_model(Net(layer), (8, 16, 16)))


def masks(layer: nn.Module, seed: int = 1, **options: int) -> tuple[GraphModel, Masks]:
    model = graph_of(layer)
    return model, Masks(model.header.train, torch.Generator().manual_seed(seed), **options)


def drawn(p: float, draws: int, shape: tuple[int, ...] = (64, 8, 16, 16)) -> Tensor:
    """So many masks for values of that shape: 1 where a value is dropped."""
    _, pool = masks(nn.Dropout(p))
    x = torch.ones(shape)
    return torch.stack([(pool.mask(x, p) == 0).float() for _ in range(draws)])


@pytest.mark.parametrize("p", [0.01, 0.1, 0.25, 0.5, 0.9])
def test_as_many_are_dropped_as_asked_for(p: float) -> None:
    dropped = drawn(p, 12)
    error = (p * (1 - p) / dropped.numel()) ** 0.5
    assert abs(dropped.mean().item() - p) < 5 * error


def correlation(one: Tensor, other: Tensor) -> float:
    return torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1].item()


def test_draws_samples_and_channels_are_independent() -> None:
    dropped = drawn(0.1, 6)
    for one, other in itertools.combinations(dropped, 2):
        assert abs(correlation(one, other)) < 5 / one.numel() ** 0.5
    for first in (dropped[:, :-1], dropped[:, 1:]), (dropped[:, :, :-1], dropped[:, :, 1:]):
        assert abs(correlation(*first)) < 5 / first[0].numel() ** 0.5
    for lag in (1, 2, 16, 256):
        flat = dropped.flatten(1)
        assert abs(correlation(flat[:, :-lag], flat[:, lag:])) < 5 / flat.numel() ** 0.5
    # how many of a sample's values are dropped varies as it does for independent ones
    counts = dropped.sum((2, 3, 4)).flatten()
    assert counts.var().item() == pytest.approx(8 * 16 * 16 * 0.1 * 0.9, rel=0.25)


def test_what_is_kept_is_scaled_and_the_gradient_goes_where_the_values_go() -> None:
    model, pool = masks(nn.Dropout(0.2))
    x = torch.rand(4, 8, 16, 16).add(0.5).requires_grad_()
    with served(model, pool):
        y = model.train()(x)
    kept = y != 0
    torch.testing.assert_close(y[kept], (x / 0.8)[kept])
    y.backward(torch.full_like(y, 3.0))
    assert x.grad is not None
    torch.testing.assert_close(x.grad, kept * 3.0 / 0.8)


@pytest.mark.parametrize("strided", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("layer", [nn.Dropout, nn.AlphaDropout])
def test_served_dropouts_keep_shape_type_and_memory_format(
    layer: type[nn.Module], inplace: bool, strided: torch.memory_format
) -> None:
    model, pool = masks(nn.Sequential(nn.Identity(), layer(0.3, inplace)))
    for dtype in (torch.float32, torch.bfloat16):
        x = torch.randn(4, 8, 16, 16, dtype=dtype).to(memory_format=strided)
        with served(model, pool):
            y = model.train()(x.clone())
        assert (y.dtype, y.shape, y.stride()) == (dtype, x.shape, x.stride())


def test_alpha_dropout_is_torch_s() -> None:
    """Kept and dropped values are mapped as torch maps them, which shows on a value that tells the two apart."""
    model, pool = masks(nn.AlphaDropout(0.3))
    x = torch.full((64, 8, 16, 16), 2.0)
    with served(model, pool):
        found = model.train()(x)
    torch.testing.assert_close(found.unique(), F.alpha_dropout(x, 0.3, training=True).unique())
    x = torch.randn(64, 8, 16, 16)
    with served(model, pool):
        y = model.train()(x)
    assert y.mean().item() == pytest.approx(0, abs=0.02)
    assert y.std().item() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_none_and_all_are_left_to_torch(p: float) -> None:
    model, pool = masks(nn.Dropout(p))
    x = torch.rand(2, 8, 16, 16)
    with served(model, pool):
        assert torch.equal(model.train()(x), F.dropout(x, p))


def test_whole_channels_are_dropped_as_torch_draws_them() -> None:
    model, pool = masks(nn.Dropout2d(0.5))
    assert not pool.substitutes
    with served(model, pool):
        y = model.train()(torch.ones(64, 8, 16, 16))
    assert set(y.mean((2, 3)).unique().tolist()) == {0.0, 2.0}


def test_evaluation_is_not_touched() -> None:
    model, pool = masks(nn.Dropout(0.5))
    x = torch.rand(2, 8, 16, 16)
    with served(model, pool):
        assert torch.equal(model.eval()(x), x)
    assert not model.substitutes


def test_a_mask_longer_than_a_window_is_made_of_several() -> None:
    _, pool = masks(nn.Dropout(0.25), size=2**20)
    dropped = pool.mask(torch.ones(3, 2**20), 0.25) == 0
    assert dropped.float().mean().item() == pytest.approx(0.25, abs=0.005)


def test_rates_share_the_memory() -> None:
    model = graph_of(nn.Sequential(nn.Dropout(0.1), nn.Dropout(0.2), nn.Dropout(0.3), nn.Dropout(0.1)))
    pool = Masks(model.header.train, torch.Generator(), size=3 * 2**21)
    assert len(pool.substitutes) == 4
    assert pool._size == 2**21


def test_a_seed_gives_the_same_masks() -> None:
    first, second, other = (masks(nn.Dropout(0.5), seed)[1] for seed in (1, 1, 2))
    x = torch.ones(4, 8, 16, 16)
    one, two = ([pool.mask(x, 0.5) for _ in range(3)] for pool in (first, second))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert not torch.equal(one[0], one[1])
    assert not torch.equal(one[0], other.mask(x, 0.5))
