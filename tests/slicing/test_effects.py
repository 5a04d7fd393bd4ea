from __future__ import annotations

import ast
from pathlib import Path

import pytest

from modelcheck.slicing.author_module import namespace_of
from modelcheck.slicing.effects import left_out, missing, set_aside
from slicing.making import module, notebook


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("for data in loader:\n    loss.backward()\n    print(1)", "trains"),
        ("train(model, loader)", "trains"),
        ("model.fit(x, y)", "trains"),
        ("d = datasets.MNIST('.', train=True, download=True)", "downloads"),
        ("urllib.request.urlretrieve(a, b)", "downloads"),
        ("os.system('pip install x')", "installs"),
        ("subprocess.run(['ls'])", "installs"),
        ("n = int(input('n'))", "reads input"),
        ("args = parser.parse_args()", "reads input"),
        ("torch.save(model, 'm.pt')", "writes"),
        ("f = open('x', 'w')", "writes"),
        ("with open('x', mode='ab') as f:\n    f.write('')", "writes"),
        ("plt.plot(x)", "plots"),
        ("print(1)", "prints"),
        ("summary(model, (1, 28, 28))", "prints"),
        ("f = open('data.txt')", None),
        ("x = 1", None),
        ("x = Net()", None),
        ("import json", None),
        ("def f():\n    print(1)", None),
        ("if __name__ == '__main__':\n    train()", None),
        ("assert x", None),
        ("'text'", None),
    ],
)
def test_kinds(tmp_path: Path, text: str, kind: str | None) -> None:
    with module(tmp_path, f"y = 1\n{text}\n") as made:
        assert made.y == 1
        found = list(left_out(made))
    assert [(one.kind, one.line) for one in found] == ([(kind, 2)] if kind else [])
    if kind:
        assert found[0].text == ast.unparse(ast.parse(text)).split("\n")[0]


def test_what_was_executed_is_not_left_out(tmp_path: Path) -> None:
    with module(tmp_path, "x = print(1)\ny = print(2)\n") as made:
        assert made.x is None
        assert [one.line for one in left_out(made)] == [2]


def test_missing(tmp_path: Path) -> None:
    text = (
        "import json, nonesuch1\nfrom nonesuch2.sub import a\nimport own\nfrom .own import y\nx = 1\n"
        "try:\n    import nonesuch3\nexcept ImportError:\n    pass\nimport torch.nonesuch4\n"
    )
    with module(tmp_path, text, own="y = 1\n") as made:
        assert made.x == 1
        found = [(one.name, one.line) for one in missing(made, object.__getattribute__(made, "_project"))]
    assert found == [("nonesuch1", 1), ("nonesuch2.sub", 2), ("nonesuch3", 7)]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("!pip install x", "installs"),
        ("%pip install x", "installs"),
        ("!apt-get -y install x", "installs"),
        ("!wget http://x", "downloads"),
        ("!git clone http://x", "downloads"),
        ("%matplotlib inline", "runs"),
        ("%%writefile x.py\nx = 1", "writes"),
        ("!nvidia-smi", "runs"),
    ],
)
def test_set_aside(tmp_path: Path, line: str, kind: str) -> None:
    with module(tmp_path, notebook("x = 1", line), "book.ipynb") as made:
        (found,) = set_aside(namespace_of(made).source)
    assert (found.kind, found.line) == (kind, 1)
    assert found.file.endswith("book.ipynb, cell 2")
