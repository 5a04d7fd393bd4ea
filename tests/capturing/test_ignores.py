"""Where the author's lines declare modules, and what comments there ignore."""

from __future__ import annotations

import json
import os
import runpy
import textwrap
from pathlib import Path
from typing import Any

import msgspec
import pytest
from torch import Tensor, nn

import modelcheck
from modelcheck.capturing.capture import capture_model
from modelcheck.capturing.declarations import Declarations
from modelcheck.capturing.ignores import ignored_codes
from modelcheck.errors import DamagedCapture
from modelcheck.graph.check import MAX_CODES, MAX_IGNORED, MAX_IGNORES, MAX_NAME, check_header
from modelcheck.graph.wire import Header, IgnoreInfo

HEAD = """\
from collections import OrderedDict

import torch
import torch.nn as nn
from torchvision.ops import Conv2dNormActivation


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 3)  # modelcheck: ignore[INNER]


class Net(nn.Module):
    def __init__(self, norm="batch"):
        super().__init__()
"""
TAIL = """

    def forward(self, x):
        return x.flatten(1)[:, :10]
"""


def header(text: str, folder: Path, target: str = "net.py:Net") -> Header:
    path = folder / "net.py"
    path.write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return modelcheck.capture(target, input=(1, 28, 28)).header


def net(body: str, folder: Path) -> Header:
    """Of a model with those statements in its constructor."""
    return header(HEAD + textwrap.indent(textwrap.dedent(body).strip("\n"), " " * 8) + TAIL, folder)


def modules(found: Header) -> dict[str, set[str]]:
    """The modules that the comments with each code are about."""
    paths = {one.path for one in found.modules} | {one.attribute for one in found.unregistered}
    about: dict[str, set[str]] = {}
    for one in found.ignores:
        for code in one.codes:
            about.setdefault(code, set()).update(paths.intersection(one.modules))
    return about


