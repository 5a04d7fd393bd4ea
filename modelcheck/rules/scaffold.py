"""The files of a new rule, to be filled in; the self-test in tests/rules/test_every_rule.py names what is missing."""

from __future__ import annotations

import re
from pathlib import Path

from modelcheck.errors import UsageError
from modelcheck.report import Severity
from modelcheck.rules import find_rule

TO_WRITE = "TO WRITE:"  # before what a developer has to say instead
_MODEL = """\
    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)

        def forward(self, x):
            return self.fc(x.flatten(1))
    ```"""
_RULE = '''\
from __future__ import annotations

from modelcheck.rules.base import Decision, NotRun, Options, Rule, Subject, known_facts


class {class_name}(Rule):
    """{to_write} what the rule finds, in one sentence.

    ## What it checks

    {to_write} which operators, weights or shapes decide, and where the finding points.

    ## Why it matters

    {to_write} what it costs whoever trains or grades the model.

    ## Bad

{model}

    ## Good

{model}

    ## Options

    ```toml
    [rules]
    {name} = "error"{comment}
    ```

    ## Known limits

    {to_write} what the rule misses, and where it fires and should not.
    """

    code = "{code}"
    name = "{name}"
    kind = "{kind}"

    def check(self, subject: Subject, options: Options) -> Decision:
        """{to_write} what is decided, and on what: subject.facts, subject.layers, subject.flows."""
        known_facts(subject)
        raise NotRun("check is not written yet: return a Decision with a Problem for each finding")
'''
_TEST = """\
from __future__ import annotations

import pytest
from torch import nn

import modelcheck

# {to_write} models on which the rule fires, with the modules that it names, beside models on which it does not.
CASES: dict[str, tuple[nn.Module, list[str]]] = {{}}


@pytest.mark.parametrize(("model", "where"), CASES.values(), ids=list(CASES))
def test_where_it_fires(model: nn.Module, where: list[str]) -> None:
    report = modelcheck.inspect(model, policy=modelcheck.Policy(), select=["{code}"])
    assert [finding.where for finding in report.findings] == where
"""


def new_rule(code: str, name: str, kind: Severity, root: Path) -> tuple[Path, Path]:
    """The rule's file and its test's, written into the repository at ``root``.

    Raises:
        UsageError: the code or the name is taken or is none, or the repository is not there.
    """
    _check(code, name)
    snake = f"{code.lower()}_{name.replace('-', '_')}"
    files = (root / "modelcheck" / "rules" / f"{snake}.py", root / "tests" / "rules" / f"test_{snake}.py")
    words = {
        "code": code,
        "name": name,
        "kind": kind,
        "class_name": "".join(word.capitalize() for word in name.split("-")),
        "comment": "    # advice unless the policy says so" if kind == "advice" else "",
        "model": _MODEL,
        "to_write": TO_WRITE,
    }
    for file in files:
        if not file.parent.is_dir():
            raise UsageError(f"there is no folder {file.parent}: rules are added in a clone of the repository")
        if file.exists():
            raise UsageError(f"{file} is there already")
    for file, template in zip(files, (_RULE, _TEST), strict=True):
        file.write_text(template.format(**words), encoding="utf-8")
    return files


def _check(code: str, name: str) -> None:
    if not re.fullmatch(r"MC[1-6]\d\d", code):
        raise UsageError(
            f"{code!r} is no code of a new rule: MC and three digits, MC1xx weights, MC2xx operators, MC3xx shapes and "
            "modes, MC4xx advice on design, MC5xx training, MC6xx submissions"
        )
    if not re.fullmatch(r"[a-z]+(-[a-z]+)*", name):
        raise UsageError(f"{name!r} is no rule's name: small letters, words joined by hyphens, such as wide-stem")
    for key in (code, name):
        if taken := find_rule(key):
            raise UsageError(f"{key} is taken by {taken.code} {taken.name}: codes and names are permanent")
