"""Which value a name has, and what is executed for it."""

from __future__ import annotations

import ast
import contextlib
import inspect
import linecache
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelcheck.author_trace import actual
from modelcheck.slicing.author_module import namespace_of
from modelcheck.slicing.project import Project
from slicing.making import module, notebook, written

# text, and what the name x is in it
VALUES = [
    ("x = 1\nx = 2\n", 2),
    ("x = 1\nprint(x)\nx = x + 1\nx = x * 10\n", 20),
    ("x = y\ny = 1\n", 1),
    ("y = 1\nx = y\ny = 2\n", 1),
    ("x = y\ny = 1\ny = 2\n", 1),
    ("x = 1\nx += 1\nx *= 5\n", 10),
    ("x = [1]\nx += [2]\nx.append(3)\nx[0] = 0\ny = x\n", [0, 2, 3]),
    ("x = [1]\ny = x\ny.append(2)\n", [1]),
    ("x = {}\nx['a'] = 1\nx.update(b=2)\nx.setdefault('c', 3)\ndel_ = 1\n", {"a": 1, "b": 2, "c": 3}),
    ("x, (y, *z) = 1, (2, 3)\n", 1),
    ("y, *x = 1, 2, 3\n", [2, 3]),
    ("x: int = 3\nx: str\n", 3),
    ("x = (y := 3) + y\n", 6),
    ("if (x := 4) > 3:\n    pass\n", 4),
    ("def f(y=z):\n    return y, z\nz = 1\nz = 2\nx = f()\n", (1, 2)),
    ("z = 1\ndef f(y=z):\n    return y, z\nz = 2\nx = f()\nz = 3\n", (1, 2)),
    ("z = 1\nclass A:\n    y = z\n    def f(self):\n        return self.y, z\nz = 2\nx = A().f()\n", (1, 2)),
    ("z = 1\ndef f():\n    return z\nx = f()\nz = 2\n", 1),
    ("z = [1]\nf = lambda: z\nz.append(2)\nx = f()\nz.append(3)\n", [1, 2]),
    ("x = [i * k for i in range(3)]\nk = 2\n", [0, 2, 4]),
    ("x = sum(i for i in range(k))\nk = 4\n", 6),
    ("class A:\n    k = 2\n    def f(self): return A.k\nx = A().f()\n", 2),
    ("class A(B): pass\nclass B:\n    k = 3\nx = A.k\n", 3),
    ("class A:\n    y = 1\nA.y = 2\nx = A.y\nA.y = 3\n", 2),
    ("class A: pass\nsetattr(A, 'y', 5)\nx = A().y\n", 5),
    ("def f(): pass\nf.k = 3\nx = f.k\n", 3),
    ("@d\ndef x(): return 1\ndef d(f): return f() + 1\n", 2),
    (
        "r = {}\ndef register(f):\n    r[f.__name__] = f\n    return f\n@register\ndef g(): return 1\nx = sorted(r)\n",
        ["g"],
    ),
    (
        "r = {}\ndef add(key):\n    def inner(f):\n        r[key] = f\n        return f\n    return inner\n"
        "@add('a')\nclass A:\n    k = 1\nx = r['a'].k\n@add('b')\nclass B:\n    k = 1 / 0\n",
        1,
    ),
    ("if 1 > 2:\n    x = 1\nelse:\n    x = 2\n", 2),
    ("x = 1\nif 1 > 2:\n    x = 2\n", 1),
    ("x = 1\nif 1 > 2:\n    x = 2\nelif 2 > 3:\n    x = 3\n", 1),
    ("try:\n    get_ipython()\n    x = 1\nexcept NameError:\n    x = 2\n", 2),
    ("try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    x = str(error)\n", "division by zero"),
    ("x = 8\nfor _ in range(2):\n    x = int(x * 1.5)\n", 18),
    ("def f(): return globals().get('y', 1), 'y' in globals(), 'z' in globals()\ny = 2\nx = f()\n", (2, True, False)),
    (
        "from dataclasses import dataclass\nfrom typing import ClassVar\n"
        "@dataclass\nclass A:\n    k: ClassVar[int] = 3\n    h: int = 8\nx = A(16).h\n",
        16,
    ),
    ("if True:\n    x = 1\nelse:\n    x = 2\n", 1),
    ("for i in range(3):\n    x = i\n", 2),
    ("x = []\nfor i in range(3):\n    x.append(i)\n", [0, 1, 2]),
    ("x = 0\nwhile x < 7:\n    x += 2\n", 8),
    ("while True:\n    x = 1\n    break\n", 1),
    ("import contextlib\nwith contextlib.nullcontext(5) as x:\n    pass\n", 5),
    ("try:\n    import nonesuch as x\nexcept ImportError:\n    x = None\n", None),
    ("try:\n    import json\n    x = 1\nexcept ImportError:\n    x = 2\n", 1),
    ("try:\n    from nonesuch import y\n    x = True\nexcept ModuleNotFoundError as e:\n    x = False\n", False),
    ("try:\n    x = {}['k']\nexcept KeyError:\n    x = 'default'\n", "default"),
    ("try:\n    x = undefined\nexcept NameError:\n    x = 'none'\n", "none"),
    ("if __name__ == '__main__':\n    x = 1\n    assert False\n", 1),
    ("x = 1\nif __name__ == '__main__':\n    x = 2\n", 1),
    ("if __name__ == '__main__':\n    x = 2\nelse:\n    x = 3\n", 2),
    ("x = __name__ == '__main__'\n", False),
    ("x = globals()['y']\ny = 1\n", 1),
    ("x = 'y' in globals() or y\ny = 1\n", 1),
    ("def f():\n    global y\n    y = 5\n    return y\nx = f() + y\ny = 1\n", 10),
    ("x = eval('y + 1')\ny = 1\n", 2),
    ("exec('z = 3')\nx = 1\n", 1),
    ("from functools import partial as p\nx = p(max, k)(2)\nk = 7\n", 7),
    ("from dataclasses import dataclass\n@dataclass\nclass A:\n    y: int = k\nx = A().y\nk = 3\n", 3),
    ("import enum\nclass A(enum.IntEnum):\n    y = 3\nx = A.y + A['y']\n", 6),
    ("from typing import NamedTuple\nclass A(NamedTuple):\n    y: int = 3\nx = A().y\n", 3),
    ("class M(type):\n    def __call__(cls): return k\nclass A(metaclass=M): pass\nk = 3\nx = A()\n", 3),
    (
        "class A:\n    def f(self): return 1\n"
        "class B(A):\n    def f(self): return super(B, self).f() + 1\nx = B().f()\n",
        2,
    ),
    ("class A:\n    class B:\n        k = 1\n    y = B.k\nx = A.y + A.B.k\n", 2),
    (
        "def f():\n    n = 0\n    def g():\n        nonlocal n\n        n += k\n        return n\n    return g\n"
        "k = 2\nx = f()()\n",
        2,
    ),
    ("def x(a: Undefined) -> Missing: return 1\nx = x(0)\n", 1),
    ("max = 3\nx = max + 1\n", 4),
    ("x = max(1, y)\ny = 2\n", 2),
    ("def len(y): return 7\nx = len('')\n", 7),
    ("class A:\n    y = len('abc')\ndef len(z): return 7\nx = A.y\n", 7),
    ("print = lambda *a: 3\nx = print(1)\n", 3),
    ("import argparse\np = argparse.ArgumentParser()\np.add_argument('--k', default=3)\nx = p.parse_args([]).k\n", 3),
    ("\fx = 1\n\fy = 2\n", 1),
    ("import os.path as p, json\nx = p.basename('a/b')\n", "b"),
    ("import os.path\nx = os.path.basename('a/b') + os.sep[:0]\n", "b"),
    ("import xml.dom\nimport xml.sax\nx = xml.dom.__name__ + xml.sax.__name__\n", "xml.domxml.sax"),
    ("match 3:\n    case 3:\n        x = 1\n    case _:\n        x = 2\n", 1),
    ("y = 3\nx = y\ndel y\n", 3),
    ("def f(): return y\ny = 1\nx = f()\ny = 2\n", 1),
    ("x = 1; y = x; x = 5\n", 5),
    ("f = lambda y: (x := y)\nx = 2\nx = x\nf = lambda y: (x := y)\n", 2),
]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_value(tmp_path: Path, text: str, value: object) -> None:
    with module(tmp_path, text) as made:
        assert made.x == value
        assert made.x == value, "it stays the same"


