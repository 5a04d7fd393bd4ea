from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from modelcheck.errors import UsageError
from modelcheck.training.recipe import (
    Augmentation,
    OptimizerOptions,
    Recipe,
    Schedule,
    load_recipe,
    recipe_names,
)

GOOD = 'epochs = 2\nbatch_size = 64\n[optimizer]\nname = "sgd"\nlearning_rate = 0.1\n'


def test_seed_is_what_the_assignment_does() -> None:
    assert load_recipe("seed") == Recipe(
        name="seed",
        epochs=20,
        batch_size=64,
        optimizer=OptimizerOptions(name="sgd", learning_rate=0.01, momentum=0.9),
        augmentation=Augmentation(degrees=7.0, interpolation="nearest", fill=1.0),
        schedule=Schedule(kind="constant"),
        normalize=True,
        channels_last=False,
        precision="float32",
        clip_norm=0.0,
    )


def test_seed_aug_is_what_keras_did() -> None:
    assert load_recipe("seed-aug") == Recipe(
        name="seed-aug",
        epochs=1,
        batch_size=32,
        optimizer=OptimizerOptions(name="adagrad", learning_rate=0.01),
        augmentation=Augmentation(
            degrees=10.0,
            shift=0.1,
            zoom=(0.9, 1.1),
            shear_degrees=0.1,
            interpolation="bilinear",
            fill="nearest",
        ),
        schedule=Schedule(kind="constant"),
        normalize=False,
        channels_last=False,
        precision="float32",
        clip_norm=0.0,
    )


def test_fast_is_the_default_and_what_was_measured() -> None:
    recipe = load_recipe()
    assert (recipe.name, recipe.epochs, recipe.batch_size) == ("fast", 7, 128)
    assert (recipe.precision, recipe.channels_last, recipe.normalize) == ("auto", True, True)
    optimizer = recipe.optimizer
    assert (optimizer.name, optimizer.nesterov, optimizer.learning_rate) == ("muon", True, 0.03)
    assert optimizer.weight_decay > 0
    assert not optimizer.decay_vectors
    assert recipe.schedule.kind == "one-cycle"
    assert (recipe.selection.fraction, recipe.selection.from_epoch) == (0.3333, 2)
    assert (recipe.augmentation.degrees, recipe.augmentation.zoom) == (7.0, (0.95, 1.05))
    assert recipe.augmentation.shift * 28 == pytest.approx(1, abs=0.001)


def test_thorough_is_fast_for_longer_on_all_images() -> None:
    fast, thorough = load_recipe(), load_recipe("thorough")
    assert thorough.selection.fraction == 1
    assert thorough.epochs > fast.epochs
    assert thorough == msgspec.structs.replace(
        fast, name="thorough", epochs=thorough.epochs, selection=thorough.selection
    )


def test_presets_are_the_files_of_the_folder() -> None:
    assert recipe_names() == ("fast", "seed", "seed-aug", "thorough")


def test_a_recipe_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        load_recipe("seed").epochs = 1  # type: ignore[misc]


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    recipe = load_recipe(path)
    assert recipe == load_recipe(str(path))
    assert (recipe.name, recipe.epochs, recipe.augmentation) == ("mine.toml", 2, Augmentation())


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        ("epoch = 3\n" + GOOD, "epoch: unknown key 'epoch'; did you mean 'epochs'? Known: augmentation, "),
        (GOOD + "momentun = 0.9", "optimizer.momentun: unknown key 'momentun'; did you mean 'momentum'?"),
        (GOOD + "[schedule]\nkin = 1", "schedule.kin: unknown key 'kin'; did you mean 'kind'?"),
        ('name = "x"\n' + GOOD, "name: unknown key 'name'"),
        (GOOD.replace("64", '"64"'), "batch_size: expected a whole number, found '64'."),
        (GOOD.replace("epochs = 2", "epochs = 0"), "epochs: expected a whole number >= 1, found 0."),
        (GOOD.replace("0.1", "nan"), "optimizer.learning_rate: expected a number > 0.0, found nan."),
        (GOOD.replace("0.1", "inf"), "optimizer.learning_rate: expected a number <= 1000.0, found inf."),
        (
            GOOD.replace('"sgd"', '"adam"'),
            "expected one of adagrad, adamw, muon, sgd, found 'adam'; did you mean 'adamw'?",
        ),
        (
            GOOD + "[schedule]\nkind = 'onecycle'",
            "schedule.kind: expected one of constant, one-cycle, found 'onecycle'",
        ),
        (
            GOOD + "[augmentation]\nfill = 'nearset'",
            "augmentation.fill: expected one of nearest, found 'nearset'",
        ),
        (GOOD + "[augmentation]\nzoom = [1.0, 'a']", "augmentation.zoom[1]: expected a number, found 'a'."),
        (
            GOOD + "[augmentation]\nzoom = [1.1, 0.9]",
            "augmentation: zoom is [smallest, largest], and 1.1 is above 0.9",
        ),
        (
            GOOD.replace('"sgd"', '"adamw"') + "momentum = 0.9",
            "optimizer: momentum and nesterov belong to sgd",
        ),
        (GOOD + "nesterov = true", "optimizer: nesterov needs a momentum above 0"),
        ("optimizer = 3\nepochs = 1\nbatch_size = 9", "optimizer: expected a table, found 3."),
        (GOOD.replace("epochs = 2\n", ""), "the key 'epochs' is missing."),
        ("epochs = ", "not a readable TOML file: Invalid value (at end of document)"),
        (b"\xff\xfe", "not a readable TOML file: 'utf-8' codec can't decode"),
    ],
)
def test_a_wrong_file_is_one_clear_error(tmp_path: Path, toml: str | bytes, text: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(toml if isinstance(toml, bytes) else toml.encode())
    with pytest.raises(UsageError) as caught:
        load_recipe(path)
    assert str(caught.value).startswith(f"{path}:")
    assert text in str(caught.value)


def test_an_unknown_preset_is_told_the_nearest() -> None:
    with pytest.raises(
        UsageError, match=r"unknown recipe 'fats'; did you mean 'fast'\? Known: fast, seed, seed-aug, thorough\. "
    ):
        load_recipe("fats")


def test_a_missing_file_is_named_with_the_nearest_preset(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"fst\.toml: no such file; .*did you mean 'fast'\?"):
        load_recipe(tmp_path / "fst.toml")


def test_a_folder_is_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a folder, where a TOML file is expected"):
        load_recipe(tmp_path)


@pytest.mark.parametrize("name", recipe_names())
def test_presets_survive_the_way_through_json(name: str) -> None:
    recipe = load_recipe(name)
    assert msgspec.json.decode(msgspec.json.encode(recipe), type=Recipe) == recipe