STATEMENTS: dict[str, tuple[str, dict[str, str]]] = {
    "an assignment": ("self.a = nn.Linear(3, 3)  # modelcheck: ignore[A]", {"A": "a"}),
    "an annotation": ("self.a: nn.Module = nn.Linear(3, 3)  # modelcheck: ignore[A]", {"A": "a"}),
    "two names": ("self.a = self.b = nn.Linear(3, 3)  # modelcheck: ignore[A]", {"A": "a"}),
    "a tuple": ("self.a, self.b = nn.Linear(3, 3), nn.ReLU()  # modelcheck: ignore[A]", {"A": "a b"}),
    "add_module": ("self.add_module('a', nn.ReLU())  # modelcheck: ignore[A]", {"A": "a"}),
    "register_module": ("self.register_module('a', nn.ReLU())  # modelcheck: ignore[A]", {"A": "a"}),
    "the neighbour is not": (
        """
        self.a = nn.ReLU()  # modelcheck: ignore[A]
        self.b = nn.ReLU()
        """,
        {"A": "a"},
    ),
    "each line of a statement": (
        """
        self.a = nn.Linear(  # modelcheck: ignore[A]
            3,  # modelcheck: ignore[B]
            3,
        )  # modelcheck: ignore[C]
        """,
        {"A": "a", "B": "a", "C": "a"},
    ),
    "a list on one line": (
        "self.a = nn.Sequential(nn.ReLU(), nn.ReLU())  # modelcheck: ignore[A]",
        {"A": "a a.0 a.1"},
    ),
    "items on lines of their own": (
        """
        self.a = nn.Sequential(  # modelcheck: ignore[A]
            nn.ReLU(),  # modelcheck: ignore[B]
            nn.Linear(  # modelcheck: ignore[C]
                3,  # modelcheck: ignore[D]
                3,
            ),  # modelcheck: ignore[E]
        )  # modelcheck: ignore[F]
        """,
        {"A": "a a.0 a.1", "B": "a.0", "C": "a.1", "D": "a.1", "E": "a.1", "F": "a a.0 a.1"},
    ),
    "items that share a line": (
        """
        self.a = nn.Sequential(
            nn.ReLU(), nn.ReLU(),  # modelcheck: ignore[A]
            nn.ReLU(),
        )
        """,
        {"A": "a.0 a.1"},
    ),
    "an item at the statement's end": (
        """
        self.a = nn.Sequential(nn.ReLU(),
                               nn.ReLU())  # modelcheck: ignore[A]
        """,
        {"A": "a a.0 a.1"},
    ),
    "lists in lists": (
        """
        self.a = nn.Sequential(
            nn.Sequential(  # modelcheck: ignore[A]
                nn.ReLU(),  # modelcheck: ignore[B]
                nn.ReLU(),
            ),
            nn.ReLU(),
        )
        """,
        {"A": "a.0 a.0.0 a.0.1", "B": "a.0.0"},
    ),
    "an ordered dict": (
        """
        self.a = nn.Sequential(OrderedDict([
            ("x", nn.ReLU()),  # modelcheck: ignore[A]
            ("y", nn.ReLU()),  # modelcheck: ignore[B]
        ]))
        """,
        {"A": "a.x", "B": "a.y"},
    ),
    "a module list": (
        """
        self.a = nn.ModuleList([
            nn.ReLU(),  # modelcheck: ignore[A]
            nn.ReLU(),
        ])
        """,
        {"A": "a.0"},
    ),
    "a module dict": (
        """
        self.a = nn.ModuleDict({
            "x": nn.ReLU(),  # modelcheck: ignore[A]
            "y": nn.ReLU(),
        })
        """,
        {"A": "a.x"},
    ),
    "what a star stands for": (
        """
        more = [nn.ReLU(), nn.ReLU()]  # modelcheck: ignore[A]
        self.a = nn.Sequential(
            nn.ReLU(),  # modelcheck: ignore[B]
            *more,  # modelcheck: ignore[C]
            nn.ReLU(),  # modelcheck: ignore[D]
        )
        """,
        {"B": "a.0", "C": "a a.0 a.1 a.2 a.3", "D": "a a.0 a.1 a.2 a.3"},
    ),
    "a library's module": (
        "self.a = Conv2dNormActivation(1, 2)  # modelcheck: ignore[A]",
        {"A": "a a.0 a.1 a.2"},
    ),
    "a class of the author's": (
        "self.a = Block()  # modelcheck: ignore[A]",
        {"A": "a", "INNER": "a.inner"},
    ),
    "branches": (
        """
        if norm == "batch":
            self.a = nn.BatchNorm2d(3)  # modelcheck: ignore[A]
        else:
            self.a = nn.GroupNorm(1, 3)  # modelcheck: ignore[B]
        """,
        {"A": "a"},
    ),
    "branches that name no class": (
        """
        make = nn.ReLU
        if norm == "batch":
            self.a = make()  # modelcheck: ignore[A]
        else:
            self.a = make()  # modelcheck: ignore[B]
        """,
        {"A": "a", "B": "a"},
    ),
    "a function inside": (
        """
        def build():
            self.a = nn.ReLU()  # modelcheck: ignore[A]
        build()
        """,
        {"A": "a"},
    ),
    "an unregistered attribute": ("self.a = [nn.ReLU()]  # modelcheck: ignore[A]", {"A": "a"}),
    "another object's attribute": (
        """
        self.b = Block()
        self.b.a = nn.ReLU()  # modelcheck: ignore[A]
        """,
        {"INNER": "b.inner"},
    ),
    "a local name": ("a = nn.ReLU()  # modelcheck: ignore[A]", {}),
    "a comment on a line of its own": (
        """
        # modelcheck: ignore[A]
        self.a = nn.Sequential(
            # modelcheck: ignore[B]
            nn.ReLU(),
        )
        """,
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "about"), STATEMENTS.values(), ids=list(STATEMENTS))
def test_a_comment_is_about_what_is_declared_on_its_line(body: str, about: dict[str, str], tmp_path: Path) -> None:
    assert modules(net(body, tmp_path)) == {code: set(paths.split()) for code, paths in about.items()}


