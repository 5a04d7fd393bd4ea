"""Reads a case: what is expected of a submission, and its files, in one text.

A case starts with TOML; each line ``=== path`` starts a file. In a notebook ``# %%`` starts a code cell and
``# %% [markdown]`` one of text.
"""

from __future__ import annotations

import ast
import json
import operator
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

CASES = Path(__file__).parent / "cases"
_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {ast.Add: operator.add, ast.Mult: operator.mul}


class Expected(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What the report on a submission must say.

    Args:
        row: the pattern that it is an example of, as measured in what students hand in.
        target: in the submission's folder.
        pick: as of ``--pick``.
        error, line, words: the code of the one finding where no model can be had, its line, words in its message.
        name, file, because: what is taken for the model, where, and why.
        arguments, missing, left_out, set_aside: what the report's origin tells.
        parameters, unused_parameters: sums of products, by hand.
        batch_norm, dropout, gap, fc: live and declared.
        rates: of the dropouts.
        unused: modules.
        output, kind: of a sample.
        batches: of which sizes are accepted.
        failed, advice: codes of the rules of mnist-20k that fail, and some whose advice is given.
    """

    row: str
    target: str = "."
    pick: str | None = None
    error: str | None = None
    line: int | None = None
    words: list[str] = []
    name: str | None = None
    file: str | None = None
    because: str | None = None
    arguments: list[str] = []
    missing: list[str] = []
    left_out: list[str] | None = None
    set_aside: list[str] = []
    parameters: str = ""
    unused_parameters: str = "0"
    batch_norm: tuple[int, int] = (0, 0)
    dropout: tuple[int, int] = (0, 0)
    gap: tuple[int, int] = (0, 0)
    fc: tuple[int, int] = (0, 0)
    rates: list[float] | None = None
    unused: list[str] = []
    output: tuple[int, ...] = (10,)
    kind: str | None = None
    batches: tuple[int, ...] = (1, 2, 64)
    failed: list[str] = []
    advice: list[str] = []


@dataclass(frozen=True)
class Case:
    """A submission and what must be said of it."""

    name: str
    expected: Expected
    files: dict[str, str]

    def write(self, folder: Path) -> None:
        """Put the files there."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(notebook(text) if name.endswith(".ipynb") else text, encoding="utf-8")


def read(path: Path) -> Case:
    """The case in a file."""
    head, *rest = re.split(r"^=== (.+)\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    expected = msgspec.convert(tomllib.loads(head), Expected)
    return Case(path.stem, expected, dict(zip(rest[::2], rest[1::2], strict=True)))


def all_cases() -> list[Case]:
    """Every case, by name."""
    return [read(path) for path in sorted(CASES.glob("*.txt"))]


def notebook(text: str) -> str:
    """A notebook with the text's cells, as Jupyter saves it: outputs and all."""
    cells = []
    for kind, source in re.findall(r"^# %%( \[markdown\])?\n(.*?)(?=^# %%|\Z)", text, re.MULTILINE | re.DOTALL):
        cell = {"metadata": {}, "source": source.rstrip("\n").splitlines(keepends=True)}
        if not kind:
            cell |= {"execution_count": 3, "outputs": [{"name": "stdout", "output_type": "stream", "text": ["cuda\n"]}]}
        cells.append({"cell_type": "markdown" if kind else "code", **cell})
    kernel = {"kernelspec": {"display_name": "Python 3", "name": "python3"}, "accelerator": "GPU"}
    return json.dumps({"nbformat": 4, "nbformat_minor": 0, "metadata": kernel, "cells": cells}, indent=1)


def computed(formula: str) -> int:
    """The value of a sum of products."""

    def value(node: ast.expr) -> int:
        if isinstance(node, ast.BinOp):
            return _OPERATORS[type(node.op)](value(node.left), value(node.right))
        assert isinstance(node, ast.Constant)
        return int(node.value)

    return value(ast.parse(formula, mode="eval").body)
