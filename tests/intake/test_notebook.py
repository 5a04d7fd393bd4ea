from __future__ import annotations

import json

import pytest
from slicing.making import notebook

from modelcheck.intake.notebook import Cell, NotANotebook, code_cells


def test_cells_are_numbered_among_all_cells() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# title"]},
        {"cell_type": "code", "source": ["a = 1\n", "b = 2"], "outputs": [{"data": {"image/png": "x"}}]},
        {"cell_type": "raw", "source": "no code"},
        {"cell_type": "code", "source": "c = 3\r\nd = 4\r"},
        {"cell_type": "code", "source": None},
    ]
    text = json.dumps({"cells": cells, "metadata": {"kernelspec": {"language": "python"}}})
    assert code_cells(text.encode()) == [Cell(2, "a = 1\nb = 2"), Cell(4, "c = 3\nd = 4\n"), Cell(5, "")]


def test_format_3() -> None:
    sheet = {"cells": [{"cell_type": "heading", "source": "x"}, {"cell_type": "code", "input": ["a = ", "1"]}]}
    assert code_cells(json.dumps({"nbformat": 3, "worksheets": [sheet]}).encode()) == [Cell(2, "a = 1")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(encoding: str) -> None:
    assert code_cells(notebook("x = 'é'").encode(encoding)) == [Cell(1, "x = 'é'")]


@pytest.mark.parametrize("metadata", [None, [], 3, {"language_info": 3}, {"kernelspec": {"language": ""}}])
def test_metadata_of_any_kind(metadata: object) -> None:
    text = json.dumps({"cells": [{"cell_type": "code", "source": "1"}], "metadata": metadata})
    assert code_cells(text.encode()) == [Cell(1, "1")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        (" \n", "the file is empty"),
        ("{", "its JSON is broken"),
        ("<html>", "it is a web page"),
        ("[" * 100_000, "its JSON is broken"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "it is a pointer of Git LFS"),
        ("[]", "it is no notebook"),
        ('"text"', "it is no notebook"),
        ('{"cells": 3}', "it is no notebook"),
        ('{"cells": [3]}', "it is no notebook"),
        ('{"a": 1}', "its JSON has no cells"),
        ('{"cells": []}', "it has no code"),
        ('{"cells": [{"cell_type": "markdown", "source": "text"}]}', "it has no code"),
        ('{"cells": [{"cell_type": "code", "source": " \\n"}]}', "it has no code"),
        (notebook("1", language_info={"name": "R"}), "it is written in r"),
        (notebook("1", kernelspec={"language": "julia"}), "it is written in julia"),
    ],
)
def test_what_is_none(text: str, words: str) -> None:
    with pytest.raises(NotANotebook) as caught:
        code_cells(text.encode())
    assert words in str(caught.value)
