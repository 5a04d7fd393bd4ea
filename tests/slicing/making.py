"""Files of an author's, and modules made of them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modelcheck.slicing.author_module import AuthorModule
from modelcheck.slicing.project import Project


def notebook(*cells: str, **metadata: Any) -> str:
    """A notebook of format 4 whose code cells are these."""
    made = [{"cell_type": "code", "source": cell} for cell in cells]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": made})


def written(folder: Path, files: dict[str, str | bytes]) -> list[Path]:
    """The files, written below the folder."""
    paths = []
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        paths.append(path)
    return paths


@contextlib.contextmanager
def module(folder: Path, text: str | bytes, name: str = "net.py", **others: str) -> Iterator[AuthorModule]:
    """A module of the text, beside others that are given by their names without the ending."""
    files = {f"{other}.py": content for other, content in others.items()}
    paths = written(folder, {name: text, **files})
    project = Project(folder, paths)
    with project.open():
        yield project.module(paths[0])