@pytest.mark.parametrize(("text", "value"), [one for one in VALUES if not one[0].startswith("\f")])
def test_value_in_a_notebook_of_one_statement_a_cell(tmp_path: Path, text: str, value: object) -> None:
    cells = [ast.unparse(node) for node in ast.parse(text).body]
    with module(tmp_path, notebook(*cells), "book.ipynb") as made:
        assert made.x == value


def test_functions_called_from_outside_see_the_last_values(tmp_path: Path) -> None:
    with module(tmp_path, "y = 1\ndef f(z=y):\n    return y, z, k\ny = 2\nk = []\nk.append(y)\ny = 3\n") as made:
        assert made.f() == (3, 1, [2])
        assert made.y == 3
        assert made.f() == (3, 1, [2])


def test_an_identity_is_kept(tmp_path: Path) -> None:
    with module(tmp_path, "class A: pass\ndef f(): return A\nk = []\ndef g(): return k\n") as made:
        assert made.f() is made.A is made.f()
        made.g().append(1)
        assert made.g() == made.k == [1]


def test_what_a_function_assigns_stays(tmp_path: Path) -> None:
    with module(tmp_path, "n = 0\ndef f():\n    global n, m\n    n += 1\n    m = n\n    return n\n") as made:
        assert [made.f(), made.f(), made.n, made.m] == [1, 2, 2, 2]


