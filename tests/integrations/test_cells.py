"""The cells that docs/howto/platforms.md shows for nbgrader and otter-grader, as these run them."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from reference_model import Net

PAGE = Path(__file__).parent.parent.parent / "docs/howto/platforms.md"
SHOWN = dict(re.findall(r'^```python title="(.*?)"\n(.*?)^```$', PAGE.read_text(encoding="utf-8"), re.M | re.DOTALL))


class Large(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(784, 30)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x.flatten(1))


@pytest.mark.parametrize("name", ["nbgrader_cell.py", "nbgrader_budget_cell.py"])
def test_nbgrader_s_cells(name: str) -> None:
    import modelcheck

    exec(compile(SHOWN[name], name, "exec"), {"Net": Net, "modelcheck": modelcheck})
    with pytest.raises(AssertionError) as caught:
        exec(compile(SHOWN[name], name, "exec"), {"Net": Large, "modelcheck": modelcheck})
    if name == "nbgrader_cell.py":
        assert "MC101 parameter-budget: 23,550 parameters" in str(caught.value)


@pytest.mark.parametrize(("model", "failed"), [(Net, []), (Large, [0, 1])])
def test_otter_s_file(model: type[nn.Module], failed: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    held: dict[str, Any] = {}
    exec(compile(SHOWN["tests/q1.py"], "q1.py", "exec"), held)
    assert held["OK_FORMAT"]
    (suite,) = held["test"]["suites"]
    notebook: dict[str, Any] = {"Net": model}
    found = []
    for nth, case in enumerate(suite["cases"]):
        example = doctest.DocTestParser().get_doctest(case["code"], notebook, f"q1 {nth}", None, None)
        example.globs = notebook  # one notebook's names for all cases
        if doctest.DocTestRunner(verbose=False).run(example, clear_globs=False).failed:
            found.append(nth)
    assert found == failed
    assert ("MC101 23,550 parameters" in capsys.readouterr().out) == bool(failed)