def test_weights_are_declared_too(tmp_path: Path) -> None:
    found = net(
        """
        self.a = nn.Parameter(torch.ones(3))  # modelcheck: ignore[A]
        self.register_buffer("b", torch.ones(3))  # modelcheck: ignore[B]
        self.c = nn.Linear(3, 3)  # modelcheck: ignore[C]
        """,
        tmp_path,
    )
    assert {one.codes[0]: set(one.modules) for one in found.ignores} == {
        "A": {"a"},
        "B": {"b"},
        "C": {"c", "c.weight", "c.bias"},
    }


PLACES: dict[str, tuple[str, dict[str, int]]] = {
    "statements": ("self.a = nn.ReLU()\nself.b = nn.Linear(\n    3,\n    3,\n)", {"a": 0, "b": 1}),
    "items": ("self.a = nn.Sequential(\n    nn.ReLU(),\n    nn.ReLU(),\n)", {"a": 0, "a.0": 1, "a.1": 2}),
    "an item in a loop": ("self.a = nn.Sequential(*[nn.ReLU() for _ in range(2)])", {"a": 0, "a.0": 0, "a.1": 0}),
    "a library's": ("self.a = Conv2dNormActivation(1, 2)", {"a": 0, "a.0": 0, "a.1": 0, "a.2": 0}),
    "branches": (
        "if norm == 'none':\n    self.a = nn.Identity()\nelse:\n    self.a = nn.BatchNorm2d(3)",
        {"a": 3},
    ),
    "a name that is computed": ("for i in range(2):\n    setattr(self, f'a{i}', nn.ReLU())", {}),
}  # fmt: skip


@pytest.mark.parametrize(("body", "lines"), PLACES.values(), ids=list(PLACES))
def test_where_modules_are_declared(body: str, lines: dict[str, int], tmp_path: Path) -> None:
    first = HEAD.count("\n") + 1
    assert net(body, tmp_path).places() == {path: ("net.py", first + line) for path, line in lines.items()}


def test_where_unregistered_modules_are_held(tmp_path: Path) -> None:
    found = net("self.a = [nn.ReLU(), nn.ReLU()]", tmp_path)
    line = HEAD.count("\n") + 1
    assert [(one.path, one.file, one.line) for one in found.unregistered] == [
        ("a[0]", "net.py", line),
        ("a[1]", "net.py", line),
    ]
    assert found.places() == {"a": ("net.py", line)}


def test_the_nearest_class_declares(tmp_path: Path) -> None:
    text = """
    import torch.nn as nn

    class Base(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.ReLU()  # modelcheck: ignore[A]
            self.b = nn.ReLU()  # modelcheck: ignore[B]

        def forward(self, x):
            return x.flatten(1)

    class Net(Base):
        def __init__(self):
            super().__init__()
            self.setup()

        def setup(self):
            self.b = nn.ReLU()  # modelcheck: ignore[C]
    """
    assert modules(header(textwrap.dedent(text), tmp_path)) == {"A": {"a"}, "C": {"b"}}


FORWARD = """\
import torch.nn as nn

class Net(nn.Module):
    def forward(self, x):
        x = x.flatten(1).relu()  # modelcheck: ignore[A]
        for _ in range(2):
            x = x.tanh()  # modelcheck: ignore[B]
        y = 3  # modelcheck: ignore[C]
        return 2 * x  # modelcheck: ignore[D]
"""


def test_comments_on_lines_of_forward(tmp_path: Path) -> None:
    found = header(FORWARD, tmp_path)
    assert found.ignores == (
        IgnoreInfo(file="net.py", line=5, codes=("A",)),
        IgnoreInfo(file="net.py", line=7, codes=("B",)),
        IgnoreInfo(file="net.py", line=9, codes=("D",)),
    )


