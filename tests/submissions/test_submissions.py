"""Submissions as students hand them in, one a file in ``cases/``: each gives the facts computed by hand, or the error.

Nothing of a submission that the model does not need may happen: what trains, downloads, saves or asks is replaced here
by a function that raises AssertionError and takes note, no file may appear, and nothing may be printed.
"""

from __future__ import annotations

import builtins
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
import torchvision

import modelcheck
from submissions.bundle import Case, all_cases, computed

NOT_INSTALLED = ("torchsummary", "tqdm", "matplotlib", "einops", "pytorch_lightning")
FORBIDDEN: tuple[tuple[Any, str], ...] = (
    (torch.Tensor, "backward"),
    (torch.optim.SGD, "__init__"),
    (torch.utils.data.DataLoader, "__init__"),
    (torch, "save"),
    (torch, "load"),
    (torch.hub, "load_state_dict_from_url"),
    (torchvision.datasets.MNIST, "__init__"),
    (urllib.request, "urlopen"),
    (urllib.request, "urlretrieve"),
    (builtins, "input"),
    (os, "system"),
    (subprocess, "Popen"),
)

ROWS = (
    # how the code arrives
    "several candidate models in one submission",
    "class Net in more than one file",
    "model file fails, trains or downloads when imported",
    "model only in a notebook",
    "notebook has `!`/`%` lines · downloads",
    "`!pip install` in a .py file, a syntax error",
    "class needs a module-level constant",
    "top-level print, summary, seed, device choice, instantiation",
    "several nn.Module classes in one file (blocks used by the model, or rivals)",
    "same class name twice in one notebook (the last one wins, as it does for its author)",
    "constructor with optional · required arguments",
    "import of a sibling module",
    "path with a space, `&` or `(`",
    "forward outdented out of the class; training methods inside the class",
    # what the models do
    "GAP written as AvgPool2d(k) · AdaptiveAvgPool2d(1) · functional",
    "pools that are not GAP: partial window, adaptive to 3×3, on a map that is already 1×1",
    "GAP used as an attention gate, besides the head",
    "declared, never called",
    "batch norm declared, none called · only dropout never called · Dropout(0)",
    "Dropout2d is the only dropout",
    "dropout active in evaluation (`F.dropout(x)`)",
    "one non-activation module called twice or more",
    "`log_softmax(x)` without a dimension",
    "training mode fails for a batch of one · `squeeze()` loses a batch of one",
    "`__call__` overridden, no forward",
    "a subclass of batch norm with its own rules",
    "output shape wrong: (N, 32), the last layer is never called",
    "expects 3 channels",
    # how today's checks fail
    "tests of their own that load the model",
)


class _Hiding(PathFinder):
    """Finds what is installed, apart from some packages."""

    @classmethod
    def find_spec(cls, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        hidden = fullname.partition(".")[0] in NOT_INSTALLED
        return None if hidden else super().find_spec(fullname, path, target)


@pytest.fixture
def happened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happened that must not; packages that students use and that may be installed here are hidden."""
    names: list[str] = []

    def forbid(name: str) -> Any:
        def happens(*_: object, **__: object) -> NoReturn:
            names.append(name)
            raise AssertionError(f"{name} was called")

        return happens

    for holder, name in FORBIDDEN:
        monkeypatch.setattr(holder, name, forbid(name))
    monkeypatch.setattr(sys, "meta_path", [_Hiding if one is PathFinder else one for one in sys.meta_path])
    for name in list(sys.modules):
        if name.partition(".")[0] in NOT_INSTALLED:
            monkeypatch.delitem(sys.modules, name)
    return names


def entries(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*")}


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name)
def test_submission(
    case: Case,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    happened: list[str],
    record_property: Callable[[str, object], None],
) -> None:
    record_property("row", case.expected.row)
    case.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = entries(tmp_path)
    target = case.expected.target
    report = modelcheck.inspect(target, policy="mnist-20k", pick=case.expected.pick)  # type: ignore[arg-type]
    assert happened == []
    assert entries(tmp_path) == before
    assert capsys.readouterr() == ("", "")
    if case.expected.error:
        (finding,) = report.findings
        assert (finding.code, case.expected.line) in ((case.expected.error, None), (case.expected.error, finding.line))
        for word in case.expected.words:
            assert word in finding.message
        assert (report.verdict, report.facts) == ("error", None)
        return
    check_facts(case, report)
    check_origin(case, report)


def check_facts(case: Case, report: modelcheck.Report) -> None:
    expected, facts = case.expected, report.facts
    assert facts is not None, report.findings
    assert facts.parameters.total == computed(expected.parameters)
    assert facts.parameters.unused == computed(expected.unused_parameters)
    assert facts.parameters.hidden == 0
    for found, counts in (
        (facts.batch_norm, expected.batch_norm),
        (facts.dropout, expected.dropout),
        (facts.global_average_pooling, expected.gap),
        (facts.fully_connected, expected.fc),
    ):
        assert (found.count, found.declared) == counts, found
    if expected.rates is not None:
        assert list(facts.dropout.rates) == expected.rates
    assert sorted(facts.unused_modules) == sorted(expected.unused)
    assert facts.output_shape == expected.output
    assert expected.kind in (None, facts.output_kind)
    failed = [rule.code for rule in report.rules if rule.outcome == "fail" and rule.severity == "error"]
    assert failed == expected.failed
    assert report.verdict == ("fail" if failed else "pass")
    assert facts.accepted_batches == expected.batches
    assert set(expected.advice) <= {finding.code for finding in report.findings if finding.severity == "advice"}


def check_origin(case: Case, report: modelcheck.Report) -> None:
    expected, origin = case.expected, report.origin
    assert origin is not None
    assert expected.name in (None, origin.name)
    assert expected.file in (None, origin.file)
    assert expected.because in (None, origin.because)
    assert [f"{one.name}={one.value}" for one in origin.arguments] == expected.arguments
    assert [one.name for one in origin.missing] == expected.missing or not expected.missing
    assert [one.kind for one in origin.set_aside] == expected.set_aside or not expected.set_aside
    if expected.left_out is not None:
        assert set(expected.left_out) <= {one.kind for one in origin.left_out}


def test_every_row_of_what_was_measured_has_a_case() -> None:
    assert {case.expected.row for case in all_cases()} == set(ROWS)