def test_what_is_set_from_outside_stays(tmp_path: Path) -> None:
    with module(tmp_path, "n = 0\ndef f():\n    return n\n") as made:
        made.n = 5
        assert made.f() == 5
        assert made.n == 5


EXECUTED = [
    ("x = 1\nnoise()\n", "x = 1"),
    ("noise()\nimport nonesuch\nx = 1\ny = noise()\n", "x = 1"),
    ("y = noise()\nx = y if False else 1\n", "x = y if False else 1"),
    ("x = []\nfor i in range(3):\n    noise()\n    x.append(i)\n", "x = [] | for i in range(3):\n    x.append(i)"),
    ("if True:\n    noise()\n    x = 1\n    noise()\n", "if True:\n    x = 1"),
    ("for i in range(9):\n    x = noise(i)\nx = 1\n", "x = 1"),
    ("x = 1\nfor i in range(9):\n    x = noise(i)\n", "x = 1"),
    ("x = 1\nif __name__ == '__main__':\n    x = noise()\n", "x = 1"),
    ("class x:\n    def f(self):\n        return noise()\nx.g = 1\n", None),
    ("x = {}\nnoise(x)\nprint(x)\nx.train()\n", "x = {}"),
    ("import json, nonesuch\nimport os\nx = os\n", "import os | x = os"),
    ("from json import dumps, loads as x\n", "from json import dumps, loads as x"),
]


@pytest.mark.parametrize(("text", "executed"), EXECUTED)
def test_nothing_else_is_executed(tmp_path: Path, text: str, executed: str | None) -> None:
    with module(tmp_path, text + "def noise(*_):\n    raise AssertionError\n") as made:
        assert made.x is not None
        namespace = namespace_of(made)
        statements = [one for chunk in namespace.source.chunks for one in chunk.statements]
        found = [ast.unparse(one.part("x")[0]) for one in statements if one.place in namespace.executed]
    assert executed is None or " | ".join(found) == executed


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("x = {}['k']\n", KeyError, "k"),
        ("x = 'a'.nothing\n", AttributeError, "nothing"),
        ("x = next(iter(()))\n", StopIteration, ""),
        ("x = undefined\n", NameError, "undefined"),
        ("def f(): return undefined\nx = f()\n", NameError, "undefined"),
        ("class x:\n    y = undefined\n", NameError, "undefined"),
        ("x = 1 / 0\n", ZeroDivisionError, ""),
        ("import sys\nx = sys.exit(3)\n", SystemExit, "3"),
        ("class E(BaseException): pass\ndef f(): raise E('own')\nx = f()\n", BaseException, "own"),
        ("x = y\ny = {}['k']\n", KeyError, "k"),
        ("class x:\n    z = y\ny = {}['k']\n", KeyError, "k"),
        ("x = y\ny = 'a'.nothing\n", AttributeError, "nothing"),
        ("import nonesuch\nx = nonesuch.y\n", ModuleNotFoundError, "No module named 'nonesuch'"),
        ("from nonesuch.sub import y as x\n", ModuleNotFoundError, "No module named 'nonesuch'"),
        ("from nonesuch import *\nx = y\n", ModuleNotFoundError, "No module named 'nonesuch'"),
        ("@nonesuch.d\ndef x(): pass\nimport nonesuch\n", ModuleNotFoundError, "nonesuch"),
        ("class x(nonesuch.A): pass\nimport nonesuch\n", ModuleNotFoundError, "nonesuch"),
        ("def f(y=nonesuch): pass\nimport nonesuch\nx = f\n", ModuleNotFoundError, "nonesuch"),
        ("from json import nothing as x\n", ImportError, "cannot import name 'nothing'"),
        ("x = = 1\n", SyntaxError, "invalid syntax"),
        ("class x:\n    y = (\n", SyntaxError, "never closed"),
        ("x = y\ny = x\n", NameError, ""),
        ("def f(): f()\nx = f()\n", RecursionError, ""),
    ],
)
def test_an_exception_of_a_needed_statement_is_the_authors_own(
    tmp_path: Path, text: str, error: type[BaseException], words: str
) -> None:
    with module(tmp_path, text) as made:
        for _ in range(2):
            with pytest.raises(BaseException) as caught:  # noqa: PT011 - it is looked at below
                _ = made.x
            assert isinstance(actual(caught.value), error)
            assert words in str(actual(caught.value))