def test_a_notebook(tmp_path: Path) -> None:
    cells = [
        "!pip install torch\nimport torch.nn as nn",
        "%matplotlib inline\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.a = nn.ReLU()  # modelcheck: ignore[A]\n\n"
        "    def forward(self, x):\n        return x.flatten(1)  # modelcheck: ignore[B]\n",
    ]
    made = [{"cell_type": "code", "source": cell, "metadata": {}, "outputs": []} for cell in cells]
    (tmp_path / "book.ipynb").write_text(json.dumps({"cells": made, "metadata": {}, "nbformat": 4}))
    found = header("", tmp_path, "book.ipynb:Net")
    assert found.places() == {"a": ("book.ipynb, cell 2", 5)}
    assert found.ignores == (
        IgnoreInfo(file="book.ipynb, cell 2", line=5, modules=("a",), codes=("A",)),
        IgnoreInfo(file="book.ipynb, cell 2", line=8, codes=("B",)),
    )


OTHER = """\
import torch.nn as nn

class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.ReLU()  # modelcheck: ignore[{code}]
"""


class Holder(nn.Module):
    """Never calls what it holds, so that nothing but the declaration is read of the other's file."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self._modules["inner"] = inner

    def forward(self, x: Tensor) -> Tensor:
        return x * 2


def test_a_file_that_was_changed_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "other.py"
    for code in ("A", "CHANGED"):
        path.write_text(OTHER.format(code=code))
        inner = runpy.run_path(str(path))["Inner"]()
        assert modules(capture_model(Holder(inner), (4,)).header) == {code: {"inner.a"}}


def test_a_file_that_does_not_fit_its_code_says_nothing(tmp_path: Path) -> None:
    body = 'open(__file__, "w").write("(" * 99)\nself.a = nn.ReLU()  # modelcheck: ignore[A]'
    found = net(body, tmp_path)
    assert (found.places(), found.ignores) == ({}, ())


class Here(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(4, 4)  # modelcheck: ignore[A]

    def forward(self, x: Tensor) -> Tensor:
        return self.a(x)  # modelcheck: ignore[B]


def test_a_model_that_is_built_already() -> None:
    found = capture_model(Here(), (4,)).header
    first = Here.__init__.__code__.co_firstlineno
    shown = os.path.relpath(__file__) if Path(__file__).is_relative_to(Path.cwd()) else __file__
    assert found.places() == {"a": (shown, first + 2)}
    assert [(one.file, one.line, one.codes) for one in found.ignores] == [
        (shown, first + 2, ("A",)),
        (shown, first + 5, ("B",)),
    ]


class Hostile(type):
    def __getattribute__(cls, name: str) -> Any:
        raise SystemExit(0)

    def __hash__(cls) -> int:
        raise SystemExit(0)


def test_a_class_that_answers_nothing_is_read_all_the_same() -> None:
    kind = Hostile("Kind", (Here,), {})
    model = object.__new__(kind)
    nn.Module.__init__(model)
    nn.Module.__setattr__(model, "a", nn.Linear(4, 4))

    found = Declarations(Holder(model)).of("inner.a")
    assert found is not None
    assert found.line == Here.__init__.__code__.co_firstlineno + 2


def test_code_that_no_file_holds_says_nothing() -> None:
    names: dict[str, Any] = {}
    text = "import torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    text += "        self.a = nn.ReLU()  # modelcheck: ignore\n    def forward(self, x): return x * 2\n"
    exec(compile(text, "<made>", "exec"), names)
    found = capture_model(names["Net"](), (4,)).header
    assert (found.places(), found.ignores) == ({}, ())


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        ("x = 1  # modelcheck: ignore", ()),
        ("x = 1  # modelcheck: ignore\n", ()),
        ("x = 1  #modelcheck:ignore", ()),
        ("x = 1  # Modelcheck: Ignore", ()),
        ("x = 1  # modelcheck: ignore  # noqa", ()),
        ("x = 1  # noqa: E501  # modelcheck: ignore[MC402]", ("MC402",)),
        ("x = 1  # modelcheck: ignore[MC402]", ("MC402",)),
        ("x = 1  # modelcheck: ignore [ mc402 , double-activation,]", ("mc402", "double-activation")),
        ("x = 1  # modelcheck: ignore[MC402] as in the paper", ("MC402",)),
        (f"x = 1  # modelcheck: ignore[{'x' * 99}]", ("x" * 80,)),
        (f"x = 1  # modelcheck: ignore[{','.join(['x'] * 999)}]", ("x",) * MAX_CODES),
        ("# modelcheck: ignore", None),
        ("    # modelcheck: ignore[MC402]", None),
        ("    # x = 1  # modelcheck: ignore[MC402]", None),
        ("x = 1  # modelcheck: ignore[]", None),
        ("x = 1  # modelcheck: ignore[ , ]", None),
        ("x = 1  # modelcheck: ignore[MC402", None),
        ("x = 1  # modelcheck: ignore MC402", None),
        ("x = 1  # modelcheck: ignored", None),
        ("x = 1  # modelcheck ignore", None),
        ("x = 1  # ignore[MC402]", None),
        ("modelcheck: ignore", None),
        ("", None),
    ],
)
def test_how_a_comment_is_written(line: str, codes: tuple[str, ...] | None) -> None:
    assert ignored_codes(line) == codes


@pytest.mark.parametrize(
    "ignores",
    [
        [IgnoreInfo(file="x", line=1)] * (MAX_IGNORES + 1),
        [IgnoreInfo(file="x", line=1, modules=("a",) * (MAX_IGNORED + 1))],
        [IgnoreInfo(file="x", line=1, modules=("a" * (MAX_NAME + 1),))],
        [IgnoreInfo(file="x", line=1, codes=("a" * (MAX_NAME + 1),))],
        [IgnoreInfo(file="x", line=1, codes=("a",) * (MAX_CODES + 1))],
        [IgnoreInfo(file="x" * (MAX_NAME + 1), line=1)],
        [IgnoreInfo(file="x", line=-1)],
        [IgnoreInfo(file="x", line=2**70)],
    ],
)
def test_a_capture_is_bounded(ignores: list[IgnoreInfo]) -> None:
    found = capture_model(Here(), (4,)).header
    check_header(found)
    with pytest.raises(DamagedCapture, match="comment"):
        check_header(msgspec.structs.replace(found, ignores=tuple(ignores)))


@pytest.mark.parametrize("place", [{"file": "x" * (MAX_NAME + 1)}, {"line": -1}, {"line": 2**70}])
def test_places_in_a_capture_are_bounded(place: dict[str, Any]) -> None:
    found = capture_model(Here(), (4,)).header
    moved = tuple(msgspec.structs.replace(one, **place) for one in found.modules)
    with pytest.raises(DamagedCapture, match="a module has an impossible place"):
        check_header(msgspec.structs.replace(found, modules=moved))


def test_no_more_is_captured_than_a_capture_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelcheck.capturing.ignores.MAX_IGNORED", 1)
    assert [len(one.modules) for one in capture_model(Here(), (4,)).header.ignores] == [1, 0]
    monkeypatch.setattr("modelcheck.capturing.ignores.MAX_IGNORES", 1)
    assert len(capture_model(Here(), (4,)).header.ignores) == 1


def test_captures_written_before_have_none() -> None:
    found = msgspec.json.decode(msgspec.json.encode(capture_model(Here(), (4,)).header))
    del found["ignores"]
    for module in found["modules"]:
        del module["file"], module["line"]
    loaded = msgspec.convert(found, Header)
    assert (loaded.ignores, loaded.places()) == ((), {})


def test_the_models_of_a_library_declare_nothing() -> None:
    from torchvision.models import squeezenet1_1

    found = capture_model(squeezenet1_1(), (3, 64, 64)).header
    assert (found.places(), found.ignores) == ({}, ())
