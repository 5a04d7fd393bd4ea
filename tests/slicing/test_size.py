"""Of a long file only what is needed is parsed: counted, not timed (``benchmarks/slicing.py`` times it)."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from modelcheck.slicing.project import Project
from slicing.making import written

NET = "class Net(Base):\n    def __init__(self, rate=RATE):\n        self.rate = rate\nclass Base: pass\nRATE = 0.1\n"
LINES = 10_000
FILLING = {
    "statements": "".join(f"value_{i} = compute({i}) + rate_{i}\n" for i in range(LINES)),
    "calls": "".join(f"print({i}, Network, 'RATES')\n" for i in range(LINES)),
    "classes": "".join(f"class C{i}(B):\n    def f(self):\n        RATE_{i} = {i}\n\n" for i in range(LINES // 4)),
    "one function": "def main():\n" + "".join(f"    x{i} = {i}\n" for i in range(LINES)),
    "one string": "TEXT = '''\n" + "RATE = 1\n" * LINES + "'''\n",
    "broken lines": "".join(f"print 'epoch', {i}\n" for i in range(LINES)),
}


@pytest.mark.parametrize("filling", FILLING)
def test_only_what_is_needed_is_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filling: str) -> None:
    half = FILLING[filling]
    (path,) = written(tmp_path, {"long.py": NET.replace("RATE = 0.1\n", "") + half + "RATE = 0.1\n" + "# end\n" * 100})
    parsed: list[int] = []
    parse = ast.parse

    def counted(text: str, *args: Any, **kwargs: Any) -> ast.AST:
        parsed.append(len(text))
        return parse(text, *args, **kwargs)

    monkeypatch.setattr(ast, "parse", counted)
    project = Project(tmp_path, [path])
    with project.open():
        assert project.module(path).Net().rate == 0.1
    limit = 1000 if filling != "one string" else len(half) + 1000  # the string mentions it
    assert sum(parsed) < limit
    assert len(parsed) < 10
