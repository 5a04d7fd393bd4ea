from __future__ import annotations

import io
import tokenize
from pathlib import Path

import numpy as np
import pytest

import modelcheck
from modelcheck.grading.alike import source
from modelcheck.grading.alike.source import MAX_CHARACTERS, source_keys, tokens

from .changing import (
    NET,
    REFERENCE,
    padded,
    reformatted,
    renamed,
    reordered,
    with_another_number,
    with_two_lines_swapped,
)


def share(one: str, other: str) -> float:
    """How much of the first is in the second."""
    first, second = (source_keys({"a.py": text}) for text in (one, other))
    return len(np.intersect1d(first, second)) / len(first)


@pytest.mark.parametrize("text", [NET, REFERENCE], ids=["net", "reference"])
@pytest.mark.parametrize("change", [renamed, reformatted, lambda text: renamed(reformatted(text))])
def test_names_and_layout_do_not_count(text: str, change) -> None:
    assert change(text) != text
    assert tokens(change(text)) == tokens(text)


@pytest.mark.parametrize("text", [NET, REFERENCE], ids=["net", "reference"])
@pytest.mark.parametrize(
    ("change", "least", "most"),
    [
        (reordered, 0.8, 1.0),
        (padded, 0.85, 1.0),
        (with_another_number, 0.85, 0.99),
        (with_two_lines_swapped, 0.75, 0.99),
        (lambda text: padded(renamed(reordered(with_another_number(text)))), 0.75, 0.99),
    ],
    ids=["reordered", "padded", "number", "swapped", "all"],
)
def test_what_is_changed_here_and_there_is_nearly_equal(text: str, change, least: float, most: float) -> None:
    assert change(text) != text
    assert least <= share(text, change(text)) <= most


def test_two_nets_for_one_task_are_not() -> None:
    assert share(NET, REFERENCE) < 0.3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("self.conv = nn.Conv2d(1, 8, 3)", "name = Conv2d ( 1.0 , 8.0 , 3.0 )"),
        ("Conv2d(0x1_0, 1_000, .5, 5e-1, 1E3, 7j)", "Conv2d ( 16.0 , 1000.0 , 0.5 , 0.5 , 1000.0 , 7.0 name )"),
        ("x = (1,\n  2,)  # three, four", "name = ( 1.0 , 2.0 )"),
        ('print(f"{x}", \'a # b\', rb"""c\n"d" """)', "name ( , )"),
        ("if x:\n\tpass; del y", "if name : pass del name"),
        ("a **= b // c -> d := e != f", "name **= name // name -> name := name != name"),
        ("self.x.y(z).w", "name ( name ) . name"),
        ('x = "never closed\ny = 2', "name = name = 2.0"),
        ('x = """never closed\ny = 2', "name ="),
        ("!pip install $x ?", "! name name $ name ?"),
        ("é = 1; 变量 = 2", "name = 1.0 name = 2.0"),
    ],
)
def test_tokens(text: str, expected: str) -> None:
    assert " ".join(tokens(text)) == expected


COUNTED = (tokenize.NAME, tokenize.NUMBER, tokenize.OP)


def by_tokenize(text: str) -> list[str]:
    """The tokens that count, as Python's own tokenizer has them."""
    found, formatted = [], 0
    for one in tokenize.generate_tokens(io.StringIO(text).readline):
        formatted += tokenize.tok_name[one.type] == "FSTRING_START"  # since Python 3.12 what is in them is code
        if one.type in COUNTED and one.string != ";" and not formatted:
            found.append(one.string)
        formatted -= tokenize.tok_name[one.type] == "FSTRING_END"
    return found


def by_ourselves(text: str) -> list[str]:
    """Ours, with dotted names taken apart."""
    found = [(one.lastgroup, one[0]) for one in source._TOKEN.finditer(text) if one.lastgroup]
    return [part for kind, one in found for part in (one.replace(".", " . ").split() if kind == "name" else [one])]


@pytest.mark.parametrize("file", sorted(Path(modelcheck.__path__[0]).rglob("*.py"))[::7], ids=lambda path: path.name)
def test_python_is_taken_apart_as_python_does(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert by_ourselves(text) == by_tokenize(text)


N = MAX_CHARACTERS


@pytest.mark.parametrize(
    "text",
    [
        "x = 1 + " * (N // 8),
        "def f():\n    return 1\n" * (N // 4),
        '"""a\n' * (N // 5),
        '"""' + '"a' * N,
        "'" + "\\'" * N,
        "r'" * N,
        "1_" * N,
        "1e+" * N,
        "a." * N,
        ",)" * N,
        "\ud800\0" * N,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_what_is_made_to_last_does_not(text: str) -> None:
    assert len(source_keys({"a.py": text})) <= 64


def test_a_file_of_junk_hides_no_other() -> None:
    alone = source_keys({"net.py": NET})
    both = source_keys({"aaa.py": "x = 1\n" * N, "net.py": NET})
    assert set(alone.tolist()) < set(both.tolist())


def test_files_and_their_names_are_no_order() -> None:
    one = source_keys({"a.py": NET, "b.py": REFERENCE})
    assert one.tolist() == source_keys({"x.py": REFERENCE, "y.py": NET}).tolist()
    assert one.tolist() == sorted(set(one.tolist()))


@pytest.mark.parametrize("sources", [{}, {"a.py": ""}, {"a.py": "import torch\n"}])
def test_of_next_to_nothing_there_is_nothing(sources: dict[str, str]) -> None:
    assert source_keys(sources).tolist() == []
