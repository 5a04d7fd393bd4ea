from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
from torch import nn

from modelcheck.training.augmentation import scale
from modelcheck.training.datasets import Dataset
from modelcheck.training.loop import Options, train
from modelcheck.training.observer import Silent
from modelcheck.training.recipe import load_recipe
from modelcheck.training.sample import sampled

CPU = torch.device("cpu")


@pytest.mark.parametrize("training", [False, True])
def test_a_sample_lies_evenly_over_the_set(mnist: Dataset, training: bool) -> None:
    part = sampled(mnist, training=training)
    images, labels = (mnist.train_images, mnist.train_labels) if training else (mnist.test_images, mnist.test_labels)
    step = len(images) // 2_000
    assert torch.equal(part.test_images, images[::step])
    assert torch.equal(part.test_labels, labels[::step])
    assert torch.equal(part.train_images, mnist.train_images)


def test_a_small_set_is_taken_whole(tiny: Dataset) -> None:
    assert torch.equal(sampled(tiny).test_labels, tiny.test_labels)
    assert torch.equal(sampled(tiny, training=True).test_labels, tiny.train_labels)


def test_a_set_that_is_no_multiple_is_used_from_end_to_end(mnist: Dataset) -> None:
    odd = dataclasses.replace(mnist, test_images=mnist.test_images[:2_999], test_labels=torch.arange(2_999))
    labels = sampled(odd).test_labels
    assert len(set(labels.tolist())) == 2_000
    assert (int(labels[0]), int(labels[-1])) == (0, 2_997)


def test_what_the_final_weights_know_of_the_training_images(tiny: Dataset) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(784, 10))
    metrics = train(model, tiny, load_recipe("seed"), Options(seed=1, device=CPU, epochs=2), output_kind="logits")
    final = copy.deepcopy(model).eval()
    right = final(scale(tiny.train_images, tiny.mean, tiny.std, normalize=True)).argmax(1) == tiny.train_labels
    assert metrics.train_accuracy is not None
    assert (metrics.train_accuracy.images, metrics.train_accuracy.last) == (512, int(right.sum()) / 512)


def test_after_an_interruption_it_is_not_measured(tiny: Dataset) -> None:
    class Stop(Silent):
        def on_epoch(self, *what: object) -> None:
            raise KeyboardInterrupt

    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    options = Options(seed=1, device=CPU, epochs=2)
    metrics = train(model, tiny, load_recipe("seed"), options, output_kind="logits", observer=Stop())
    assert metrics.interrupted
    assert metrics.train_accuracy is None
