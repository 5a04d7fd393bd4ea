"""A key changes with everything that the result hangs on, and with nothing else."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from modelcheck.grading.gradebook import CaptureFile, CaptureRecord
from modelcheck.grading.keys import capture_key, data_digest, grade_key, scoring_key, training_key
from modelcheck.grading.records import Sandboxed, Submission
from modelcheck.inputs import InputSpec
from modelcheck.isolated.protocol import Limits
from modelcheck.policy import Policy, load_policy
from modelcheck.report import Tool
from modelcheck.training.datasets import Dataset
from modelcheck.training.recipe import load_recipe

TOOL = Tool(name="modelcheck", version="1", torch="2.15")
TOOLS = [{"tool": Tool(name="modelcheck", version=own, torch=torch)} for own, torch in (("2", "2.15"), ("1", "2.16"))]

CAPTURE: dict[str, Any] = {
    "content": "c",
    "inputs": (InputSpec((1, 28, 28)),),
    "arguments": {"width": 8, "norm": "bn"},
    "pick": None,
    "seed": 0,
    "limits": Limits(),
    "sandbox": "bubblewrap",
    "weights": False,
    "tool": TOOL,
}
TRAINING: dict[str, Any] = {
    "capture_sha256": "c",
    "recipe": load_recipe("fast"),
    "epochs": None,
    "seed": 0,
    "data": "d",
    "device": "cpu",
    "dtype": "float32",
    "threads": 1,
    "tool": TOOL,
}
DUE = datetime.datetime(2026, 12, 1, 23, 59, tzinfo=datetime.UTC)
SUBMISSION = Submission(id="a.zip", path="/in/a.zip", content="c", student="s1", name="Ann", submitted=DUE, due=DUE)
RECORD = CaptureRecord(
    result=CaptureFile(sha256="c", size=3), seconds=0.5, sandboxed=Sandboxed(sandbox="process", weaker=("network",))
)


def written(folder: Path, text: str) -> Policy:
    path = folder / "policy.toml"
    path.write_text(f'extends = "mnist-20k"\n{text}')
    return load_policy(path)


@pytest.mark.parametrize(
    "changed",
    [
        {"content": "d"},
        {"inputs": None},
        {"inputs": (InputSpec((3, 28, 28)),)},
        {"arguments": {"width": "8", "norm": "bn"}},
        {"pick": "primary"},
        {"seed": 1},
        {"limits": Limits(wall_s=60)},
        {"limits": Limits(memory_mib=4096)},
        {"sandbox": "process"},
        {"weights": True},
        *TOOLS,
    ],
)
def test_what_changes_a_capture(changed: dict[str, Any]) -> None:
    assert capture_key(**CAPTURE) != capture_key(**CAPTURE | changed)


def test_what_changes_no_capture() -> None:
    same = {"arguments": {"norm": "bn", "width": 8}, "limits": Limits(output_kib=1)}
    assert capture_key(**CAPTURE) == capture_key(**CAPTURE | same)


@pytest.mark.parametrize(
    "changed",
    [
        {"capture_sha256": "d"},
        {"recipe": msgspec.structs.replace(load_recipe("fast"), batch_size=7)},
        {"epochs": load_recipe("fast").epochs + 1},
        {"seed": 1},
        {"data": "e"},
        {"device": "cuda"},
        {"dtype": "bfloat16"},
        {"threads": 2},
        *TOOLS,
    ],
)
def test_what_changes_a_training(changed: dict[str, Any]) -> None:
    assert training_key(**TRAINING) != training_key(**TRAINING | changed)


def test_a_recipe_is_what_is_in_it() -> None:
    named = msgspec.structs.replace(load_recipe("fast"), name="mine", epochs=99, precision="float32")
    assert training_key(**TRAINING | {"recipe": named, "epochs": load_recipe("fast").epochs}) == training_key(
        **TRAINING
    )


def test_what_changes_a_scoring() -> None:
    given: dict[str, Any] = {"capture_sha256": "c", "normalize": True, "data": "d", "device": "cpu"}
    given |= {"dtype": "float32", "threads": 1, "tool": TOOL}
    changes: list[dict[str, Any]] = [
        {"capture_sha256": "d"},
        {"normalize": False},
        {"data": "e"},
        {"device": "cuda"},
        {"dtype": "bfloat16"},
        {"threads": 2},
        *TOOLS,
    ]
    assert len({scoring_key(**given | changed) for changed in changes} | {scoring_key(**given)}) == 9


def test_what_changes_a_grade(tmp_path: Path) -> None:
    plain = "[grading]\npoints = { parameter-budget = 25, dropout = 75 }\n"

    def key(
        submission: Submission = SUBMISSION,
        captured: CaptureRecord | None = RECORD,
        trainings: tuple[str, ...] = ("t",),
        text: str = plain,
        measured: bool = True,
        tool: Tool = TOOL,
    ) -> str:
        policy = written(tmp_path, text)
        return grade_key(submission, captured, trainings, policy=policy, measured=measured, tool=tool)

    changed = [
        *(key(msgspec.structs.replace(SUBMISSION, **{name: "other"})) for name in ("id", "content", "student", "name")),
        key(msgspec.structs.replace(SUBMISSION, submitted=DUE + datetime.timedelta(seconds=1))),
        key(msgspec.structs.replace(SUBMISSION, due=None)),
        key(captured=msgspec.structs.replace(RECORD, result=CaptureFile(sha256="d", size=3))),
        key(captured=msgspec.structs.replace(RECORD, sandboxed=Sandboxed(sandbox="process"))),
        key(captured=None),
        key(trainings=()),
        key(trainings=("t", "u")),
        key(text=plain.replace("25", "24")),
        key(text=f"{plain}late = {{ due = 2026-12-01T23:59:00Z, penalty-per-day = 0.1 }}"),
        key(text=f"{plain}late = {{ due = 2026-12-01T23:59:00Z, penalty-per-day = 0.2 }}"),
        key(text=f"{plain}[rules]\nparameter-budget = {{ max = 9 }}"),
        key(text=f"{plain}[training.accuracy]\nmin = 0.99"),
        key(measured=False),
        *(key(**newer) for newer in TOOLS),
    ]
    assert len({*changed, key()}) == len(changed) + 1
    moved = msgspec.structs.replace(SUBMISSION, path="/elsewhere/a.zip")
    assert key(moved, captured=msgspec.structs.replace(RECORD, seconds=9.0)) == key()


def test_a_data_set_is_its_numbers() -> None:
    images, labels = torch.arange(8, dtype=torch.uint8).view(2, 1, 2, 2), torch.tensor([0, 1])
    data = Dataset(
        name="mnist",
        train_images=images,
        train_labels=labels,
        test_images=images.clone(),
        test_labels=labels,
        mean=(0.1,),
        std=(0.3,),
        classes=2,
        official=True,
    )
    other = images.clone()
    other[1, 0, 1, 1] = 0
    changes: list[dict[str, Any]] = [
        {"train_images": other},
        {"test_images": other},
        {"train_labels": labels.flip(0)},
        {"test_labels": labels.flip(0)},
        {"train_images": images.view(2, 1, 1, 4)},
        {"mean": (0.2,)},
        {"classes": 3},
        {"name": "kmnist"},
    ]
    assert len({data_digest(replace(data, **change)) for change in changes} | {data_digest(data)}) == 9
    assert data_digest(replace(data, train_images=images.clone())) == data_digest(data)
