from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from modelcheck.report import Start
from modelcheck.training.augmentation import scale
from modelcheck.training.datasets import Dataset
from modelcheck.training.loop import Options, train
from modelcheck.training.losses import classification_losses
from modelcheck.training.recipe import Augmentation, OptimizerOptions, Recipe
from modelcheck.training.start import Beginning

MakeNet = Callable[[], nn.Module]
CPU = torch.device("cpu")
RECIPE = Recipe(
    name="plain",
    epochs=2,
    batch_size=512,
    optimizer=OptimizerOptions(name="sgd", learning_rate=0.05),
    augmentation=Augmentation(),
)


def begun(model: nn.Module, dataset: Dataset, recipe: Recipe = RECIPE) -> Start:
    beginning = Beginning()
    beginning.measure(model, dataset, recipe, "logits", CPU)
    return beginning.start()


def test_what_a_model_knew_is_what_it_scored_before_its_first_step(tiny: Dataset) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    fresh = copy.deepcopy(model)
    metrics = train(model, tiny, RECIPE, Options(seed=1, device=CPU), output_kind="logits")
    assert metrics.start is not None
    with torch.no_grad():
        train_losses, test_losses = (
            classification_losses(fresh(scale(images, tiny.mean, tiny.std, normalize=True)), labels, "logits")
            for images, labels in ((tiny.train_images, tiny.train_labels), (tiny.test_images, tiny.test_labels))
        )
        right = fresh(scale(tiny.test_images, tiny.mean, tiny.std, normalize=True)).argmax(1) == tiny.test_labels
    assert metrics.start.images == 200
    assert metrics.start.test_accuracy == int(right.sum()) / 200
    assert metrics.start.test_loss == pytest.approx(float(test_losses.mean()), rel=1e-5)
    assert metrics.start.train_loss == pytest.approx(float(train_losses.mean()), rel=1e-5), "one batch holds all images"
    assert metrics.start.test_loss != metrics.test_loss


def test_a_large_test_set_is_seen_in_part_and_evenly(mnist: Dataset) -> None:
    class Bright(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(len(x))
            return x.flatten(1)[:, :10]

    seen: list[int] = []
    order = mnist.test_labels.argsort(stable=True)
    by_class = dataclasses.replace(mnist, test_images=mnist.test_images[order], test_labels=mnist.test_labels[order])
    start = begun(Bright(), by_class)
    assert (start.images, sum(seen)) == (2_000, 2_000)
    # the first of equal scores is class 0, of which MNIST's test set has 980
    assert start.test_accuracy == pytest.approx(980 / 10_000, abs=1 / 2_000)


def test_only_the_first_batch_counts() -> None:
    beginning = Beginning()
    beginning.restore(Start(images=1, test_accuracy=0.5, test_loss=None, train_loss=7.0))
    beginning.note(torch.tensor([1.0]))
    assert beginning.start().train_loss == 7.0


def test_the_loss_is_the_first_batch_s(tiny: Dataset, make_net: MakeNet) -> None:
    beginning = Beginning()
    beginning.measure(make_net(), tiny, RECIPE, "logits", CPU)
    beginning.note(torch.tensor([1.0, 2.0]))
    beginning.note(torch.tensor([9.0]))
    assert beginning.start().train_loss == 1.5


def test_losses_that_are_not_finite(tiny: Dataset) -> None:
    class Nothing(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1)[:, :10] * torch.nan

    beginning = Beginning()
    beginning.measure(Nothing(), tiny, RECIPE, "logits", CPU)
    beginning.note(torch.tensor([torch.inf]))
    assert (beginning.start().test_loss, beginning.start().train_loss) == (None, None)


def test_the_model_is_left_as_it_was(tiny: Dataset, make_net: MakeNet) -> None:
    model = make_net()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    begun(model, tiny)
    assert all(module.training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
