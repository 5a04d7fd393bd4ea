from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from modelcheck.errors import UsageError
from modelcheck.training.datasets import Dataset, dataset_names, load_dataset


def test_datasets_are_the_modules_of_the_folder() -> None:
    assert dataset_names() == ("mnist",)


def test_an_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown dataset 'minst'; did you mean 'mnist'\? Known: mnist\."):
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
