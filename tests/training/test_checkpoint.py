"""Interrupted work loses nothing: a training that goes on ends as one that never stopped."""

from __future__ import annotations

import copy
from pathlib import Path

import msgspec
import pytest
import torch
from torch import Tensor, nn

from modelcheck.capturing.capture import capture_model
from modelcheck.errors import UsageError
from modelcheck.graph.model import GraphModel
from modelcheck.report import Epoch, Metrics
from modelcheck.training import loop
from modelcheck.training.checkpoint import checkpoint_path
from modelcheck.training.datasets import Dataset
from modelcheck.training.loop import Options, train
from modelcheck.training.observer import Observer, Silent
from modelcheck.training.recipe import Recipe, load_recipe, recipe_names

CPU = torch.device("cpu")
EPOCHS = 4


class Net(nn.Module):
    def __init__(self, width: int = 6) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, width, 5, stride=2)
        self.norm = nn.BatchNorm2d(width)
        self.channels = nn.Dropout2d(0.1)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(width * 12 * 12, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.dropout(self.channels(self.norm(self.convolution(x)).relu())).flatten(1))


@pytest.fixture
def model() -> GraphModel:
    torch.manual_seed(3)
    return GraphModel(capture_model(Net(), (1, 28, 28)))


class Stop(Silent):
    """Ends the training in the given epoch, and notes what it is told."""

    def __init__(self, epoch: int | None = None) -> None:
        self.epoch = epoch
        self.notes: list[str] = []
        self.seen: list[int] = []

    def on_batch(self, epoch: int, batch: int, batches: int, loss: float, accuracy: float, images_per_s: float) -> None:
        if epoch == self.epoch:
            raise KeyboardInterrupt

    def on_epoch(self, epoch: Epoch, correct: int, test_images: int) -> None:
        self.seen.append(epoch.epoch)

    def on_note(self, text: str) -> None:
        self.notes.append(text)


def run(
    model: nn.Module,
    dataset: Dataset,
    checkpoint: Path | None,
    *,
    recipe: Recipe | None = None,
    resume: bool = False,
    observer: Observer | None = None,
    seed: int = 1,
) -> Metrics:
    recipe = recipe or load_recipe("fast")
    options = Options(seed=seed, device=CPU, epochs=EPOCHS, checkpoint=checkpoint, resume=resume)
    return train(model, dataset, recipe, options, output_kind="logits", observer=observer)


def untimed(metrics: Metrics) -> Metrics:
    epochs = tuple(msgspec.structs.replace(epoch, train_s=0, eval_s=0) for epoch in metrics.epochs)
    return msgspec.structs.replace(metrics, epochs=epochs, images_per_s=0, wall_s=0)


def same(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("name", recipe_names())
def test_going_on_ends_to_the_bit_as_without_interruption(
    tmp_path: Path, tiny: Dataset, model: GraphModel, name: str
) -> None:
    recipe, path = load_recipe(name), tmp_path / "net.checkpoint"
    few = msgspec.structs.replace(recipe.selection, least=2)  # so that this little data is chosen from, too
    recipe = msgspec.structs.replace(recipe, selection=few)
    whole, part, again = model, copy.deepcopy(model), copy.deepcopy(model)
    expected = run(whole, tiny, None, recipe=recipe)
    assert run(part, tiny, path, recipe=recipe, observer=Stop(3)).interrupted
    torch.rand(5)  # another process has drawn other numbers
    observer = Stop()
    found = run(again, tiny, path, recipe=recipe, resume=True, observer=observer)
    assert observer.seen == [3, 4]
    assert observer.notes == [f"going on after epoch 2 of 4, from {path}"]
    assert untimed(found) == untimed(expected)
    assert same(again, whole)


def test_a_finished_training_is_not_repeated(tmp_path: Path, tiny: Dataset, model: GraphModel) -> None:
    path, other, observer = tmp_path / "net.checkpoint", copy.deepcopy(model), Stop(1)
    expected = run(model, tiny, path)
    assert untimed(run(other, tiny, path, resume=True, observer=observer)) == untimed(expected)
    assert observer.seen == []
    assert same(model, other)


def test_without_a_checkpoint_resuming_starts(tmp_path: Path, tiny: Dataset, model: GraphModel) -> None:
    observer = Stop()
    run(model, tiny, tmp_path / "net.checkpoint", resume=True, observer=observer)
    assert observer.seen == [1, 2, 3, 4]


def test_without_resume_a_checkpoint_is_replaced(tmp_path: Path, tiny: Dataset, model: GraphModel) -> None:
    path, observer = tmp_path / "net.checkpoint", Stop()
    run(copy.deepcopy(model), tiny, path, seed=7)
    run(model, tiny, path, observer=observer)
    assert observer.seen == [1, 2, 3, 4]


def test_the_checkpoint_of_another_training_is_refused(tmp_path: Path, tiny: Dataset, model: GraphModel) -> None:
    path = tmp_path / "net.checkpoint"
    run(copy.deepcopy(model), tiny, path)
    wider = GraphModel(capture_model(Net(7), (1, 28, 28)))
    before = path.read_bytes()
    for what, other, options in (
        ("model", wider, {}),
        ("seed 1 instead of 2", model, {"seed": 2}),
        ("recipe", model, {"recipe": load_recipe("seed")}),
    ):
        with pytest.raises(UsageError, match=f"belongs to another training: {what}.*Without --resume"):
            run(other, tiny, path, resume=True, **options)  # type: ignore[arg-type]
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", [b"", b"no checkpoint", None])
def test_a_damaged_checkpoint_is_refused(
    tmp_path: Path, tiny: Dataset, model: GraphModel, damage: bytes | None
) -> None:
    path = tmp_path / "net.checkpoint"
    run(copy.deepcopy(model), tiny, path)
    path.write_bytes(path.read_bytes()[:-2000] if damage is None else damage)
    with pytest.raises(UsageError, match=r"is no checkpoint of modelcheck's, or damaged\. Without --resume"):
        run(model, tiny, path, resume=True)


def test_a_checkpoint_runs_nobody_s_code(tmp_path: Path, tiny: Dataset, model: GraphModel) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "touched",))  # type: ignore[return-value]

    path = tmp_path / "net.checkpoint"
    torch.save({"format": 1, "of": {}, "state": Evil()}, path)
    with pytest.raises(UsageError, match="is no checkpoint"):
        run(model, tiny, path, resume=True)
    assert not (tmp_path / "touched").exists()


def test_a_full_disk_ends_no_training(
    tmp_path: Path, tiny: Dataset, model: GraphModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, of: object, state: object) -> None:
        raise UsageError(f"cannot write {path}: No space left on device")

    monkeypatch.setattr(loop, "write_checkpoint", full)
    observer = Stop()
    assert len(run(model, tiny, tmp_path / "c", observer=observer).epochs) == EPOCHS
    assert observer.notes[0].endswith("No space left on device; the training goes on without it")


def test_the_checkpoint_lies_beside_the_weights() -> None:
    assert checkpoint_path(Path("out/net.safetensors")) == Path("out/net.safetensors.checkpoint")
