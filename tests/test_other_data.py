"""Other data than the packaged, through the whole of training and scoring."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

import modelcheck
from modelcheck.errors import UsageError
from modelcheck.formats.table import render
from modelcheck.training.datasets import Dataset

COLOURS = {"red": (150, 0, 0), "green": (0, 150, 0), "blue": (0, 0, 150), "grey": (80, 80, 80), "white": (150,) * 3}
FASHION = Path("/usr/share/datasets/fashion-mnist")


class Colours(nn.Module):
    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
        self.head = nn.Linear(8, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x).mean((2, 3)))


@pytest.fixture(autouse=True)
def no_policy_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of 6 pixels by 5 in five colours, 60 of each to train on and 20 to test."""
    chance, folder = random.Random(0), tmp_path_factory.mktemp("pictures")
    for split, count in (("train", 60), ("test", 20)):
        for name, colour in COLOURS.items():
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                shade = tuple(level + chance.randrange(100) for level in colour)
                Image.new("RGB", (6, 5), shade).save(folder / split / name / f"{number}.png")
    return folder


def test_own_pictures_are_learnt_and_scored(pictures: Path) -> None:
    report = modelcheck.train_eval(
        Colours, dataset="folder", data_dir=pictures, recipe="seed", epochs=8, device="cpu", save="net.safetensors"
    )
    assert report.verdict == "pass"
    assert report.metrics is not None
    assert (report.metrics.dataset, report.metrics.official) == ("folder", False)
    assert (report.metrics.train_images, report.metrics.test_images) == (300, 100)
    assert [sum(row) for row in report.metrics.confusion] == [20] * 5
    assert report.metrics.test_accuracy.last > 0.4
    assert " of 100 folder test images" in render(report, width=200, color=False)
    again = modelcheck.evaluate(
        Colours, weights="net.safetensors", dataset="folder", data_dir=pictures, device="cpu"
    ).metrics
    assert again is not None
    assert (again.dataset, again.official) == ("folder", False)
    assert again.test_accuracy.last == report.metrics.test_accuracy.last


def test_a_model_of_other_classes_is_told_how_many_there_are(pictures: Path) -> None:
    report = modelcheck.train_eval(Colours(10), dataset="folder", data_dir=pictures)
    assert (report.verdict, report.metrics) == ("fail", None)
    assert [finding.message for finding in report.findings if finding.code == "MC302"] == [
        "gives (N, 10); (N, 5) is expected"
    ]


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("input = [1, 28, 28]", "an input of 1x28x28, and the data set folder has 3x5x6: name another"),
        ("input = [3, 5, 6]\nclasses = 10", "10 classes, and the data set folder has 5: name another"),
        ("classes = 10", "10 classes, and the data set folder has 5: name another"),
    ],
)
def test_a_policy_about_other_data_is_told(pictures: Path, model: str, text: str) -> None:
    Path("policy.toml").write_text(f"[model]\n{model}\n")
    with pytest.raises(UsageError, match=text):
        modelcheck.train_eval(Colours, policy="policy.toml", dataset="folder", data_dir=pictures)


def test_a_policy_about_these_data_is_none_of_that(pictures: Path) -> None:
    Path("policy.toml").write_text("[model]\ninput = [3, 5, 6]\nclasses = 5\n")
    report = modelcheck.train_eval(
        Colours, policy="policy.toml", dataset="folder", data_dir=pictures, epochs=1, device="cpu"
    )
    assert report.verdict == "pass"


@pytest.mark.skipif(not FASHION.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed")
def test_published_data_are_official_in_the_report() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    torch.save(net.state_dict(), "net.pt")
    metrics = modelcheck.evaluate(net, weights="net.pt", dataset="fashion-mnist", data_dir=FASHION).metrics
    assert metrics is not None
    assert (metrics.dataset, metrics.official, metrics.test_images) == ("fashion-mnist", True, 10_000)


def test_a_download_is_made_only_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load(name: str, data_dir: Path | None, *, download: bool) -> Dataset:
        asked.append((name, data_dir, download))
        raise UsageError("enough")

    monkeypatch.setattr("modelcheck.training.datasets.load_dataset", load)
    Path("net.safetensors").touch()
    for download in (False, True):
        with pytest.raises(UsageError, match="enough"):
            modelcheck.train_eval(Colours, dataset="cifar10", data_dir="data", download=download)
        with pytest.raises(UsageError, match="enough"):
            modelcheck.evaluate(
                Colours, weights="net.safetensors", dataset="cifar10", data_dir="data", download=download
            )
    assert asked == [("cifar10", Path("data"), download) for download in (False, False, True, True)]
