"""Which of several models is taken where the target does not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.errors import AmbiguousModel
from modelcheck.target import loaded
from target.making import failing, model, notebook

HEAD = "import torch\nfrom torch import nn\n"


def net(name: str, width: int = 1) -> str:
    """A class with ``2 * width`` parameters."""
    return (
        f"class {name}(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"        self.fc = nn.Linear(1, {width})\n"
    )


BLOCK = "class Block(nn.Module):\n    pass\n"
USING = net("Net") + "        self.block = Block()\n"

# files, the class that is taken, the file it is from, and why
CLEAR = [
    ({"a.py": net("Net")}, "Net", "a.py", "the only model"),
    ({"a.py": BLOCK + USING}, "Net", "a.py", "the others are parts or bases of it"),
    ({"a.py": USING + BLOCK}, "Net", "a.py", "the others are parts or bases of it"),
    (
        {"a.py": "class Base(nn.Module): pass\nclass Net(Base): pass\n"},
        "Net",
        "a.py",
        "the others are parts or bases of it",
    ),
    ({"a.py": net("A") + net("B", 2) + "model = B()\n"}, "B", "a.py", "the only one that a.py makes"),
    (
        {"a.py": net("A") + net("B", 2), "train.py": "from a import A\nmodel = A().to('cpu')\n"},
        *("A", "a.py", "the only one that train.py makes"),
    ),
    (
        {"a.py": net("A") + net("B", 2), "train.py": "import a\ndef main():\n    return a.B()\n"},
        *("B", "a.py", "the only one that train.py makes"),
    ),
    (
        {"models/a.py": net("Net"), "models/b.py": net("Net", 2), "train.py": "from models.b import Net\nn = Net()\n"},
        *("Net", "models/b.py", "the only one that train.py makes"),
    ),
    (
        {"a.py": net("A") + net("B", 2), "test_a.py": "from a import B\ndef test_b():\n    assert B()\n"},
        *("B", "a.py", "the only one that test_a.py makes"),
    ),
    (
        {
            "a.py": net("A") + net("B", 2),
            "train.py": "from a import A\nmodel = A()\n",
            "test_a.py": "from a import B\ndef test_b():\n    assert B()\n",
        },
        *("A", "a.py", "the only one that train.py makes"),
    ),
    (
        {"one.py": net("Net"), "two.py": "# a copy\n" + net("Net")},
        "Net",
        "two.py",
        "the only model, the same in 2 files",
    ),
    (
        {"old.py": net("Net"), "other.py": net("Net"), "train.py": "from other import Net\nNet()\n"},
        *("Net", "other.py", "the only model, the same in 2 files"),
    ),
    (
        {"book.ipynb": notebook(HEAD + net("Net"), net("Net", 2))},
        *("Net", "book.ipynb", "the only model; the last of 2 definitions"),
    ),
    ({"a.py": "net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\n"}, "net", "a.py", "the only model"),
]


def written(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = folder / "sub" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + text if name.endswith(".py") else text)
    return "sub"


@pytest.mark.parametrize(("files", "name", "file", "because"), CLEAR)
def test_one_is_clearly_meant(folder: Path, files: dict[str, str], name: str, file: str, because: str) -> None:
    with loaded(written(folder, files)) as made:
        origin = made.origin()
    assert origin is not None
    found = origin.file.partition(", cell")[0]
    assert (origin.name, found, origin.because) == (name, f"sub/{file}", because)
    assert not any(other.endswith(f"/{file}:{name}") for other in origin.others)


AMBIGUOUS = [
    {"a.py": net("A") + net("B", 2)},
    {"a.py": net("Net"), "b.py": net("Net", 2)},
    {"a.py": net("A") + net("B", 2) + "for one in (A, B):\n    print(A(), B())\n"},
    {"a.py": net("A") + net("B", 2), "README.md": "We compare A and B."},
    {"a.py": net("A") + net("B", 2), "README.md": "B was too large."},
    {"a.py": net("A") + net("B", 2) + "models = {'a': A, 'b': B}\nmodel = models['a']()\nother = B()\n"},
    {"a.py": net("A") + net("B", 2) + "import sys\nif sys.argv:\n    m = A()\nelse:\n    m = B()\n"},
    {f"{k}.py": f"WIDTH = {k}\n" + net("Net").replace(", 1)", ", WIDTH)") for k in (1, 2)},
    {"one.ipynb": notebook(HEAD + net("Net")), "two.ipynb": notebook(HEAD + net("Net", 2))},
    {"a.py": net("A") + net("B", 2), "train.py": "import a\na.A()\n", "main.py": "import a\na.B()\n"},
]


@pytest.mark.parametrize("files", AMBIGUOUS)
def test_several_could_be_meant(folder: Path, files: dict[str, str]) -> None:
    target = written(folder, files)
    error = failing(target)
    assert type(error) is AmbiguousModel
    assert sum(part.numel() for part in model(target, pick="largest").parameters()) == 4
    assert sum(part.numel() for part in model(target, pick="primary").parameters()) in (2, 4)


def test_a_name_alone_does_not_choose_among_files(folder: Path) -> None:
    target = written(folder, {"a.py": net("Net"), "b.py": net("Net", 2), "c.py": net("Other", 3)})
    error = failing(f"{target}:Net")
    assert type(error) is AmbiguousModel
    assert str(error).startswith("sub holds 2 definitions of Net, and none is clearly the one:\n  sub/a.py:Net")
    written(folder, {"train.py": "from b import Net\nmodel = Net()\n"})
    assert sum(part.numel() for part in model(f"{target}:Net").parameters()) == 4
    assert sum(part.numel() for part in model(f"{target}/a.py:Net").parameters()) == 2


def test_the_primary_is_what_a_script_makes(folder: Path) -> None:
    files = {
        "a.py": net("A"),
        "b.py": net("B", 2),
        "train.py": "from a import A\nA()\n",
        "demo.py": "import b\nb.B()\n",
    }
    with loaded(written(folder, files), pick="primary") as made:
        origin = made.origin()
    assert origin is not None
    assert (origin.name, origin.because) == ("A", "the most likely of 2 candidates")
    assert origin.others == ("sub/b.py:B",)


def test_one_that_cannot_be_built_is_not_the_largest(folder: Path) -> None:
    target = written(folder, {"a.py": net("A", 3) + net("B", 9).replace("nn.Linear(1, 9)", "undefined")})
    assert type(model(target, pick="largest")).__name__ == "A"


def test_to_list_candidates_builds_them_without_touching_the_random_state(folder: Path) -> None:
    import torch

    target = written(folder, {"a.py": net("A") + net("B", 2)})
    before = torch.random.get_rng_state()
    failing(target)
    assert torch.equal(torch.random.get_rng_state(), before)
