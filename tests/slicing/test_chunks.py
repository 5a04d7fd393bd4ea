from __future__ import annotations

import ast

import pytest

from modelcheck.slicing.chunks import cut, dedented

SOUND = "def after():\n    return 1\n"


def lines(text: str) -> list[tuple[int, str]]:
    """The chunks that are Python: their lines and texts."""
    chunks, _ = cut(text, "f.py")
    return [(chunk.line, chunk.text.strip()) for chunk in chunks if chunk.statements]


def test_chunks_are_top_level_statements() -> None:
    text = (
        '"""Doc."""\nimport a\n\n\n@b\n@c(1)\nclass D(\n    E,\n):\n    x = 1\n# end\n\n    y = 2\n\n'
        "if f:\n    g\nelse:\n    h\n"
    )
    chunks, aside = cut(text, "f.py", first=10)
    assert [(one.index, one.line, one.defines, one.is_class) for one in chunks] == [
        (10, 1, None, False),
        (11, 2, None, False),
        (12, 5, "D", True),
        (13, 15, None, False),
    ]
    assert aside == []
    for chunk in chunks:
        (statement,) = chunk.statements
        assert statement.place == (chunk.index, 0)
        assert statement.file == "f.py"
    assert chunks[2].statements[0].node.lineno == 7, "of the class itself, below its decorators"
    assert chunks[2].statements[0].node.end_lineno == 13


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("async def f():\n    await g()\n", ["f"]),
        # these two fail: only decorators of one line each, without a break, are seen before a definition
        ("@x\n\n# about it\n@y\ndef f(): pass\n", ["f"]),
        ("@x(\n    1,\n)\ndef f(): pass\n", ["f"]),
        ("class A: pass\nclass A(B):\n  pass\n", ["A", "A"]),
        ("class Größe: pass\n", ["Größe"]),
        ("x = '''\nclass A: pass\n'''\n", []),
        ('x = """\\"""\nclass A: pass\n"""\n', []),
        ("y = rb'''\ndef f(): pass\n'''\n", []),
        ("x = (1,\n\n# )\n')',\n)\nclass A: pass\n", ["A"]),
        ("x = \\\n1\nclass A: pass\n", ["A"]),
        ("x = f'{a[\"b\"]}' 'it''s'\nclass A: pass\n", ["A"]),
        ("if a: b = '''\n'''; c\nclass A: pass\n", ["A"]),
        ("def f(x='(', y=\"[\"): # {\n  pass\nclass A: pass\n", ["f", "A"]),
        ("\f\nclass A: pass\n\f\nclass B: pass\n", ["A", "B"]),
        ("classy = 1\ndefine = 2\n", []),
        ("x = 1; class_ = 2\n", []),
    ],
)
def test_definitions(text: str, names: list[str]) -> None:
    chunks, _ = cut(text, "f.py")
    assert [chunk.defines for chunk in chunks if chunk.defines] == names
    assert all(chunk.statements for chunk in chunks)


@pytest.mark.parametrize(
    "bad",
    [
        "print 'python 2'\n",
        "print 'python 2' % x, y\n",
        "exec code in d\n",
        "raise E, 'x'\n",
        "x = = 1\n",
        "x = 'not closed\n",
        'x = "not closed either\n',
        "x = (1, 2\n",
        "x = [f(1, {2\n",
        "def broken(:\n    pass\n",
        "def broken()\n    pass\n",
        "class Broken(nn.Module)\n    pass\n",
        "for in x:\n    y = (\n",
        "x = 1\0\n",
        "if x:\ny = 1\n",
        "if x:\n    y\n  z\n",
        "return 3\n",
        "else:\n    x\n",
        "?name\n",
        "name.method??\n",
        "<<<<<<< HEAD\n",
        "=======\n>>>>>>> other\n",
        "x = 0777\n",
        "x = 5 5\n",
        "$ pip install x\n",
        "\u201cquoted\u201d\n",
        # these two fail after a class: likewise
        "}\n",
        ")\n",
        "(((((\n",
    ],
)
@pytest.mark.parametrize("place", ["before", "after", "between"])
def test_broken_lines_elsewhere_spoil_nothing(bad: str, place: str) -> None:
    before = "class Before:\n    x = 1\n"
    text = {"before": bad + SOUND, "after": before + bad, "between": before + bad + SOUND}[place]
    chunks, _ = cut(text, "f.py")
    sound = [chunk.defines for chunk in chunks if chunk.statements and chunk.defines]
    assert sound == {"before": ["after"], "after": ["Before"], "between": ["Before", "after"]}[place]


