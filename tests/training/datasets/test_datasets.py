from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from modelcheck.errors import UsageError
from modelcheck.training.datasets import Dataset, MissingData, dataset_names, load_dataset

PUBLISHED = ("cifar10", "emnist-digits", "fashion-mnist", "kmnist", "mnist")


def test_datasets_are_the_modules_of_the_folder() -> None:
    assert dataset_names() == tuple(sorted([*PUBLISHED, "folder"]))


def test_an_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown dataset 'minst'; did you mean 'mnist'\? Known: .*, kmnist, mnist\."):
        load_dataset("minst")


def test_a_dataset_cannot_be_changed(mnist: Dataset) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        mnist.classes = 11  # type: ignore[misc]


def test_names_are_listed_without_torch() -> None:
    code = (
        "import sys; from modelcheck.training import datasets, recipe, observer\n"
        "assert datasets.dataset_names() and recipe.recipe_names() and recipe.load_recipe('fast')\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", sorted({*PUBLISHED} - {"mnist"}))
def test_without_a_folder_it_is_told_where_data_could_come_from(name: str) -> None:
    with pytest.raises(UsageError, match=rf"{name} is not in the package: give --data-dir DIR, .* in DIR/.*--download"):
        load_dataset(name)


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.usefixtures("no_network")
def test_nothing_is_downloaded_unasked(name: str, tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"no .* here: .* is missing.*--download fetches"):
        load_dataset(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", dataset_names())
def test_a_download_needs_a_folder(name: str) -> None:
    with pytest.raises(UsageError, match="--download: say with --data-dir DIR where to keep the data"):
        load_dataset(name, download=True)


def test_own_images_are_published_nowhere(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="leave --download out"):
        load_dataset("folder", tmp_path, download=True)
