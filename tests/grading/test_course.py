"""A course from folder, policy and roster to what lies in the results."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

import modelcheck
from modelcheck.errors import UsageError
from modelcheck.grading import course
from modelcheck.grading.marking import Marked
from modelcheck.grading.records import Grade
from modelcheck.training.datasets import load_dataset

from .alike.changing import NET
from .here import Here

POLICY = """
[model]
input = [1, 28, 28]
classes = 10
[rules]
dropout = "required"
[grading]
points = { dropout = 4 }
"""
TWIN = NET.replace("conv", "layer").replace("class Net", "class Mine")
OTHER = """
import torch.nn as nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(784, 10)

    def forward(self, x):
        return self.fc(x.flatten(1))
"""


class Course:
    """Submissions by name in a folder, and what a marking of them gave."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "results"
        (folder / "submissions").mkdir(parents=True)
        self.marked: Marked
        self.now: dict[str, Grade] = {}

    def on_start(self, submissions: int, unchanged: int) -> None:
        self.now = {}

    def on_grade(self, grade: Grade) -> None:
        self.now[grade.id] = grade

    def hand_in(self, **sources: str) -> None:
        for name, text in sources.items():
            (self.folder / "submissions" / f"{name}.py").write_text(text)

    def grade(self, policy: str = POLICY, name: str = "policy.toml", **options: Any) -> None:
        (path := self.folder / name).parent.mkdir(exist_ok=True)
        path.write_text(policy)
        submissions = self.folder / "submissions"
        self.marked = modelcheck.grade([submissions], policy=path, out=self.out, watcher=self, **options)

    def alike(self, name: str) -> list[str]:
        """What is said of the likeness of a submission, in its report, which its page and the gradebook repeat."""
        report = json.loads((self.out / "submissions" / name / "report.json").read_text())
        said = [one["message"] for one in report["findings"] if one["code"] == "MC607"]
        page = (self.out / "submissions" / name / "index.html").read_text()
        assert all(one in page for one in said)
        assert ("MC607" in page) == ("MC607" in {one["code"] for one in report["rules"]})
        return said

    def rows(self, name: str = "grades.csv") -> list[dict[str, str]]:
        with (self.out / name).open(newline="") as file:
            return list(csv.DictReader(file))

    def index(self) -> str:
        return (self.out / "index.html").read_text()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[Course]:
    monkeypatch.setattr(course, "LocalPool", Here)
    with tempfile.TemporaryDirectory() as folder:
        yield Course(Path(folder))


def test_likeness_is_told_to_all_whom_it_is_about_and_to_nobody_else(made: Course) -> None:
    made.hand_in(ada=NET, cleo=OTHER)
    made.grade()
    assert (made.alike("ada.py"), made.alike("cleo.py")) == ([], [])
    assert "None are alike" in made.index()

    made.hand_in(bob=TWIN)
    made.grade()
    assert set(made.now) == {"bob.py"}
    told = [
        f"1 of 2 other submissions has {what}; this tells what is alike and not why"
        for what in ("the same graph, up to names and order", "nearly the same source")
    ]
    assert (made.alike("ada.py"), made.alike("bob.py"), made.alike("cleo.py")) == (told, told, [])
    assert "Nearly the same source" in made.index()
    assert [row["verdict"] for row in made.rows()] == ["pass", "pass", "fail"]
    before = (made.out / "submissions" / "cleo.py" / "index.html").stat()

    # what the course gave out is subtracted, wherever the policy lies
    (made.folder / "there").mkdir()
    (made.folder / "there" / "starter.py").write_text(NET.replace("conv", "part"))
    made.grade(f'{POLICY}templates = ["starter.py"]\n', name="there/policy.toml")
    assert not made.now
    assert (made.alike("ada.py"), made.alike("bob.py")) == ([], [])
    assert (made.out / "submissions" / "cleo.py" / "index.html").stat() == before

    # who took the submission back is nobody's like, and in no table
    made.grade()
    assert made.alike("ada.py") == told
    (made.folder / "submissions" / "bob.py").unlink()
    made.grade()
    assert (made.now, made.marked.gone) == ({}, 1)
    assert made.alike("ada.py") == []
    assert [row["id"] for row in made.rows()] == ["ada.py", "cleo.py"]
    assert "bob.py" not in made.index()

    made.grade(POLICY.replace("[grading]", 'same-as = "off"\n[grading]'))
    assert "Look-alikes" not in made.index()
    assert "MC607" not in (made.out / "submissions" / "ada.py" / "report.json").read_text()


