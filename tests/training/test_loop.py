from __future__ import annotations

import dataclasses
from collections.abc import Callable

import msgspec
import pytest
import torch
from torch import Tensor, nn

from modelcheck.errors import ForwardError, UsageError
from modelcheck.facts.structs import OutputKind
from modelcheck.report import Epoch, Metrics
from modelcheck.training.datasets import Dataset
from modelcheck.training.loop import Options, train
from modelcheck.training.observer import Observer, Silent
from modelcheck.training.recipe import Augmentation, OptimizerOptions, Recipe, load_recipe, recipe_names

MakeNet = Callable[[], nn.Module]
CPU = torch.device("cpu")


@pytest.fixture
def recipe() -> Recipe:
    return Recipe(
        name="short",
        epochs=2,
        batch_size=64,
        optimizer=OptimizerOptions(name="sgd", learning_rate=0.05, momentum=0.9),
        augmentation=load_recipe("fast").augmentation,
    )


def run(
    model: nn.Module,
    dataset: Dataset,
    recipe: Recipe,
    *,
    kind: OutputKind = "logits",
    seed: int = 1,
    epochs: int | None = None,
    observer: Observer | None = None,
) -> Metrics:
    options = Options(seed=seed, device=CPU, epochs=epochs)
    return train(model, dataset, recipe, options, output_kind=kind, observer=observer)


def weights(model: nn.Module) -> list[Tensor]:
    return [value.clone() for value in model.state_dict().values()]


def same(first: list[Tensor], second: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def untimed(metrics: Metrics) -> Metrics:
    epochs = tuple(msgspec.structs.replace(epoch, train_s=0, eval_s=0) for epoch in metrics.epochs)
    return msgspec.structs.replace(metrics, epochs=epochs, images_per_s=0, wall_s=0)


def test_a_small_net_learns(tiny: Dataset, make_net: MakeNet, recipe: Recipe) -> None:
    metrics = run(make_net(), tiny, recipe, epochs=4)
    assert metrics.test_accuracy.last > 0.7
    losses = [epoch.train_loss for epoch in metrics.epochs]
    assert losses == sorted(losses, reverse=True)


def test_metrics_say_what_happened(tiny: Dataset, make_net: MakeNet, recipe: Recipe) -> None:
    metrics = run(make_net(), tiny, recipe)
    assert (metrics.recipe, metrics.seed, metrics.dataset) == ("short", 1, "mnist")
    assert (metrics.train_images, metrics.test_images) == (512, 200)
    assert (metrics.device, metrics.dtype, metrics.threads) == ("cpu", "float32", torch.get_num_threads())
    assert [(epoch.epoch, epoch.images) for epoch in metrics.epochs] == [(1, 512), (2, 512)]
    accuracies = [epoch.test_accuracy for epoch in metrics.epochs]
    best = metrics.test_accuracy
    assert (best.last, best.best, best.best_epoch) == (
        accuracies[-1],
        max(accuracies),
        accuracies.index(max(accuracies)) + 1,
    )
    assert metrics.test_loss == metrics.epochs[-1].test_loss
    assert sum(metrics.confusion[i][i] for i in range(10)) == round(best.last * 200)
    assert not metrics.interrupted
    assert metrics.runs is None
    train_s = sum(epoch.train_s for epoch in metrics.epochs)
    assert metrics.images_per_s == pytest.approx(1024 / train_s)
    assert metrics.wall_s >= train_s + sum(epoch.eval_s for epoch in metrics.epochs)


@pytest.mark.parametrize("name", recipe_names())
def test_the_same_seed_gives_the_same_bits(tiny: Dataset, make_net: MakeNet, name: str) -> None:
    first, second, other = make_net(), make_net(), make_net()
    recipe = load_recipe(name)
    metrics = run(first, tiny, recipe, epochs=1)
    torch.rand(7)  # the caller's draws must not matter
    assert untimed(metrics) == untimed(run(second, tiny, recipe, epochs=1))
    assert same(weights(first), weights(second))
    run(other, tiny, recipe, epochs=1, seed=2)
    assert not same(weights(first), weights(other))


def test_the_callers_world_is_left_as_it_was(tiny: Dataset, make_net: MakeNet) -> None:
    model = make_net().eval()
    strides = [parameter.stride() for parameter in model.parameters()]
    random = torch.get_rng_state()
    run(model, tiny, load_recipe("fast"), epochs=1)
    assert torch.equal(random, torch.get_rng_state())
    assert not any(module.training for module in model.modules())
    assert strides == [parameter.stride() for parameter in model.parameters()]
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_gradient_left_behind_by_the_caller_is_not_used(tiny: Dataset, make_net: MakeNet, recipe: Recipe) -> None:
    clean, littered = make_net(), make_net()
    for parameter in littered.parameters():
        parameter.grad = torch.full_like(parameter, 100)
    run(clean, tiny, recipe, epochs=1)
    run(littered, tiny, recipe, epochs=1)
    assert same(weights(clean), weights(littered))


def test_frozen_parameters_stay(tiny: Dataset, make_net: MakeNet, recipe: Recipe) -> None:
    model = make_net()
    first, last = model[0].weight, model[5].weight  # type: ignore[index]
    first.requires_grad_(False)
    before = first.clone(), last.clone()
    run(model, tiny, recipe, epochs=1)
    assert torch.equal(first, before[0])
    assert not torch.equal(last, before[1])
    assert not first.requires_grad


def test_nothing_to_train_is_the_authors_error(tiny: Dataset, make_net: MakeNet, recipe: Recipe) -> None:
    with pytest.raises(ForwardError, match="nothing to train: the model has no parameter that requires"):
        run(make_net().requires_grad_(False), tiny, recipe)


def test_parameters_out_of_reach_are_nothing_to_train(tiny: Dataset, recipe: Recipe) -> None:
    class Unused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(784, 10)

        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1)[:, :10]

    with pytest.raises(ForwardError, match="nothing to train: no parameter that requires a gradient reaches"):
        run(Unused(), tiny, recipe)


