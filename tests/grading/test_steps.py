"""A marking that ends after any step goes on from there, and ends as one that was never disturbed."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

import modelcheck
from modelcheck.grading import course
from modelcheck.grading.gradebook import Gradebook
from modelcheck.grading.measuring import Trained
from modelcheck.report import Metrics, TestAccuracy

from .alike.changing import NET
from .gradebook.samples import metrics
from .gradebook.test_book import columns
from .here import Here

POLICY = """
[model]
input = [1, 28, 28]
classes = 10
[training]
accuracy = { min = 0.994, attempts = 3 }
"""
REACHED = (0.9935, 0.9932, 0.995)  # by the attempts, of which the first two miss by chance


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What was trained, under which seed; in place of the training."""
    done = []

    def train(self: Trained, _captured: Any, _description: Any, _prepared: Any, seed: int, _save: None) -> Metrics:
        assert self.record is not None
        done.append((str(self.record.result), seed))
        accuracy = TestAccuracy(last=REACHED[seed], best=REACHED[seed], best_epoch=2)
        return msgspec.structs.replace(metrics(seed, 0.0), test_accuracy=accuracy)

    monkeypatch.setattr(Trained, "_train", train)
    monkeypatch.setattr(course, "LocalPool", Here)
    monkeypatch.setattr(course, "_apart", course._measure_and_ground)  # a process for each of a dozen gradings
    return done


def test_what_a_step_gave_is_kept_before_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trainings: list[tuple[str, int]]
) -> None:
    (folder := tmp_path / "submissions").mkdir()
    (folder / "ada.py").write_text(NET)
    (folder / "bob.py").write_text(NET.replace("conv", "layer").replace("class Net", "class Mine"))
    (folder / "eve.py").write_text("import torch")
    (tmp_path / "policy.toml").write_text(POLICY)

    def grade(out: Path, steps: int = 10**6) -> None:
        monkeypatch.setattr(Here, "last", steps)
        modelcheck.grade([folder], policy=tmp_path / "policy.toml", out=out)

    grade(tmp_path / "undisturbed")
    assert len(set(trainings)) == len(trainings) == 6
    expected = columns(tmp_path / "undisturbed" / "gradebook.db", seconds=False)
    assert [len(expected[table]) for table in ("captures", "trainings", "grades")] == [3, 6, 3]
    assert "MC607" in str(expected["grades"][0])
    trainings.clear()

    rows = []
    for _ in range(9):  # a capture and three attempts of two, and what is no model
        with contextlib.suppress(KeyboardInterrupt):
            grade(tmp_path / "out", steps=1)
        found = columns(tmp_path / "out" / "gradebook.db", seconds=False)
        rows.append([len(found[table]) for table in ("captures", "trainings", "grades")])
    assert rows == [[1, 0, 0], [1, 1, 0], [1, 2, 0], [1, 3, 1], [2, 3, 1], [2, 4, 1], [2, 5, 1], [2, 6, 2], [3, 6, 3]]
    grade(tmp_path / "out", steps=0)
    assert len(set(trainings)) == len(trainings) == 6
    assert columns(tmp_path / "out" / "gradebook.db", seconds=False) == expected
    with Gradebook.open(tmp_path / "out") as book:
        accuracies = {one.id: one.accuracies for one in book.grades()}
        seconds = {one.id: one.seconds for one in book.grades()}
    assert accuracies == {"ada.py": REACHED, "bob.py": REACHED, "eve.py": ()}
    assert seconds["ada.py"] > 2 * metrics(0, 0.0).wall_s  # those of the attempts that were made before, and more
