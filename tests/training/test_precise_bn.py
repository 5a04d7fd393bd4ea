"""Running statistics that are estimated again, from the final weights and without dropout."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modelcheck.capturing.capture import capture_model
from modelcheck.graph.model import GraphModel
from modelcheck.training.augmentation import scale
from modelcheck.training.datasets import Dataset
from modelcheck.training.loop import Options, train
from modelcheck.training.precise_bn import averaging, keeps_statistics
from modelcheck.training.recipe import Augmentation, Recipe, load_recipe

BATCHES = torch.randn(5, 16, 3, 8, 8, generator=torch.Generator().manual_seed(1))


class Net(nn.Module):
    """Two batch norms with dropout between them; ``norm`` is the first, which a shared one runs twice."""

    def __init__(self, dropout: nn.Module, shared: bool = False, **options: object) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3, **options)  # type: ignore[arg-type]
        self.dropout, self.conv, self.after, self.shared = dropout, nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3), shared

    def forward(self, x: Tensor) -> Tensor:
        x = self.dropout(self.norm(x))
        x = self.after(self.conv(self.norm(x + 1) if self.shared else x).relu())
        return F.adaptive_avg_pool2d(x, 1).flatten(1)


def statistics(net: Net) -> tuple[GraphModel, list[Tensor]]:
    """The net's graph, and its running means and variances: of ``norm``, then of ``after``."""
    model = GraphModel(capture_model(net, (3, 8, 8)))
    return model, [value for value in model.buffers() if value.shape == (3,)]


def seen(model: GraphModel) -> None:
    model.train()
    with torch.no_grad(), averaging(model):
        for batch in BATCHES:
            model(batch)


@pytest.mark.parametrize(
    "dropout", [nn.Dropout(0.5), nn.Dropout2d(0.5), nn.AlphaDropout(0.5), nn.Dropout(0.5, inplace=True), nn.Identity()]
)
def test_they_are_the_means_over_the_batches_and_nothing_is_dropped(dropout: nn.Module) -> None:
    net = Net(dropout)
    model, found = statistics(net)
    seen(model)
    first = [net.norm(batch) for batch in BATCHES]
    with torch.no_grad():
        second = [net.conv(value).relu() for value in first]
    for number, values in enumerate((BATCHES, second)):
        means = [value.mean((0, 2, 3)) for value in values]
        variances = [value.var((0, 2, 3)) for value in values]
        torch.testing.assert_close(found[2 * number], torch.stack(means).mean(0), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(found[2 * number + 1], torch.stack(variances).mean(0), atol=1e-5, rtol=1e-4)


def test_a_batch_norm_that_runs_twice_counts_both() -> None:
    net = Net(nn.Identity(), shared=True)
    model, found = statistics(net)
    seen(model)
    means = [value.mean((0, 2, 3)) for batch in BATCHES for value in (batch, net.norm(batch) + 1)]
    torch.testing.assert_close(found[0], torch.stack(means).mean(0), atol=1e-5, rtol=1e-4)


def test_what_the_author_never_updates_stays() -> None:
    model, found = statistics(Net(nn.Identity(), momentum=0.0))
    seen(model)
    assert torch.equal(found[0], torch.zeros(3))
    assert not torch.equal(found[2], torch.zeros(3))


@pytest.mark.parametrize("track", [True, False])
def test_only_what_keeps_statistics_needs_this(track: bool) -> None:
    norm = nn.BatchNorm2d(3, track_running_stats=track)
    assert keeps_statistics(GraphModel(capture_model(norm, (3, 8, 8))).header.train) == track


def test_dropout_is_back_afterwards() -> None:
    model, _ = statistics(Net(nn.Dropout(0.5)))
    seen(model)
    assert not torch.equal(model(BATCHES[0]), model(BATCHES[0]))


@pytest.fixture
def recipe() -> Recipe:
    """Of the smallest steps, so that the weights hardly move, and without augmentation."""
    short = msgspec.structs.replace(load_recipe("fast"), epochs=2, precision="float32", augmentation=Augmentation())
    return msgspec.structs.replace(short, optimizer=msgspec.structs.replace(short.optimizer, learning_rate=1e-12))


def test_a_training_ends_with_them(tiny: Dataset, make_net: Callable[[], nn.Module], recipe: Recipe) -> None:
    def trained(images: int) -> GraphModel:
        model = GraphModel(capture_model(make_net(), tiny.input_shape))
        options = Options(seed=0, device=torch.device("cpu"))
        train(model, tiny, msgspec.structs.replace(recipe, precise_bn=images), options, output_kind="logits")
        return model

    without, with_ = trained(0), trained(512)
    for one, other in zip(without.parameters(), with_.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)
    with torch.no_grad():
        all_images = scale(tiny.train_images, tiny.mean, tiny.std, normalize=True)
        expected = make_net()[:2](all_images).mean((0, 2, 3))  # type: ignore[index]
    (before, after) = (next(b for b in model.buffers() if b.shape == (4,)) for model in (without, with_))
    torch.testing.assert_close(after, expected, atol=1e-4, rtol=1e-3)
    assert (before - expected).abs().max() > 10 * (after - expected).abs().max()
