from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.errors import ConstructorError, LoadError, UsageError
from target.making import NET, ONE, failing, model, write


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("net.py:Plain", "class Plain, which is not a subclass of nn.Module"),
        ("net.py:WIDTH", "an object of class int"),
        ("net.py:nn", "the Python module torch.nn"),
        ("net.py:make_tensor", "a function that returned Tensor"),
        ("net.py:os.getcwd", "a function that returned str"),
        ("net:os.getcwd", "a function that returned str"),
    ],
)
def test_no_model(folder: Path, target: str, words: str) -> None:
    error = failing(target)
    assert isinstance(error, LoadError)
    assert error.code == "MC001"
    assert words in str(error)


@pytest.mark.parametrize("target", ["net:make_class", "net.py:make_class"])
def test_a_function_may_return_the_class(folder: Path, target: str) -> None:
    assert type(model(target)).__name__ == "Net"


@pytest.mark.parametrize("answer", ["return nn.Module", "raise RuntimeError"])
def test_a_spoofed_class_is_no_model(folder: Path, answer: str) -> None:
    write(
        folder,
        spoof="from torch import nn\nclass Spoof:\n"
        f"    @property\n    def __class__(self):\n        {answer}\n"
        "spoof = Spoof()\n",
    )
    assert "an object of class Spoof" in str(failing("spoof.py:spoof"))
    assert "an object of class Spoof" in str(failing("spoof:spoof"))


@pytest.mark.parametrize("target", ["magic.py:Net", "magic:Net"])
def test_a_module_that_answers_to_every_name_with_an_exception(folder: Path, target: str) -> None:
    write(folder, magic="def __getattr__(name):\n    raise RuntimeError(name)\n")
    error = failing(target)
    assert isinstance(error, LoadError)
    assert (error.file, error.line) == ("magic.py", 2)


def test_an_instance_takes_no_arguments(folder: Path) -> None:
    for target in ("net:instance", "net.py:instance"):
        error = failing(target, width=3)
        assert type(error) is UsageError
        assert "instance is a model already" in str(error)


def line_of(text: str) -> int:
    return NET.splitlines().index(text) + 1


def test_missing_arguments_are_named(folder: Path) -> None:
    error = failing("net.py:Needs", width=3)
    assert isinstance(error, ConstructorError)
    assert (error.code, error.exit_status, error.file) == ("MC002", 3, "net.py")
    assert error.line == line_of('    def __init__(self, width, classes, act="relu"):')
    assert str(error) == "Needs(width, classes, act='relu') needs classes: give --arg classes=..."
    assert "give --arg width=... --arg classes=..." in str(failing("net.py:Needs"))


def test_defaults_that_cannot_be_shown_are_dots(folder: Path) -> None:
    write(
        folder,
        odd=ONE.replace("pass", "def __init__(self, width, big=10**5000, act=nn.ReLU()):\n        super().__init__()"),
    )
    assert str(failing("odd.py")).startswith("Only(width, big=..., act=...) needs width")


def test_unknown_argument(folder: Path) -> None:
    error = failing("net.py:Net", widht=3)
    assert isinstance(error, ConstructorError)
    assert "'widht'; did you mean width?" in str(error)
    assert "Net(width=4, depth=1)" in str(error)


def test_constructor_raises(folder: Path) -> None:
    error = failing("net.py:Net", width=-1)
    assert isinstance(error, ConstructorError)
    assert error.file == "net.py"
    assert error.line == line_of(
        "        self.layers = nn.Sequential(*(nn.Linear(width, width) for _ in range(depth)))"
    )
    assert "RuntimeError: Trying to create tensor with negative dimension" in str(error)
    assert f"net.py, line {error.line}: " in str(error)


@pytest.mark.parametrize("target", ["lying.py:make", "lying:make"])
def test_factory_without_a_true_signature(folder: Path, target: str) -> None:
    write(folder, lying=ONE + "def make(width): return Only()\nmake.__signature__ = 3\n")
    error = failing(target)
    assert isinstance(error, ConstructorError)
    assert "TypeError: make() missing 1 required positional argument: 'width'" in str(error)
    assert error.file is None, "our own line is not the author's"


# --- arguments that the submission itself shows

CLASS = """
from torch import nn
class Net(nn.Module):
    def __init__(self, width, rate=0.1):
        super().__init__()
        self.given = width, rate
"""


@pytest.mark.parametrize(
    ("use", "given"),
    [
        ("net = Net(3)\n", (3, 0.1)),
        ("net = Net(width=3).to('cpu')\n", (3, 0.1)),
        ("W = 2 * 2\nnet = Net(W)\n", (4, 0.1)),
        ("def main():\n    return Net((1, 2))\n", ((1, 2), 0.1)),
        ("CFG = {'w': [5]}\nif __name__ == '__main__':\n    net = Net(CFG['w'][0])\n", (5, 0.1)),
        ("net = Net(3)\nsame = Net(3)\n", (3, 0.1)),
        ("net = Net(3, 0.5)\n", (3, 0.5)),
        ("import sys\nnet = Net(3, float(sys.argv[9]))\n", (3, 0.1)),
        ("w = 3\nnet = Net(w)\nw = 4\n", (3, 0.1)),
        ("for w in (1, 2):\n    Net(w)\nnet = Net(7)\n", (7, 0.1)),
        ("def make(width):\n    return Net(width)\nnet = Net(7)\n", (7, 0.1)),
        ("class Other:\n    def make(self):\n        return Net(8)\n", (8, 0.1)),
    ],
)
def test_required_arguments_are_those_that_the_file_shows(folder: Path, use: str, given: tuple[object, ...]) -> None:
    write(folder, shown=CLASS + use)
    assert model("shown.py:Net").given == given
    assert model("shown.py:Net", width=11).given == (11, 0.1), "what the command gives comes first"


@pytest.mark.parametrize(
    "use",
    [
        "",
        "net = Net(*ARGS)\n",
        "net = Net(int(input()))\n",
        "net = Net(compute())\n",
        "def f(width):\n    return Net(width)\n",
        "for width in (1, 2):\n    Net(width)\n",
        "net = Net()\n",
        "width = open('marker', 'w')\nNet(width)\n",
    ],
)
def test_what_would_have_to_be_executed_shows_nothing(folder: Path, use: str) -> None:
    write(folder, shown=CLASS + use)
    error = failing("shown.py:Net")
    assert isinstance(error, ConstructorError)
    assert str(error) == "Net(width, rate=0.1) needs width: give --arg width=..."
    assert not (folder / "marker").exists()


def test_different_arguments_are_listed(folder: Path) -> None:
    write(folder, shown=CLASS + "a = Net(3)\nb = Net(4)\n", train="from shown import Net\nnet = Net(width=5)\n")
    error = failing("shown.py:Net")
    assert isinstance(error, ConstructorError)
    assert "needs width: give --arg width=...\nThe submission shows different ones: " in str(error)
    for words in ("width=3 (shown.py, line 7)", "width=4 (shown.py, line 8)", "width=5 (train.py, line 2)"):
        assert words in str(error)