def test_another_number_of_classes_is_the_authors_error(tiny: Dataset, recipe: Recipe) -> None:
    with pytest.raises(ForwardError, match=r"shape \(200, 7\) for 200 images"):
        run(nn.Sequential(nn.Flatten(), nn.Linear(784, 7)), tiny, recipe)


def test_no_epochs_is_a_wrong_command(tiny: Dataset, make_net: MakeNet, recipe: Recipe) -> None:
    with pytest.raises(UsageError, match="0 epochs on 512 images: expected at least 1"):
        run(make_net(), tiny, recipe, epochs=0)


@pytest.mark.parametrize(("images", "seen"), [(128, 128), (129, 128), (130, 130)])
def test_only_a_last_batch_of_one_is_left_out(
    tiny: Dataset, make_net: MakeNet, recipe: Recipe, images: int, seen: int
) -> None:
    part = dataclasses.replace(tiny, train_images=tiny.train_images[:images], train_labels=tiny.train_labels[:images])
    assert run(make_net(), part, recipe, epochs=1).epochs[0].images == seen


def test_every_image_is_seen_once_an_epoch_in_another_order(tiny: Dataset, recipe: Recipe) -> None:
    class Watch(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(784, 10)
            self.seen: list[bytes] = []

        def forward(self, x: Tensor) -> Tensor:
            if self.training:
                self.seen.extend(image.numpy().tobytes() for image in x)
            return self.layer(x.flatten(1))

    model = Watch()
    run(
        model,
        tiny,
        msgspec.structs.replace(recipe, augmentation=Augmentation()),
    )
    first, second = model.seen[:512], model.seen[512:]
    assert len(set(first)) == 512
    assert sorted(first) == sorted(second)
    assert first != second


def test_kinds_of_output_train_alike(tiny: Dataset, make_net: MakeNet, recipe: Recipe) -> None:
    logits = run(make_net(), tiny, recipe, epochs=1)
    log_probs = run(nn.Sequential(make_net(), nn.LogSoftmax(1)), tiny, recipe, kind="log-probabilities", epochs=1)
    probs = run(nn.Sequential(make_net(), nn.Softmax(1)), tiny, recipe, kind="probabilities", epochs=1)
    for metrics in (log_probs, probs):
        assert metrics.epochs[0].train_loss == pytest.approx(logits.epochs[0].train_loss, rel=1e-3)
        assert metrics.test_loss == pytest.approx(logits.test_loss, rel=1e-2)


def test_the_dtype_is_the_one_that_was_used(tiny: Dataset, make_net: MakeNet, recipe: Recipe) -> None:
    class Spy(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            output = super().forward(x)
            dtypes.append((self.training, output.dtype))
            return output

    dtypes: list[tuple[bool, torch.dtype]] = []
    model = Spy(*make_net().children())
    metrics = run(model, tiny, msgspec.structs.replace(recipe, precision="bfloat16"), epochs=1)
    assert metrics.dtype == "bfloat16"
    before, trained, after = (False, torch.bfloat16), (True, torch.bfloat16), (False, torch.float32)
    assert list(dict.fromkeys(dtypes)) == [before, trained, after]


def test_a_diverging_training_stops_and_is_evaluated(tiny: Dataset, make_net: MakeNet, recipe: Recipe) -> None:
    wild = msgspec.structs.replace(recipe, optimizer=OptimizerOptions(name="sgd", learning_rate=1000))
    model = nn.Sequential(nn.Flatten(), *(nn.Linear(784, 784) for _ in range(12)), nn.Linear(784, 10))
    metrics = run(model, tiny, wild, epochs=5)
    assert len(metrics.epochs) == 1
    assert metrics.epochs[0].train_loss is None
    assert 0 <= metrics.test_accuracy.last <= 0.3
    assert sum(map(sum, metrics.confusion)) == 200
    assert not metrics.interrupted


class CtrlC(Silent):
    """Presses ctrl-c in the given epoch: at a batch, or after the epoch's evaluation."""

    def __init__(self, epoch: int, *, after: bool = False) -> None:
        self.epoch, self.after = epoch, after
        self.kept: list[Tensor] = []
        self.model: nn.Module | None = None

    def on_batch(self, epoch: int, batch: int, batches: int, loss: float, accuracy: float, images_per_s: float) -> None:
        if epoch == self.epoch and not self.after:
            raise KeyboardInterrupt

    def on_epoch(self, epoch: Epoch, correct: int, test_images: int) -> None:
        if self.model is not None:
            self.kept = weights(self.model)
        if epoch.epoch == self.epoch and self.after:
            raise KeyboardInterrupt


def test_ctrl_c_keeps_the_completed_epochs_and_their_weights(tiny: Dataset, make_net: MakeNet, recipe: Recipe) -> None:
    model, observer = make_net(), CtrlC(3)
    observer.model = model
    metrics = run(model, tiny, recipe, epochs=5, observer=observer)
    assert metrics.interrupted
    assert [epoch.epoch for epoch in metrics.epochs] == [1, 2]
    assert metrics.test_accuracy.last == metrics.epochs[1].test_accuracy
    assert same(weights(model), observer.kept)
    assert model.training


def test_ctrl_c_after_an_epoch_keeps_it(tiny: Dataset, make_net: MakeNet, recipe: Recipe) -> None:
    metrics = run(make_net(), tiny, recipe, epochs=5, observer=CtrlC(1, after=True))
    assert metrics.interrupted
    assert len(metrics.epochs) == 1


def test_ctrl_c_in_the_first_epoch_is_passed_on(tiny: Dataset, make_net: MakeNet, recipe: Recipe) -> None:
    random = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        run(make_net(), tiny, recipe, observer=CtrlC(1))
    assert torch.equal(random, torch.get_rng_state())


def test_the_observer_is_told(tiny: Dataset, make_net: MakeNet, recipe: Recipe) -> None:
    class Notes(Silent):
        def __init__(self) -> None:
            self.start: tuple[object, ...] = ()
            self.batches: list[tuple[int, int, int]] = []
            self.epochs: list[tuple[Epoch, int, int]] = []

        def on_start(self, *args: object) -> None:
            self.start = args

        def on_batch(
            self, epoch: int, batch: int, batches: int, loss: float, accuracy: float, images_per_s: float
        ) -> None:
            assert loss > 0
            assert 0 <= accuracy <= 1
            assert images_per_s > 0
            self.batches.append((epoch, batch, batches))

        def on_epoch(self, epoch: Epoch, correct: int, test_images: int) -> None:
            self.epochs.append((epoch, correct, test_images))

    notes = Notes()
    metrics = run(make_net(), tiny, msgspec.structs.replace(recipe, batch_size=32), observer=notes)
    assert notes.start == (32, 2, 512, "cpu", "float32")
    assert notes.batches == [(1, 10, 16), (1, 16, 16), (2, 10, 16), (2, 16, 16)]
    assert [(epoch, images) for epoch, _, images in notes.epochs] == [(epoch, 200) for epoch in metrics.epochs]
    assert notes.epochs[1][1] == round(metrics.test_accuracy.last * 200)


def test_nothing_is_printed(
    tiny: Dataset, make_net: MakeNet, recipe: Recipe, capfd: pytest.CaptureFixture[str]
) -> None:
    run(make_net(), tiny, recipe, epochs=1)
    assert capfd.readouterr() == ("", "")


def test_an_observer_of_ones_own_needs_no_base_class() -> None:
    observer: Observer = Silent()
    observer.on_start(1, 1, 1, "cpu", "float32")