@pytest.mark.parametrize("bad", ["def broken(:\n    pass\n", "x = (1, 2\n", "x = foo(1,\n"])
@pytest.mark.parametrize("after", ["rate = 0.1\n", "rate: float = 0.1\n", "if True:\n    rate = 0.1\n", "rate += 1\n"])
def test_a_bracket_that_is_never_closed_does_not_take_the_next_constant_with_it(bad: str, after: str) -> None:
    assert [text for _, text in lines(f"{bad}{after}class A: pass\n")] == [after.strip(), "class A: pass"]


def test_the_error_has_the_files_line() -> None:
    chunks, _ = cut("a = 1\n\n\nclass A:\n    def f(self):\n        x = = 1\n", "net.py")
    assert chunks[1].statements == ()
    problem = chunks[1].problem
    assert problem is not None
    assert (problem.filename, problem.lineno) == ("net.py", 6)


@pytest.mark.parametrize(
    ("text", "aside"),
    [
        ("!pip install x\n", [("!pip install x", 1)]),
        ("a\n%matplotlib inline\n", [("%matplotlib inline", 2)]),
        ("%%time\na\n", [("%%time", 1)]),
        ("if a:\n    !pip install x\nelse:\n    b\n", [("!pip install x", 2)]),
        ("!wget x \\\n   -O y\na\n", [("!wget x \\ -O y", 1)]),
        ("x = a \\\n  %b\n", []),
        ("x = (a\n%b)\n", []),
        ("x = '''\n!pip\n%x\n'''\n", []),
        ("!echo ( [ {\na\n", [("!echo ( [ {", 1)]),
        ("!echo it's\na\n", [("!echo it's", 1)]),
        ("!cd /x && ls\n\n!ls\n", [("!cd /x && ls", 1), ("!ls", 3)]),
    ],
)
def test_shell_lines_and_magics(text: str, aside: list[tuple[str, int]]) -> None:
    chunks, found = cut(text, "f.py")
    assert [(one.text, one.line) for one in found] == aside
    assert all(chunk.statements for chunk in chunks)
    whole = cut(text + SOUND, "f.py")[0][-1]
    assert whole.defines == "after"
    assert whole.line == text.count("\n") + 1, "lines keep their numbers"


@pytest.mark.parametrize(
    ("text", "dumped"),
    [
        ("    a = 1\n    b = 2\n", "a = 1\nb = 2"),
        ("\ta = 1\n\tif a:\n\t\tb\n", "a = 1\nif a:\n    b"),
        ("    # an indented comment\na = 1\n", "a = 1"),
        ("if a:\n\tb\n        c\n", "if a:\n    b\n    c"),
        ("if a:\n        b\n\tc\n", "if a:\n    b\n    c"),
        ("class A:\n    def f(self):\n\treturn 1\n", "class A:\n\n    def f(self):\n        return 1"),
    ],
)
def test_indentation(text: str, dumped: str) -> None:
    chunks, _ = cut(dedented(text), "f.py")
    assert "\n".join(ast.unparse(one.node) for chunk in chunks for one in chunk.statements) == dumped


def test_several_statements_in_a_line_are_one_chunk() -> None:
    (chunk,) = cut("import a; a.b(); c = 1\n", "f.py")[0]
    assert [one.place for one in chunk.statements] == [(0, 0), (0, 1), (0, 2)]


def test_an_empty_text() -> None:
    for text in ("", "\n\n", "# nothing\n", "   \n"):
        chunks, aside = cut(text, "f.py")
        assert [one for chunk in chunks for one in chunk.statements] == []
        assert aside == []


def test_warnings_of_the_authors_text_stay_quiet() -> None:
    (chunk,) = cut("x = '\\d' is 3\n", "f.py")[0]
    assert chunk.statements


def test_what_is_nested_too_deeply_is_no_python() -> None:
    chunks, _ = cut("x = " + "(" * 10_000 + ")" * 10_000 + "\ny = " + "-" * 100_000 + "1\nz = 1\n", "f.py")
    assert [bool(chunk.statements) for chunk in chunks] == [False, False, True]
