"""What a wrong command, a file without a model and the author's faults give."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.errors import AmbiguousModel, LoadError, NoModel, UsageError
from modelcheck.target import TargetNotFound, loaded
from target.making import ONE, failing, model, notebook, write

# --- the command is wrong: exit 2


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("", ["names nothing", "path/net.py:Net", "path/book.ipynb:Net"]),
        ("  ", ["names nothing"]),
        ("a\0b", ["names nothing"]),
        (":Net", ["no module's name before the colon"]),
        ("net..x:Net", ["no module's name"]),
        ("net.py:", ["no name after the colon"]),
        ("net:", ["no name after the colon"]),
        ("net.py:@12", ["no name after the colon"]),
        ("net:make net", ["cannot be a name"]),
        ("net:Net()", ["without a call", "--arg"]),
        ("net.py:Net@", ["a line or a cell is expected after the @", "Net@120", "Net@cell7"]),
        ("net.py:Net@0", ["a line or a cell is expected"]),
        ("net.py:Net@cell", ["a line or a cell is expected"]),
        ("net:Net@12", ["a line or a cell is chosen in a file"]),
        ("./notes.txt", ["'.txt' cannot be read"]),
    ],
)
def test_malformed_and_unsupported(folder: Path, target: str, words: list[str]) -> None:
    (folder / "notes.txt").write_text("")
    error = failing(target)
    assert type(error) is UsageError
    assert error.exit_status == 2
    for word in words:
        assert word in str(error)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("nett:Net", ["no module 'nett'", "did you mean", "net"]),
        ("torchvisio.models:resnet18", ["no module 'torchvisio'", "torchvision"]),
        ("torchvision.model:resnet18", ["no module 'model' in torchvision", "torchvision.models"]),
        ("net.Net", ["net.Net is no module", "did you mean net:Net?"]),
        ("qqqqqq", ["no module 'qqqqqq'"]),
        ("sub.mod:Net", ["no module 'sub'"]),
        ("Net.py:Net", ["no such file", "did you mean net.py?"]),
        ("./net:Net", ["no such file", "did you mean net.py?"]),
        ("bok.ipynb", ["no such file", "did you mean book.ipynb?"]),
        ("xyz.py", ["no such file", "there are book.ipynb, built.py, empty.py, net.py"]),
        ("none/net.py", ["no such file", "no .py file and no notebook in none"]),
        ("x" * 5000 + ".py", ["no such file"]),
        ("x/" * 5000 + "y" * 300, ["no such file"]),
        ("x" * 300, ["no module"]),
        ("\ud800\x1b[1m.py", [r"\ud800\x1b[1m.py: no such file"]),
        ("net.py:Nat", ["net.py has no 'Nat'", "did you mean Net", "  net.py:Needs"]),
        ("net.py:Net.Iner", ["net.py:Net has no 'Iner'", "did you mean Inner"]),
        ("net.py:print", ["net.py has no 'print'"]),
        (".:Nat", ["has no 'Nat'", "did you mean Net", "  ./net.py:Needs"]),
        ("book.ipynb:Onyl", ["book.ipynb has no 'Onyl'", "did you mean Only", "  book.ipynb:Only"]),
        ("net:Net.Iner", ["net:Net has no 'Iner'", "did you mean Inner"]),
        ("net:zzz", ["net has no 'zzz' (it was loaded from net.py)", "  net:Net\n"]),
        ("empty", ["empty defines no class of nn.Module", "empty:make_net"]),
        ("built", ["defines no class of nn.Module", "  built:model"]),
    ],
)
def test_nothing_has_that_name(folder: Path, target: str, words: list[str]) -> None:
    write(
        folder,
        empty="from torch.nn import Linear\n",
        built="from torch.nn import Linear\nmodel = Linear(1, 1)\n",
    )
    (folder / "book.ipynb").write_text(notebook(ONE))
    error = failing(target)
    assert type(error) is TargetNotFound
    assert error.exit_status == 2
    for word in words:
        assert word in str(error)
    assert "Linear" not in str(error), "what torch brings is no candidate"


def test_a_name_in_two_files_of_a_folder(folder: Path) -> None:
    write(folder, one="def make(): pass\n", two="def make(): pass\n")
    error = failing(".:make")
    assert type(error) is TargetNotFound
    assert "make is in one.py, two.py: name the file too" in str(error)


# --- no model, or several: exit 3, a report


def test_several_models_are_listed_ready_to_paste(folder: Path) -> None:
    (folder / "my net.py").write_text(
        ONE + "class Fc(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.fc = nn.Linear(784, 10)\n"
    )
    error = failing("my net.py")
    assert type(error) is AmbiguousModel
    assert (error.code, error.exit_status) == ("MC605", 3)
    first, *listed, last = str(error).splitlines()
    assert first == "my net.py holds 2 models, and none is clearly the one:"
    assert [" ".join(line.split()) for line in listed] == [
        '"my net.py:Only" line 2 0 parameters',
        f'"my net.py:Fc" line 4 {784 * 10 + 10:,} parameters',
    ]
    assert "--pick primary, largest or all" in last


def test_candidates_that_cannot_be_built_say_why(folder: Path) -> None:
    write(
        folder,
        many=ONE
        + "class Broken(nn.Module):\n    def __init__(self):\n        super().__init__()\n        1 / 0\n"
        + "class Needy(nn.Module):\n    def __init__(self, width):\n        pass\n"
        + "class Missing(nn.Module):\n    act = nonesuch.Act\n",
    )
    lines = {line.split()[0].rpartition(":")[2]: line for line in str(failing("many.py")).splitlines()[1:-1]}
    assert list(lines) == ["Only", "Broken", "Needy", "Missing"]
    assert "ZeroDivisionError" in lines["Broken"]
    assert "needs --arg width=..." in lines["Needy"]
    assert "cannot be loaded" in lines["Missing"]


def test_the_candidates_of_a_notebook_are_told_with_their_cells(folder: Path) -> None:
    (folder / "book.ipynb").write_text(notebook("1\n", ONE, "\n" + ONE.replace("Only", "Other")))
    text = str(failing("book.ipynb"))
    assert "book.ipynb:Only" in text
    assert "cell 2, line 2" in text
    assert "cell 3, line 3" in text


def test_long_lists_are_cut(folder: Path) -> None:
    write(folder, many="".join(ONE.replace("Only", f"Net{i}").replace("pass", f"n = {i}") for i in range(50)))
    lines = str(failing("many.py")).splitlines()
    assert lines[0].startswith("many.py holds 50 models")
    assert lines[-2] == "  … and 30 more"
    assert len(lines) == 23


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["1 file without a class or a function"]),
        ("raise RuntimeError('no')\n", ["1 file without a class or a function"]),
        ("class A: pass\nclass B(dict): pass\ndef f(): pass\n", ["2 classes (A, B)", "1 function (f)"]),
    ],
)
def test_no_model_tells_what_there_is(folder: Path, text: str, words: list[str]) -> None:
    write(folder, some=text)
    error = failing("some.py")
    assert type(error) is NoModel
    assert (error.code, error.exit_status) == ("MC604", 3)
    assert "some.py holds no class that derives from nn.Module" in str(error)
    for word in words:
        assert word in str(error)


def test_a_folder_without_sources(folder: Path) -> None:
    (folder / "void").mkdir()
    (folder / "void" / "report.pdf").write_bytes(b"%PDF")
    error = failing("./void")
    assert type(error) is NoModel
    assert "no source file" in str(error)


def test_a_folder_with_a_notebook_that_cannot_be_read_is_searched_all_the_same(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "broken.ipynb").write_text('{"cells": [')
    write(folder / "sub", empty="")
    error = failing("./sub")
    assert type(error) is NoModel
    assert "sub/broken.ipynb cannot be read: its JSON is broken" in str(error)
    write(folder / "sub", only=ONE)
    assert type(model("./sub")).__name__ == "Only"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("{", "its JSON is broken"),
        ("[]", "it is no notebook"),
        ("{}", "its JSON has no cells"),
        ('{"cells": []}', "it has no code"),
        ('{"cells": [{"cell_type": "code", "source": "1"}], "metadata": {"kernelspec": {"language": "R"}}}', "in r"),
    ],
)
@pytest.mark.parametrize("name", ["", ":Net"])
def test_a_notebook_that_is_none(folder: Path, text: str, words: str, name: str) -> None:
    (folder / "book.ipynb").write_text(text)
    error = failing("book.ipynb" + name)
    assert type(error) is LoadError
    assert error.file == "book.ipynb"
    assert "book.ipynb cannot be read" in str(error)
    assert words in str(error)


# --- the author's code is wrong: exit 3

BAD = [
    ("x = 1\n1 / 0\n", 2, ["ZeroDivisionError: division by zero"]),
    ("import json\n\njson.loads('{')\n", 3, ["JSONDecodeError"]),
    ("def f():\n    raise SystemExit(0)\nf()\n", 2, ["SystemExit: 0", "__main__"]),
    ("def f(:\n", 1, ["SyntaxError"]),
    ("if True:\nx = 1\n", 2, ["IndentationError"]),
    ("class E(BaseException): pass\nraise E('own')\n", 2, ["E: own"]),
    ("raise GeneratorExit\n", 1, ["GeneratorExit"]),
    ("raise StopIteration\n", 1, ["StopIteration"]),
    ("def f(): f()\nf()\n", 1, ["RecursionError"]),
    ("\nimport nonesuch.part\n", 2, ["'nonesuch'", "pip install nonesuch"]),
    ("import sklearn_x, cv2\n", 1, ["pip install sklearn_x"]),
    ("exec('1 / 0')\n", 1, ["ZeroDivisionError"]),
]


@pytest.mark.parametrize("target", ["bad", "bad:Net"])
@pytest.mark.parametrize(("source", "line", "words"), BAD)
def test_import_fails(folder: Path, target: str, source: str, line: int, words: list[str]) -> None:
    write(folder, bad=source)
    error = failing(target)
    assert isinstance(error, LoadError)
    assert (error.code, error.exit_status, error.file, error.line) == ("MC001", 3, "bad.py", line)
    for word in (f"bad.py, line {line}: ", *words):
        assert word in str(error)


@pytest.mark.parametrize("source", [source for source, _, _ in BAD])
@pytest.mark.parametrize("where", ["before", "after"])
def test_a_file_loads_whatever_the_statements_do_that_the_model_does_not_need(
    folder: Path, source: str, where: str
) -> None:
    write(folder, good=source + ONE if where == "before" else ONE + source)
    assert type(model("good.py")).__name__ == "Only"


NEEDED = [
    ("1 / 0", 2, "ZeroDivisionError: division by zero"),
    ("{}['key']", 2, "KeyError: 'key'"),
    ("'text'.nothing", 2, "AttributeError: 'str' object has no attribute 'nothing'"),
    ("next(iter(()))", 2, "StopIteration"),
    ("json.loads('{')", 2, "JSONDecodeError"),
    ("sys.exit(3)", 2, "SystemExit: 3"),
    ("undefined", 2, "NameError: name 'undefined' is not defined"),
    ("[][0]", 2, "IndexError"),
    ("__import__('nonesuch')", 2, "pip install nonesuch"),
]


@pytest.mark.parametrize(("expression", "line", "words"), NEEDED)
@pytest.mark.parametrize("place", ["in the class", "in a default", "as a base", "as a decorator", "in the constructor"])
def test_a_statement_that_the_model_needs_fails(
    folder: Path, expression: str, line: int, words: str, place: str
) -> None:
    text = (
        f"import json, sys\nNEEDED = {expression}\n"
        + {
            "in the class": ONE.replace("pass", "needed = NEEDED"),
            "in a default": ONE.replace("pass", "def __init__(self, needed=NEEDED):\n        super().__init__()"),
            "as a base": ONE.replace("nn.Module", "nn.Module, NEEDED"),
            "as a decorator": ONE.replace("class", "@NEEDED\nclass"),
            "in the constructor": ONE.replace(
                "pass", "def __init__(self):\n        super().__init__(); self.n = NEEDED"
            ),
        }[place]
    )
    write(folder, bad=text)
    error = failing("bad.py")
    in_constructor = place == "in the constructor" and "nonesuch" not in words
    assert (error.code, error.exit_status) == ("MC002" if in_constructor else "MC001", 3)  # type: ignore[attr-defined]
    assert (error.file, error.line) == ("bad.py", line)  # type: ignore[attr-defined]
    assert f"bad.py, line {line}: " in str(error)
    assert words in str(error)


@pytest.mark.parametrize("name", ["bad.py", "bad.py:Net"])
@pytest.mark.parametrize("ending", ["py", "ipynb"])
def test_the_class_itself_is_no_python(folder: Path, name: str, ending: str) -> None:
    text = "from torch import nn\n\nclass Net(nn.Module):\n    def __init__(self):\n        self.a = = 1\n"
    (folder / f"bad.{ending}").write_text(text if ending == "py" else notebook("1", text))
    error = failing(name.replace("py", ending))
    assert type(error) is LoadError
    assert error.line == 5
    assert error.file == ("bad.py" if ending == "py" else "bad.ipynb, cell 2")
    assert "SyntaxError: invalid syntax" in str(error)


def test_a_package_that_the_author_forgot_is_not_a_target_that_is_missing(folder: Path) -> None:
    (folder / "pkg").mkdir()
    write(folder / "pkg", __init__="import nonesuch\n", net=ONE)
    error = failing("pkg.net:Only")
    assert isinstance(error, LoadError)
    assert (error.file, error.line) == (str(Path("pkg", "__init__.py")), 1)
    assert "pip install nonesuch" in str(error)
    assert type(model("pkg/net.py:Only")).__name__ == "Only", "the file does not need what the package wants"


def test_nobody_is_told_to_install_what_is_there(folder: Path) -> None:
    write(folder, bad="import torch.nonesuch as x\n" + ONE.replace("pass", "x = x.y"))
    error = failing("bad.py")
    assert isinstance(error, LoadError)
    assert "torch.nonesuch" in str(error)
    assert "pip" not in str(error)


def test_relative_imports_in_an_imported_module_are_explained(folder: Path) -> None:
    write(folder, blocks="", net="from .blocks import *\n" + ONE)
    error = failing("net")
    assert isinstance(error, LoadError)
    assert "attempted relative import" in str(error)
    assert str(error).endswith(f"{folder.name}.net")


def test_relative_imports_in_a_file_work(folder: Path) -> None:
    (folder / "pkg").mkdir()
    write(
        folder / "pkg",
        __init__="",
        blocks="WIDTH = 3\n",
        net="from .blocks import *\nfrom . import blocks as again\nfrom .blocks import WIDTH as W\n"
        + ONE.replace("pass", "all = WIDTH, again.WIDTH, W"),
    )
    assert model("pkg/net.py").all == model("pkg.net").all == (3, 3, 3)


def test_a_relative_import_of_nothing(folder: Path) -> None:
    write(folder, bad="from .blocks import Block\n" + ONE.replace("nn.Module", "nn.Module, Block"))
    error = failing("bad.py")
    assert isinstance(error, LoadError)
    assert (error.file, error.line) == ("bad.py", 1)
    assert "there is no .blocks beside bad.py" in str(error)


def test_null_bytes_elsewhere_do_not_matter(folder: Path) -> None:
    (folder / "odd.py").write_bytes(b"x = 1\n\0\n" + ONE.encode())
    assert type(model("odd.py")).__name__ == "Only"
    (folder / "bad.py").write_bytes(ONE.encode().replace(b"pass", b"x = '\0'"))
    assert isinstance(failing("bad.py:Only"), LoadError)


def test_error_in_a_neighbour_is_placed_there(folder: Path) -> None:
    write(folder, blocks="\n\nBlock = int('x')\n", bad="import blocks\n" + ONE.replace("pass", "b = blocks.Block"))
    error = failing("bad.py")
    assert isinstance(error, LoadError)
    assert (error.file, error.line) == ("blocks.py", 3)
    write(folder, blocks="\n\nraise ValueError('deep')\n")
    error = failing("bad")
    assert isinstance(error, LoadError)
    assert (error.file, error.line) == ("blocks.py", 3)


def test_a_name_that_a_neighbour_does_not_have(folder: Path) -> None:
    write(folder, blocks="class Blok: pass\n", bad="from blocks import Block\n" + ONE.replace("pass", "b = Block"))
    error = failing("bad.py")
    assert isinstance(error, LoadError)
    assert (error.file, error.line) == ("bad.py", 1)
    assert "ImportError: cannot import name 'Block'" in str(error)


@pytest.mark.parametrize("target", ["bad.py:Only", "bad:Only"])
def test_ctrl_c_stays_one(folder: Path, target: str) -> None:
    write(folder, bad=ONE.replace("pass", "raise KeyboardInterrupt"))
    with pytest.raises(KeyboardInterrupt), loaded(target):
        pass
