from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.slicing.source import END, Source, Unreadable, cell_file, read
from slicing.making import notebook


def source(text: str, name: str = "net.py") -> Source:
    return read(Path(name), text.encode())


def lines(text: str, name: str) -> list[int]:
    return [statement.node.lineno for statement in source(text).defining(name)]


@pytest.mark.parametrize(
    "definition",
    [
        "x = 1",
        "x=1",
        "x: int = 1",
        "x : Dict[str, int] = {}",
        "x += 1",
        "x //= 2",
        "x >>= 2",
        "y = x = 1",
        "y, x = 1, 2",
        "(x, y) = 1, 2",
        "[y, *x] = 1, 2",
        "y[0], x = 1, 2",
        "y = (x := 1)",
        "print(x := 1)",
        "def x(): pass",
        "async def x(): pass",
        "class x: pass",
        "class x(A): pass",
        "@d\nclass x: pass",
        "@d(\n    1\n)\ndef x(): pass",
        "import x",
        "import x.y",
        "import y, x",
        "import y as x",
        "import y.z as x",
        "from y import x",
        "from y import (\n    a,\n    x,\n)",
        "from y import a as x",
        "from y import a, \\\n    x",
        "for x in y: pass",
        "for i, x in y: pass",
        "for (i,\n     x) in y: pass",
        "with y as x: pass",
        "with (y as x): pass",
        "if a:\n    x = 1",
        "if a: x = 1",
        "if a:\n    pass\nelse:\n    x = 1",
        "try:\n    import x\nexcept E:\n    pass",
        "while a:\n    if b:\n        y, x = 1, 2",
        "y = 1; x = 2",
        "x = '''\n'''",
    ],
)
def test_every_way_to_define_a_name_is_found(definition: str) -> None:
    before = "a = 1\nxx = x.y = 2\nother(x=3)\n"
    (found,) = source(f"{before}{definition}\nz = x == 1\nf(x)\nx.y = 2\n").defining("x")
    assert found.place == (3, definition.startswith("y = 1;"))


@pytest.mark.parametrize(
    "text",
    [
        "x == 1",
        "f(x=1)",
        "y.x = 1",
        "xx = 1",
        "# x = 1",
        "'''\nx = 1\n'''",
        "def f():\n    x = 1",
        "x",
        "x: int",
        "y[x] = 1",
    ],
)
def test_what_does_not_define_it(text: str) -> None:
    assert source(f"a = 1\n{text}\nb = 2\n").defining("x") == ()


@pytest.mark.parametrize(
    "change",
    ["x.a = 1", "x[0] = 1", "x.append(1)", "x.a.b.extend(y)", "setattr(x, 'a', 1)", "delattr( x, 'a')", "x.a += 1",
     "if a:\n    x['k'] = 1", "for i in y: x.append(i)", "@x.register\ndef f(): pass", "y = 1; x.a = 2", "x .a = 1",
     "if a: x.append(1)"],
)  # fmt: skip
def test_every_way_to_change_a_value_is_found(change: str) -> None:
    (found,) = source(f"x = []\nprint(x)\n{change}\n").changing("x")
    assert found.place[0] == 2


def test_the_definition_in_force() -> None:
    made = source("a = b\nx = 1\nf(x)\nx = 2\nx = 3\n")
    places = [one.place for one in made.defining("x")]
    assert places == [(1, 0), (3, 0), (4, 0)]

    def in_force(before: tuple[int, int], *running: tuple[int, int]) -> tuple[int, int] | None:
        found = made.in_force("x", before, frozenset(running))
        return found.place if found else None

    assert in_force((0, 0)) == (1, 0), "the first after it, where there is none before"
    assert in_force((1, 0)) == (1, 0)
    assert in_force((2, 0)) == (1, 0)
    assert in_force((4, 0)) == (3, 0)
    assert in_force(END) == (4, 0)
    assert in_force(END, (4, 0)) == (3, 0), "a statement that runs does not define what it asks for"
    assert made.in_force("y", END) is None


def test_main_guards_and_working_loops_come_last() -> None:
    text = "if __name__ == '__main__':\n    x = 1\nfor i in y:\n    x = f(i)\n"
    made = source(text)
    found = made.in_force("x", END)
    assert found is not None
    assert found.place == (1, 0)
    found = source(text + "x = 3\nfor i in y:\n    x = f(i)\n").in_force("x", END)
    assert found is not None
    assert found.place == (2, 0)


def test_stars() -> None:
    made = source(
        "from a import *\nfrom b import c\ntry:\n    from d import *\nexcept E: pass\nfrom e import (*)\nx = 3 * 2\n"
    )
    assert [one.place[0] for one in made.stars] == [0, 2]


def test_a_problem_is_told_of_the_name_only() -> None:
    made = source("a = 1\nclass A:\n    x = = 1\nB = = 2\n    \ndef c(:\n    pass\n")
    assert made.problem("D") is None
    assert made.problem("a") is None
    for name, line in (("A", 3), ("B", 4), ("c", 6)):
        problem = made.problem(name)
        assert problem is not None
        assert problem.lineno == line


def test_the_cells_of_a_notebook() -> None:
    cells = [
        "import a\n%%time\n",
        "%%bash\nx = 1\n",
        "%%time\nx = 1",
        "%%writefile x.py\nx = 2\n",
        "%%html\n<b>",
        "x = 3",
        "%%capture --no-stderr\ny = 1",
    ]
    made = source(notebook(*cells), "a/book.ipynb")
    assert [one.file for one in made.parts] == [cell_file(Path("a/book.ipynb"), number) for number in range(1, 8)]
    assert [one.place for one in made.defining("x")] == [(1, 0), (2, 0)]
    assert [one.file for one in made.defining("x")] == ["a/book.ipynb, cell 3", "a/book.ipynb, cell 6"]
    assert [one.node.lineno for one in made.defining("x")] == [2, 1]
    assert made.defining("y")
    aside = [[one.text for one in part.set_aside] for part in made.parts]
    assert aside == [
        ["%%time"],
        ["%%bash …"],
        ["%%time"],
        ["%%writefile x.py …"],
        ["%%html …"],
        [],
        ["%%capture --no-stderr"],
    ]


def test_a_bracket_that_is_not_closed_in_a_cell_ends_with_it() -> None:
    made = source(notebook("x = (1,", "y = 2"), "book.ipynb")
    assert made.defining("y")
    assert not made.defining("x")


def test_what_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="its JSON is broken"):
        source("{", "book.ipynb")
    with pytest.raises(Unreadable, match="its JSON is broken"):
        source("{", "BOOK.IPYNB")
    assert source("{").chunks
