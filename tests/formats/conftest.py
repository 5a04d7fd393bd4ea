from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

import modelcheck
from modelcheck.errors import AmbiguousModel, AuthorError, ConstructorError, ForwardError, LoadError, NotCapturable
from modelcheck.judge import judge
from modelcheck.policy import load_policy
from modelcheck.report import Report, Tool
from modelcheck.rules.base import Subject

from .making import ORIGIN, measured

FAILING = """
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 30)
        self.fc2 = nn.Linear(30, 10)
        self.spare = nn.Linear(30, 10)

    def forward(self, x):
        x = F.dropout(self.fc1(x.flatten(1)).relu(), 0.2, self.training)
        return self.fc2(x)
"""
ERRORS = [
    LoadError("net.py could not be loaded: No module named 'a_package'", file="net.py", line=1),
    ConstructorError("Net(width) needs width: give --arg width=...", file="net.py", line=3),
    ForwardError("forward fails: shapes\nThe layers before it:\n    fc1  Linear  30\n    fc2  Linear  10"),
    NotCapturable("forward runs, but what it does depends on its input: " + "use torch.where. " * 9, file="net.py"),
    AmbiguousModel(
        "net.py holds 2 models:\n  net.py:Net    line 3   7,850 parameters\n  net.py:Large  line 11  9 parameters"
    ),
]


def in_file(text: str, folder: Path) -> Report:
    (folder / "net.py").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return modelcheck.inspect("net.py:Net", policy="mnist-20k")


def stopped(error: AuthorError) -> Report:
    """The report on a model whose road ended with that error."""
    outcomes, findings, _ = judge(Subject(failure=error), load_policy("mnist-20k").active())
    return Report(
        tool=Tool(name="modelcheck", version="", torch=""),
        target="net.py:Net",
        policy="mnist-20k",
        verdict="error",
        facts=None,
        findings=findings,
        rules=outcomes,
    )


def submitted(report: Report) -> Report:
    """The report as of a folder without a name, of which all that can be told is told."""
    subject = Subject(facts=report.facts, layers=report.layers, input_shape=(1, 28, 28), classes=10, origin=ORIGIN)
    outcomes, findings, _ = judge(subject, load_policy("mnist-20k").active())
    return msgspec.structs.replace(report, target="submission", origin=ORIGIN, rules=outcomes, findings=findings)


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    """Reports of every kind, with the versions of the tools taken out."""
    good = modelcheck.inspect("reference_model:Net", policy="mnist-20k")
    made = {
        "reference": good,
        "failing": in_file(FAILING, tmp_path_factory.mktemp("failing")),
        "measured": measured(good),
        "submission": submitted(good),
        "no-policy": modelcheck.inspect("reference_model:Net", policy=modelcheck.Policy()),
    }
    made |= {error.code: stopped(error) for error in ERRORS}
    return {name: portable(report) for name, report in made.items()}


def portable(report: Report) -> Report:
    """The report without what differs from one machine to the next: versions and folders."""
    replace = msgspec.structs.replace
    layers = tuple(replace(layer, file=Path(layer.file).name if layer.file else None) for layer in report.layers)
    return replace(report, tool=Tool(name="modelcheck", version="VERSION", torch="TORCH"), layers=layers)