def test_who_handed_in_nothing_is_told(made: Course) -> None:
    made.hand_in(ada=OTHER)
    (roster := made.folder / "roster.csv").write_text('id,name\n=s2,"<b>Zoë"\nada.py,Ada\ns3,\n')
    made.grade(roster=roster)
    assert [one.id for one in made.marked.missing] == ["=s2", "s3"]
    found = [(row["id"], row["name"], row["verdict"], row["points"]) for row in made.rows()]
    assert found == [("ada.py", "Ada", "fail", "0"), ("'=s2", "<b>Zoë", "missing", ""), ("s3", "", "missing", "")]
    assert "<li><bdi>&lt;b&gt;Zoë</bdi>" in made.index()
    # nobody says where the course is, so that both can be imported
    assert [row["Student"] for row in made.rows("canvas.csv")] == ["    Points Possible", "Ada"]
    assert [row["Full name"] for row in made.rows("moodle.csv")] == ["Ada"]


@pytest.mark.parametrize(
    ("entry", "written"),
    [
        ("lovelaceada_12345_678910_net", {"canvas.csv"}),
        ("Ada Lovelace_12345_assignsubmission_file_net", {"moodle.csv"}),
        ("ada", set()),
    ],
)
def test_platforms_get_what_is_theirs(made: Course, entry: str, written: set[str]) -> None:
    made.hand_in(**{entry: "import torch"})
    made.grade()
    assert {one.name for one in made.out.glob("*.csv")} == written | {"grades.csv"}


def test_the_weights_that_were_handed_in_are_scored(made: Course) -> None:
    data = load_dataset("mnist")
    images = (data.train_images.float() / 255 - data.mean[0]) / data.std[0]
    means = torch.stack([images[data.train_labels == label].mean(0).flatten() for label in range(10)])
    nearest = {"fc.weight": means, "fc.bias": -means.square().sum(1) / 2}
    for name, weights in {"ada": nearest, "bob": nearest, "cleo": {"fc.weight": means}, "dora": None}.items():
        (folder := made.folder / "submissions" / name).mkdir()
        (folder / "net.py").write_text(OTHER)
        if weights:
            safetensors.torch.save_file(weights, folder / "net.safetensors")
    policy = POLICY.replace("dropout", "batch-norm").replace('"required"', '"forbidden"')
    policy = policy.replace("[grading]", '[training]\naccuracy = { min = 0.8 }\n[grading]\nscore = "weights"')
    made.grade(policy)
    assert {name: one.report.verdict for name, one in made.now.items()} == {
        "ada": "pass",
        "bob": "pass",
        "cleo": "fail",
        "dora": "fail",
    }
    ada = made.now["ada"]
    assert ada.accuracy == pytest.approx(0.82, abs=0.01)
    assert ada.report.metrics
    assert (ada.report.metrics.weights, ada.report.metrics.epochs) == ("net.safetensors", ())
    page = (made.out / "submissions" / "ada" / "index.html").read_text()
    assert "none: the weights that were handed in were scored" in page
    assert any("the same weights" in one for one in made.alike("bob"))
    for name, why in {"cleo": "another model; missing: fc.bias", "dora": "found none; beside the model"}.items():
        (one,) = (one for one in made.now[name].report.findings if one.code == "MC501")
        assert one.message.startswith("no weights to score: ")
        assert why in one.message
        assert made.now[name].points == 4
    # the capture has the weights: it can be checked without what was handed in
    capture = str(made.out / "submissions" / "ada" / "capture.mcz")
    (made.folder / "w.safetensors").write_bytes(safetensors.torch.save(nearest))
    again = modelcheck.evaluate(capture, weights=made.folder / "w.safetensors", policy=modelcheck.Policy())
    assert again.metrics
    assert again.metrics.test_accuracy == ada.report.metrics.test_accuracy
    made.grade(policy.replace("= 4", "= 5"))
    assert {name: one.points for name, one in made.now.items()} == dict.fromkeys(made.now, 5)
    # the clock is the same to the last digit: nothing was scored again
    assert made.now["ada"].report.metrics == ada.report.metrics


def test_what_is_named_wrongly_is_told(made: Course) -> None:
    made.hand_in(ada=OTHER)
    with pytest.raises(UsageError, match=r"grading\.templates: there is no file or folder .*starter\.py"):
        made.grade(f'{POLICY}templates = ["starter.py"]\n')
    epochs = '[training]\naccuracy = { min = 0.9, of = "all-of-last-3" }\n'
    with pytest.raises(UsageError, match=r'training\.accuracy: "last" is expected .* found "all-of-last-3"'):
        made.grade(f'{POLICY}score = "weights"\n{epochs}')
    with pytest.raises(UsageError, match=r"--regrade: .*bada\.py.*ada\.py"):
        made.grade(regrade=["bada.py"])
