from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.slicing.candidates import Candidate, Candidates
from modelcheck.slicing.project import Project
from slicing.making import notebook, written


def candidates(folder: Path, *files: str, **named: str) -> Candidates:
    """Of the files ``a.py``, ``b.py`` and so on, or of those named."""
    made = {f"{'abcdef'[place]}.py": text for place, text in enumerate(files)}
    made |= {name.replace("__", "."): text for name, text in named.items()}
    return Candidates(Project(folder, written(folder, made)))


def names(those: Candidates) -> list[str]:
    return [f"{one.path.stem}.{one.name}" for one in those.all]


CLASS = "class Net(nn.Module):\n    pass\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (CLASS, ["Net"]),
        ("class Net(torch.nn.Module): pass\n", ["Net"]),
        ("class Net(Module): pass\n", ["Net"]),
        ("class Net(pl.LightningModule): pass\n", ["Net"]),
        ("class Net(nn.Sequential): pass\n", ["Net"]),
        ("class Net(nn.Module,\n          Mixin): pass\n", ["Net"]),
        ("class Net(Mixin, nn.Module, metaclass=M): pass\n", ["Net"]),
        ("class A(B): pass\nclass B(nn.Module): pass\n", ["A", "B"]),
        ("class A: pass\nclass B(dict): pass\nclass C(Exception): pass\n", []),
        ("class A(Dataset): pass\n" + CLASS, ["Net"]),
        (CLASS + CLASS, ["Net"]),
        ("@register\n" + CLASS, ["Net"]),
        ("@register(\n    'net',\n)\n" + CLASS, ["Net"]),
        ("# class A(nn.Module): pass\n'''\nclass B(nn.Module): pass\n'''\n" + CLASS, ["Net"]),
        ("class Broken(nn.Module)\n    pass\n" + CLASS, ["Net"]),
        ("if True:\n    class Net(nn.Module):\n        pass\n", ["Net"]),
        ("try:\n    import x\nexcept ImportError:\n    class Net(nn.Module): pass\n", ["Net"]),
        ("def f():\n    class Net(nn.Module): pass\n    return Net()\n", ["f"]),
        ("net = nn.Sequential(nn.Linear(1, 1))\n", ["net"]),
        ("net: nn.Module = torch.nn.Sequential(\n    nn.Linear(1, 1))\n", ["net"]),
        ("net = nn.Sequential()\n" + CLASS, ["Net", "net"]),
        ("\f\n" + CLASS, ["Net"]),
        ("x = 1; y = 2\n" + CLASS, ["Net"]),
    ],
)
def test_what_could_be_the_model(tmp_path: Path, text: str, found: list[str]) -> None:
    assert [name.partition(".")[2] for name in names(candidates(tmp_path, text))] == found


def test_a_base_in_another_file(tmp_path: Path) -> None:
    assert names(
        candidates(tmp_path, "from b import Base\nclass Net(Base): pass\n", "class Base(nn.Module): pass\n")
    ) == [
        "a.Net",
        "b.Base",
    ]


def test_the_last_definition_is_the_one(tmp_path: Path) -> None:
    (one,) = candidates(tmp_path, book__ipynb=notebook(CLASS, "x = 1", CLASS)).all
    assert one.statement.file.endswith("book.ipynb, cell 3")


def test_an_unreadable_file_is_passed_over(tmp_path: Path) -> None:
    assert names(candidates(tmp_path, CLASS, book__ipynb="{")) == ["a.Net"]


def one_of(those: Candidates, name: str) -> Candidate:
    return next(one for one in those.all if f"{one.path.stem}.{one.name}" == name)


def users(those: Candidates, name: str) -> list[str]:
    return [f"{use.path.name}:{use.line}" for use in those.uses[one_of(those, name).key]]


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        ("from a import Net\nNet()\n", ["b.py:2"]),
        ("from a import Net as N\nN()\n", ["b.py:2"]),
        ("import a\nmodel = a.Net().to(device)\n", ["b.py:2"]),
        ("import a as m\nm.Net(1, k=2)\n", ["b.py:2"]),
        ("from a import *\ndef main():\n    return Net()\n", ["b.py:3"]),
        ("from a import Net\nmodels = [Net() for _ in range(3)]\n", ["b.py:2"]),
        ("from a import Net\nclass Trainer:\n    def __init__(self):\n        self.net = Net()\n", ["b.py:4"]),
        ("from a import Net\nprint(Net)\n", []),
        ("# Net()\nx = 'Net()'\n", []),
    ],
)
def test_uses(tmp_path: Path, use: str, expected: list[str]) -> None:
    assert users(candidates(tmp_path, CLASS, use), "a.Net") == expected


def test_of_two_of_a_name_the_imported_one_is_used(tmp_path: Path) -> None:
    those = candidates(tmp_path, CLASS, CLASS, "from b import Net\nNet()\n")
    assert users(those, "a.Net") == []
    assert users(those, "b.Net") == ["c.py:2"]


def test_parts(tmp_path: Path) -> None:
    text = "class Block(nn.Module): pass\nclass Net(nn.Module):\n    def __init__(self):\n        self.b = Block()\n"
    those = candidates(tmp_path, text + "class Other(nn.Module): pass\n")
    assert {name for _, name in those.parts} == {"Block"}


def test_a_super_of_a_former_name_makes_no_part(tmp_path: Path) -> None:
    copied = "class Later(nn.Module):\n    def __init__(self):\n        super(Net, self).__init__()\n"
    assert candidates(tmp_path, CLASS, copied).parts == {}


def test_alike(tmp_path: Path) -> None:
    body = "class Net(nn.Module):\n    def f(self):\n        return 1\n"
    those = candidates(tmp_path, body, body.replace("    def", "\n    # comment\n    def"), body.replace("1", "2"))
    first, second, third = (those.like(one) for one in those.all)
    assert first == second != third
