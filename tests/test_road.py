"""Where the model came from arrives in the report."""

from __future__ import annotations

from pathlib import Path

import pytest

import modelcheck
from modelcheck.origin import Argument
from reference_model import Net

TEXT = """
import torch.nn as nn
import a_package_that_nobody_has

class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc = nn.Linear(784, width)

    def forward(self, x):
        return self.fc(x.flatten(1))

model = Net(width=10)
print(model)
"""


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.py").write_text(TEXT)
    monkeypatch.chdir(tmp_path)


def test_of_a_file() -> None:
    report = modelcheck.inspect("net.py")
    origin = report.origin
    assert origin is not None
    assert (origin.file, origin.line, origin.name) == ("net.py", 5, "Net")
    assert origin.because
    assert origin.arguments == (Argument(name="width", value="10", file="net.py", line=13),)
    assert [one.name for one in origin.missing] == ["a_package_that_nobody_has"]
    assert [(one.kind, one.line) for one in origin.left_out] == [("prints", 14)]
    assert report.facts is not None


def test_of_a_name_in_a_file() -> None:
    report = modelcheck.inspect("net.py:Net")
    assert report.origin is not None
    assert report.origin.because is None


def test_of_what_was_no_file_of_the_author_s(tmp_path: Path) -> None:
    modelcheck.capture(Net()).save(tmp_path / "net.mcz")
    for target in (Net(), Net, "reference_model:Net", "net.mcz"):
        assert modelcheck.inspect(target).origin is None


def test_of_what_could_not_be_built(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(TEXT.replace("model = Net(width=10)", ""))
    report = modelcheck.inspect("net.py")
    assert (report.verdict, report.origin) == ("error", None)
