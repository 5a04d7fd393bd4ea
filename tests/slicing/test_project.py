"""The author's files import each other, and what is installed, and nothing of it stays in the process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from modelcheck.author_trace import actual
from modelcheck.slicing.project import Project, installed
from slicing.making import notebook, written

NOISE = "raise AssertionError('a statement that nothing needs')\n"


def value(folder: Path, files: dict[str, str], main: str = "main.py", name: str = "x", root: str = "") -> object:
    paths = written(folder, files)
    project = Project(folder / root, paths)
    before, search = set(sys.modules), list(sys.path)
    try:
        with project.open():
            return getattr(project.module(folder / main), name)
    finally:
        left = {name for name in set(sys.modules) - before if name.startswith("modelcheck_target")}
        assert not left
        assert sys.path == search


IMPORTS = [
    ({"main.py": "import a\nx = a.y\n", "a.py": NOISE + "y = 1\n"}, 1),
    ({"main.py": "from a import y as x\n", "a.py": "y = 1\n" + NOISE}, 1),
    ({"main.py": "from a import *\nx = y\n", "a.py": NOISE + "y = 1\n"}, 1),
    ({"main.py": "from a import *\nfrom b import *\nx = y\n", "a.py": "y = 1\n", "b.py": "y = 2\n"}, 2),
    ({"main.py": "from a import *\nx = _y if 0 else 3\n", "a.py": "_y = 1\n"}, 3),
    ({"main.py": "from os.path import *\nfrom a import *\nx = basename(y)\n", "a.py": "y = 'p/q'\n"}, "q"),
    ({"main.py": "from a import *\nx = y\n", "a.py": "from b import *\n", "b.py": "y = 1\n"}, 1),
    ({"main.py": "from a import *\nx = math.floor(1.5)\n", "a.py": "import math\n"}, 1),
    ({"main.py": "import a.b as c\nx = c.y\n", "a/b.py": "y = 1\n"}, 1),
    ({"main.py": "import a.b as c\nx = c.y\n", "a/__init__.py": NOISE, "a/b.py": "y = 1\n"}, 1),
    ({"main.py": "import a.b\nx = a.b.y\n", "a/__init__.py": "", "a/b.py": "y = 1\n"}, 1),
    ({"main.py": "from a import b\nx = b.y\n", "a/__init__.py": "", "a/b.py": "y = 1\n"}, 1),
    (
        {
            "main.py": "from a import y as x\n",
            "a/__init__.py": "from .b import y\nfrom .c import z\n",
            "a/b.py": "y = 1\n",
        },
        1,
    ),
    ({"main.py": "from a import *\nx = y\n", "a/__init__.py": "from .b import *\n", "a/b.py": "y = 1\n"}, 1),
    ({"main.py": "import a\nx = a.b.y\n", "a/__init__.py": "from . import b\n", "a/b.py": "y = 1\n"}, 1),
    ({"main.py": "from a.b import x\n", "a/b.py": "from ..c import x\n", "c.py": "x = 1\n"}, 1),
    ({"main.py": "from a.b import x\n", "a/b.py": "from .c import x\n", "a/c.py": "x = 1\n"}, 1),
    ({"main.py": "from a.b import x\n", "a/b.py": "from c import x\n", "c.py": "x = 1\n"}, 1),
    ({"main.py": "from a.b import x\n", "a/b.py": "from c import x\n", "a/c.py": "x = 2\n", "c.py": "x = 1\n"}, 2),
    ({"main.py": "from b import x\n", "src/b.py": "x = 1\n"}, 1),
    (
        {
            "main.py": "import a\nx = a.x\n",
            "a.py": "import b\nx = b.f()\ny = 1\n",
            "b.py": "import a\ndef f(): return a.y\n",
        },
        1,
    ),
    (
        {
            "main.py": "from a import x\n",
            "a.py": "from b import f\nx = f()\ny = 1\n",
            "b.py": "from a import y\ndef f(): return y\n",
        },
        1,
    ),
    ({"main.py": "from a import y\nz = 2\nx = y\n", "a.py": "import main\ny = main.z\n"}, 2),
    ({"main.py": "import random\nx = random.random() < 1\n", "random.py": "y = 1\n"}, True),
    ({"main.py": "from random import y as x\n", "random.py": "y = 1\n"}, 1),
    ({"main.py": "from test import y as x\n", "test.py": "y = 1\n"}, 1),
    ({"main.py": "import test\nx = test.y\n", "test.py": "y = 1\n"}, 1),
    ({"main.py": "from utils import y as x\n", "utils.py": "y = 1\n"}, 1),
    ({"main.py": "import json\nx = json.dumps(1)\n", "json.py": NOISE}, "1"),
    ({"main.py": "from types import SimpleNamespace as S\nx = S(y=1).y\n", "types.py": "y = 1\n"}, 1),
    ({"main.py": "from book import y as x\n", "book.ipynb": notebook("!ls", "y = 1", NOISE)}, 1),
    ({"main.ipynb": notebook("from a import *", "x = y"), "a.py": "y = 1\n"}, 1),
    ({"main.py": "import importlib\nx = importlib.import_module('json').dumps(1)\n"}, "1"),
    ({"main.py": "x = __import__('a').y\n", "a.py": "y = 1\n"}, 1),
    ({"main.py": "import sys\nsys.path.append('..')\nfrom a import y as x\n", "a.py": "y = 1\n"}, 1),
    (
        {
            "main.py": "def f():\n    from a import y\n    import b\n    return y + b.y\nx = f()\n",
            "a.py": "y = 1\n",
            "b.py": "y = 2\n",
        },
        3,
    ),
    ({"main.py": "import a\nx = getattr(a, 'y')\n", "a.py": "y = 1\n"}, 1),
    ({"main.py": "import a\nx = getattr(a, 'z', 5)\n", "a.py": "y = 1\n"}, 5),
    ({"main.py": "import a\nx = a.__dict__.get('z', 5)\n", "a.py": "y = 1\n"}, 5),
    ({"main.py": "import a\nx = vars(a)['y']\n", "a.py": "y = 1\n"}, 1),
    ({"main.py": "import a\nx = a.anything\n", "a.py": "def __getattr__(name): return name\n"}, "anything"),
    ({"main.py": "import a\na.y = 5\nx = a.f()\n", "a.py": "y = 1\ndef f(): return y\n"}, 5),
    ({"main.py": "try:\n    import nonesuch as a\nexcept ImportError:\n    import a\nx = a.y\n", "a.py": "y = 1\n"}, 1),
    ({"main.py": "try:\n    from a import z as x\nexcept ImportError:\n    x = 7\n", "a.py": "y = 1\n"}, 7),
    ({"main.py": "from a import y as x\n", "a.py": "x = = 1\ny = 1\n"}, 1),
    (
        {
            "main.py": "import pickle\nfrom a import A\nx = pickle.loads(pickle.dumps(A())).k\n",
            "a.py": "class A:\n    k = 1\n",
        },
        1,
    ),
]


@pytest.mark.parametrize(("files", "expected"), IMPORTS)
def test_imports(tmp_path: Path, files: dict[str, str], expected: object) -> None:
    assert value(tmp_path, files, next(iter(files))) == expected


def test_all_is_heeded(tmp_path: Path) -> None:
    files = {"main.py": "y = 5\nfrom a import *\nx = y\n", "a.py": "__all__ = ['z']\nz = 1\ny = 2\n"}
    assert value(tmp_path, files) == 5


@pytest.mark.parametrize(
    ("files", "error", "words"),
    [
        ({"main.py": "from .a import x\n"}, ModuleNotFoundError, "there is no .a beside main.py"),
        ({"main.py": "from a import x\n", "a.py": "y = 1\n"}, ImportError, "cannot import name 'x'"),
        ({"main.py": "import a.b\nx = a.b\n", "a/c.py": ""}, ModuleNotFoundError, "a"),
        ({"main.py": "from a import x\n", "a.py": "x = = 1\n"}, SyntaxError, "invalid syntax"),
        (
            {"main.py": "from a import x\n", "a.py": "import nonesuch\nx = nonesuch.y\n"},
            ModuleNotFoundError,
            "nonesuch",
        ),
        ({"main.py": "from a import x\n", "a.py": "x = {}['k']\n"}, KeyError, "k"),
        ({"main.py": "import a\nx = a.x\n", "a.py": "x = 'a'.nothing\n"}, AttributeError, "nothing"),
        ({"main.py": "from book import x\n", "book.ipynb": "{"}, Exception, "JSON"),
    ],
)
def test_imports_that_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], error: type[Exception], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - it is looked at below
        value(tmp_path, files)
    assert isinstance(actual(caught.value), error)
    assert words in str(actual(caught.value))


def test_a_file_somewhere_in_the_submission_is_found_where_only_one_has_the_name(tmp_path: Path) -> None:
    files = {"code/deep/main.py": "from helper import y as x\n", "other/helper.py": "y = 1\n"}
    assert value(tmp_path, files, "code/deep/main.py") == 1
    with pytest.raises(ModuleNotFoundError):
        value(tmp_path, {**files, "third/helper.py": "y = 2\n"}, "code/deep/main.py")


def test_a_file_called_torch(tmp_path: Path) -> None:
    import torch

    files = {"main.py": "import torch\nfrom torch import nn\nx = torch, nn.Module\n", "torch.py": NOISE}
    assert value(tmp_path, files) == (torch, torch.nn.Module)


def test_two_files_of_one_name_are_two_modules(tmp_path: Path) -> None:
    files = {"a/m.py": "y = 1\n", "b/m.py": "y = 2\n", "main.py": "import a.m, b.m\nx = a.m.y, b.m.y\n"}
    assert value(tmp_path, files) == (1, 2)


def test_a_module_is_made_once(tmp_path: Path) -> None:
    files = {
        "main.py": "import a\nimport b\nx = a.k is b.a.k, a is b.a\n",
        "a.py": "k = []\n",
        "b.py": "import a\nfrom a import *\n",
    }
    assert value(tmp_path, files) == (True, True)


def test_no_bytecode_is_written(tmp_path: Path) -> None:
    value(tmp_path, {"main.py": "import a\nx = a.y\n", "a.py": "y = 1\n"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.py", "main.py"]


def test_installed() -> None:
    assert installed("json")
    assert installed("torch.nn")
    assert not installed("nonesuch")
    assert not installed("nonesuch.sub")
