"""The code cells of a Jupyter notebook of format 3 or 4; outputs and metadata are not looked at."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import msgspec

from modelcheck.intake.text import decoded

_OTHERS = (
    ("version https://git-lfs", "it is a pointer of Git LFS, without the notebook: fetch it with `git lfs pull`"),
    ("<", "it is a web page or XML, and no notebook: download the file itself"),
)


class NotANotebook(Exception):
    """The text says what is wrong with it."""


@dataclass(frozen=True)
class Cell:
    """A code cell; ``number`` counts all cells of the notebook from 1, whatever they hold."""

    number: int
    text: str


class _Cell(msgspec.Struct):
    cell_type: str = ""
    source: str | list[str] | None = None
    input: str | list[str] | None = None  # of format 3


class _Worksheet(msgspec.Struct):
    cells: list[_Cell] = []


class _Notebook(msgspec.Struct):
    cells: list[_Cell] | None = None
    worksheets: list[_Worksheet] | None = None
    metadata: Any = None


def code_cells(content: bytes) -> list[Cell]:
    """The notebook's code cells in order.

    Raises:
        NotANotebook: it is no JSON, no notebook, has no code, or is written in another language.
    """
    text = decoded(content)
    if not text.strip():
        raise NotANotebook("the file is empty")
    if other := next((said for start, said in _OTHERS if text.lstrip().startswith(start)), None):
        raise NotANotebook(other)
    if re.search(r"^(?:<<<<<<<|>>>>>>>) ", text, re.MULTILINE):
        raise NotANotebook("it holds both sides of a merge conflict: resolve it and save the notebook again")
    try:
        # json takes what Jupyter once wrote, such as NaN and half a character, and msgspec does not
        notebook = msgspec.convert(json.loads(text), type=_Notebook)
    except msgspec.ValidationError:
        raise NotANotebook("it is no notebook: its JSON holds no cells of code as Jupyter writes them") from None
    except (ValueError, RecursionError) as error:
        raise NotANotebook(f"its JSON is broken ({error}): save it again in Jupyter") from None
    if notebook.cells is None and notebook.worksheets is None:
        raise NotANotebook("it is no notebook: its JSON has no cells")
    language = _language(notebook.metadata)
    if language not in (None, "python", "ipython", "python3", "python2"):
        raise NotANotebook(f"it is written in {language}, and only Python can be read")
    sheets = [cell for sheet in notebook.worksheets or () for cell in sheet.cells]
    numbered = enumerate(notebook.cells or sheets, start=1)
    cells = [Cell(number, _text(cell)) for number, cell in numbered if cell.cell_type == "code"]
    if not any(cell.text.strip() for cell in cells):
        raise NotANotebook("it has no code")
    return cells


def _text(cell: _Cell) -> str:
    held = cell.source if cell.source is not None else cell.input
    text = "".join(held) if isinstance(held, list) else held or ""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _language(metadata: Any) -> str | None:
    """What the notebook says that it is written in, in lower case; None where it does not say."""
    for part, key in (("language_info", "name"), ("kernelspec", "language")):
        held = metadata.get(part) if isinstance(metadata, dict) else None
        said = held.get(key) if isinstance(held, dict) else None
        if isinstance(said, str) and said:
            return said.lower()
    return None