def test_a_name_that_nothing_defines_is_an_attribute_error_of_the_module(tmp_path: Path) -> None:
    with module(tmp_path, "y = 1\n") as made:
        with pytest.raises(AttributeError, match=r"net\.py has no 'x'"):
            _ = made.x
        assert not hasattr(made, "x")
        assert hasattr(made, "y")
        assert getattr(made, "z", 3) == 3


def test_after_a_failure_the_statement_is_tried_again(tmp_path: Path) -> None:
    text = "import os\nx = os.environ['MODELCHECK_TEST_X']\n"
    with module(tmp_path, text) as made, pytest.MonkeyPatch.context() as patch:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - it is looked at below
            _ = made.x
        assert isinstance(actual(caught.value), KeyError)
        patch.setenv("MODELCHECK_TEST_X", "1")
        assert made.x == "1"


def test_a_statement_is_executed_once(tmp_path: Path) -> None:
    text = (
        "n = []\ndef f():\n    n.append(1)\n    return 1, 2\nx, y = f()\nz = x\nw = (x, y)\ndef g(): return x, y, n\n"
    )
    with module(tmp_path, text) as made:
        assert (made.z, made.w, made.x, made.y, made.g()) == (1, (1, 2), 1, 2, (1, 2, [1]))


# --- places


def test_tracebacks_name_the_authors_file_and_line(tmp_path: Path) -> None:
    text = "import os\n\n\ndef f():\n    # here\n    return 1 / 0\n\nx = 1\n"
    with module(tmp_path, text) as made, pytest.raises(ZeroDivisionError) as caught:
        made.f()
    frame = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (frame.filename, frame.lineno, frame.line) == (str(tmp_path / "net.py"), 6, "return 1 / 0")


def test_tracebacks_name_the_notebooks_cell_and_line(tmp_path: Path) -> None:
    cells = ["a = 1", "%%time\n\nimport os\n!ls\n\ndef f():\n    # here\n    return 1 / 0\n"]
    with module(tmp_path, notebook(*cells), "book.ipynb") as made:
        with pytest.raises(ZeroDivisionError) as caught:
            made.f()
        frame = traceback.extract_tb(caught.value.__traceback__)[-1]
        assert (frame.filename, frame.lineno, frame.line) == (
            f"{tmp_path / 'book.ipynb'}, cell 2",
            8,
            "return 1 / 0",
        )
    assert not [name for name in linecache.cache if str(tmp_path) in str(name)]


CLASS = "class A:\n    k = 1\n\n    def f(self):\n        return 1\n"


def test_the_source_of_a_class_can_be_inspected(tmp_path: Path) -> None:
    name = "net.py"
    with module(tmp_path, f"import os\n\nclass Other:\n    pass\n\n{CLASS}", name) as made:
        assert inspect.getsource(made.A) == CLASS
        assert inspect.getsource(made.A.f) == "    def f(self):\n        return 1\n"
        assert inspect.getsourcelines(made.A.f)[1] == 9
        assert inspect.getmodule(made.A) is made
        assert str(inspect.getsourcefile(made.A)).startswith(str(tmp_path / name))


def test_the_modules_own_names(tmp_path: Path) -> None:
    with module(tmp_path, "x = __name__, __file__, __doc__, __package__\nclass A: pass\n") as made:
        name, file, _, _ = made.x
        assert made.A.__module__ == name == made.__name__
        assert file == str(tmp_path / "net.py")
        assert "A" in dir(made)


def test_cells_run_in_another_order(tmp_path: Path) -> None:
    cells = ["x = f(y)", "def f(z): return z + k", "y = 1", "k = 10"]
    with module(tmp_path, notebook(*cells), "book.ipynb") as made:
        assert made.x == 11


def test_around_is_entered_once_for_what_is_asked_from_outside(tmp_path: Path) -> None:
    depth, deepest = 0, []

    @contextlib.contextmanager
    def around() -> Iterator[None]:
        nonlocal depth
        depth += 1
        deepest.append(depth)
        yield
        depth -= 1

    paths = written(tmp_path, {"net.py": "x = y\ny = z\nz = 1\n", "other.py": "from net import x\n"})
    project = Project(tmp_path, paths, around=around)
    with project.open():
        assert project.module(paths[0]).x == 1
        assert deepest == [1]
    assert depth == 0
