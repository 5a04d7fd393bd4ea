from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from torch import nn

from modelcheck.author_trace import author_frame, describe_exception, printable, shown_path
from modelcheck.errors import AuthorError, ConstructorError, LoadError, ModelcheckError, UsageError
from modelcheck.target import TargetNotFound, importable, load_model, parse_arguments

NET = """
import os
import sys
from dataclasses import dataclass

import torch
from torch import nn

WIDTH = 8


class Net(nn.Module):
    def __init__(self, width=4, *, depth=1):
        super().__init__()
        self.layers = nn.Sequential(*(nn.Linear(width, width) for _ in range(depth)))

    class Inner(nn.Module):
        pass


class Plain:
    pass


class Needs(nn.Module):
    def __init__(self, width, classes, act="relu"):
        super().__init__()
        self.act = getattr(nn.functional, act)
        self.layer = nn.Linear(width, classes)


def make_net(width=4):
    return Net(width)


def make_tensor():
    return torch.zeros(1)


def make_class():
    return Net


def positional(width, /):
    return Net(width)


instance = Net(3)
"""
ONE = "from torch import nn\nclass Only(nn.Module):\n    pass\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current directory with net.py in it, and modules left as they were."""
    monkeypatch.chdir(tmp_path)
    modules = set(sys.modules)
    (tmp_path / "net.py").write_text(NET)
    yield tmp_path
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", None) or "") or name == "ns":
            del sys.modules[name]


def failing(target: str, **arguments: object) -> ModelcheckError:
    with pytest.raises(ModelcheckError) as caught:
        load_model(target, arguments)
    return caught.value


# --- what loads


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("net:Net", "Net"),
        ("net:make_net", "Net"),
        ("net:instance", "Net"),
        ("net:Net.Inner", "Inner"),
        ("net.py:Net", "Net"),
        ("./net.py:Net.Inner", "Inner"),
        ("net.py:make_net", "Net"),
        ("net.py:instance", "Net"),
        ("reference_model:Net", "Net"),
        ("reference_model", "Net"),
    ],
)
def test_forms(folder: Path, target: str, name: str) -> None:
    loaded = load_model(target)
    assert isinstance(loaded.model, nn.Module)
    assert (loaded.name, loaded.target) == (name, target)
    assert type(loaded.model).__name__ == name


@pytest.mark.parametrize("file", ["only.py", "a folder/my net.py", "C:\\work\\only.py", "time:12/only.py", "ONLY.PY"])
@pytest.mark.parametrize("name", ["", ":Only"])
def test_files_by_path(folder: Path, file: str, name: str) -> None:
    if os.name == "nt" and ":" in file:
        pytest.skip("no such file name on Windows")
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(ONE)
    assert load_model(file + name).name == "Only"
    assert load_model(str(path) + name).name == "Only"


def test_module_without_a_name_takes_the_only_class_it_defines(folder: Path) -> None:
    (folder / "only.py").write_text("from net import Net\nfrom torch.nn import Linear\n" + ONE + "Alias = Only\n")
    assert load_model("only").name == "Only"


def test_instance_is_the_very_object(folder: Path) -> None:
    loaded = load_model("net:instance")
    assert loaded.model is sys.modules["net"].instance


def test_torchvision_factory() -> None:
    assert load_model("torchvision.models:resnet18", {"num_classes": 10}).name == "ResNet"


def test_arguments_reach_class_factory_and_positional_only(folder: Path) -> None:
    def shapes(target: str, **arguments: object) -> list[tuple[int, ...]]:
        return [tuple(p.shape) for p in load_model(target, arguments).model.parameters()]

    assert shapes("net.py:Net", width=5, depth=2) == [(5, 5), (5,)] * 2
    assert shapes("net.py:make_net", width=6) == [(6, 6), (6,)]
    assert shapes("net.py:positional", width=7) == [(7, 7), (7,)]


def test_file_is_a_module_that_pickle_and_dataclasses_can_find(folder: Path) -> None:
    (folder / "random.py").write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        + ONE
        + "@dataclass\nclass Options:\n    width: int = 3\n"
    )
    import random

    model = load_model("random.py").model
    assert isinstance(pickle.loads(pickle.dumps(model)), type(model))
    assert sys.modules["random"] is random
    assert type(model).__module__ != "random"


def test_siblings_are_importable_and_belong_to_their_own_folder(folder: Path) -> None:
    for student, width in (("ada", 3), ("bob", 5)):
        (folder / student).mkdir()
        (folder / student / "blocks.py").write_text(f"WIDTH = {width}\n")
        (folder / student / "model.py").write_text(
            "import blocks\nimport net\nfrom torch import nn\n"
            "class Model(nn.Module):\n    width = blocks.WIDTH\n    other = net.WIDTH\n"
        )
    assert [load_model(f"{s}/model.py").model.width for s in ("ada", "bob", "ada")] == [3, 5, 3]
    assert load_model("ada/model.py").model.other == 8, "the current directory is importable too"


def test_an_edited_file_is_read_again(folder: Path) -> None:
    for name in ("First", "Other"):
        (folder / "only.py").write_text(ONE.replace("Only", name))
        assert load_model("only.py").name == name
    assert not (folder / "__pycache__").exists()


def test_neighbours_can_be_imported_later_within_importable(folder: Path) -> None:
    (folder / "late").mkdir()
    (folder / "late" / "helper.py").write_text("VALUE = 3\n")
    (folder / "late" / "model.py").write_text(
        ONE.replace("pass", "def forward(self, x):\n        import helper\n        return x * helper.VALUE")
    )
    model = load_model("late/model.py").model
    with pytest.raises(ModuleNotFoundError):
        model(2)
    with importable("late/model.py"):
        assert model(2) == 6


def test_a_file_called_torch_does_not_hide_torch(folder: Path) -> None:
    (folder / "torch.py").write_text("raise RuntimeError('shadow')\n")
    program = "from modelcheck.target import load_model; print(load_model('net.py:Net').name)"
    root = str(Path(__file__).parents[1])
    # -I: otherwise Python itself puts the current directory first, before any of modelcheck runs
    program = f"import sys; sys.path.append({root!r}); {program}"
    done = subprocess.run([sys.executable, "-I", "-c", program], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "Net"), done.stderr


def test_a_module_written_a_moment_ago_is_found(folder: Path) -> None:
    failing("fresh:Only")
    before = folder.stat()
    (folder / "fresh.py").write_text(ONE)
    os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))  # as on a file system with coarse times
    assert load_model("fresh:Only").name == "Only"


# --- what is left as it was


@pytest.mark.parametrize("end", ["", "1 / 0\n", "raise SystemExit(3)\n"])
def test_process_is_left_as_it_was(folder: Path, capsys: pytest.CaptureFixture[str], end: str) -> None:
    (folder / "below").mkdir()
    (folder / "below" / "noisy.py").write_text(
        "import os, sys\nprint('noise')\nsys.path = sys.path + ['mine']\nsys.path.append('also')\n"
        "sys.argv.append('x')\nos.chdir('..')\n" + ONE + end
    )
    path, entries, argv, arguments, stdout = sys.path, list(sys.path), sys.argv, list(sys.argv), sys.stdout
    modules = set(sys.modules)
    if end:
        failing("below/noisy.py")
        assert set(sys.modules) == modules, "a module that failed to load is not left behind"
    else:
        load_model("below/noisy.py")
    assert sys.path is path
    assert sys.path == entries
    assert sys.argv is argv
    assert sys.argv == arguments
    assert sys.stdout is stdout
    assert Path.cwd() == folder
    out, err = capsys.readouterr()
    assert out == ""
    assert "noise" in err


def test_what_the_constructor_prints_goes_to_stderr(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "only.py").write_text(ONE.replace("pass", "def __init__(self):\n        super().__init__(); print(1)"))
    load_model("only.py")
    assert capsys.readouterr() == ("", "1\n")


def test_import_is_light() -> None:
    program = "import modelcheck.target, sys; raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# --- the command is wrong: exit 2


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("", ["names nothing", "path/net.py:Net"]),
        ("  ", ["names nothing"]),
        ("a\0b", ["names nothing"]),
        (":Net", ["no module's name before the colon"]),
        ("net..x:Net", ["no module's name"]),
        ("net.py:", ["no name after the colon"]),
        ("net:", ["no name after the colon"]),
        ("net:make net", ["cannot be a name"]),
        ("net:Net()", ["without a call", "--arg"]),
        ("net.py:Net@12", ["line", "cannot be chosen yet"]),
        ("book.ipynb", ["notebooks and folders cannot be read yet: give a .py file"]),
        ("book.ipynb:Net@cell7", ["notebooks and folders cannot be read yet"]),
        (".", ["notebooks and folders cannot be read yet: give a .py file"]),
        ("./ns:Net", ["notebooks and folders cannot be read yet"]),
        ("ns:Net", ["folders cannot be read yet"]),
        ("./notes.txt", ["'.txt' cannot be read"]),
        ("dir.py", ["folders cannot be read yet"]),
    ],
)
def test_malformed_and_unsupported(folder: Path, target: str, words: list[str]) -> None:
    (folder / "ns").mkdir()
    (folder / "dir.py").mkdir()
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
        ("xyz.py", ["no such file", "there are built.py, empty.py, net.py"]),
        ("none/net.py", ["no such file", "no .py file in none"]),
        ("x" * 5000 + ".py", ["no such file"]),
        ("x/" * 5000 + "y" * 300, ["no such file"]),
        ("x" * 300, ["no module"]),
        ("\ud800\x1b[1m.py", [r"\ud800\x1b[1m.py: no such file"]),
        ("net.py:Nat", ["net.py has no 'Nat'", "did you mean Net", "  net.py:Needs\n", "  net.py:instance"]),
        ("net:Net.Iner", ["net:Net has no 'Iner'", "did you mean Inner"]),
        ("net:zzz", ["net has no 'zzz' (it was loaded from net.py)", "  net:Net\n"]),
        ("empty.py", ["empty.py defines no class of nn.Module", "empty.py:make_net"]),
        ("built.py", ["defines no class of nn.Module", "  built.py:model"]),
    ],
)
def test_nothing_has_that_name(folder: Path, target: str, words: list[str]) -> None:
    (folder / "empty.py").write_text("from torch.nn import Linear\n")
    (folder / "built.py").write_text("from torch.nn import Linear\nmodel = Linear(1, 1)\n")
    error = failing(target)
    assert type(error) is TargetNotFound
    assert error.exit_status == 2
    for word in words:
        assert word in str(error)
    assert "Linear" not in str(error), "what torch brings is no candidate"


def test_several_models_are_listed_ready_to_paste(folder: Path) -> None:
    (folder / "my net.py").write_text(ONE + ONE.replace("Only", "Block"))
    error = failing("my net.py")
    assert type(error) is UsageError
    assert str(error).splitlines()[1:] == ['  "my net.py:Only"', '  "my net.py:Block"']


def test_long_lists_are_cut(folder: Path) -> None:
    (folder / "many.py").write_text("".join(ONE.replace("Only", f"Net{i}") for i in range(50)))
    lines = str(failing("many.py")).splitlines()
    assert lines[0].startswith("many.py defines 50 models")
    assert lines[-1] == "  ... and 30 more"
    assert len(lines) == 22


def test_an_instance_takes_no_arguments(folder: Path) -> None:
    error = failing("net:instance", width=3)
    assert isinstance(error, UsageError)
    assert "instance is a model already" in str(error)


# --- the author's code is wrong: exit 3


@pytest.mark.parametrize("target", ["bad.py", "bad.py:Net", "bad", "bad:Net"])
@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("x = 1\n1 / 0\n", 2, ["bad.py, line 2: ZeroDivisionError: division by zero"]),
        ("import json\n\njson.loads('{')\n", 3, ["bad.py, line 3: JSONDecodeError"]),
        ("def f():\n    raise SystemExit(0)\nf()\n", 2, ["bad.py, line 2: SystemExit: 0", "__main__"]),
        ("def f(:\n", 1, ["bad.py, line 1: SyntaxError"]),
        ("if True:\nx = 1\n", 2, ["bad.py, line 2: IndentationError"]),
        ("class E(BaseException): pass\nraise E('own')\n", 2, ["E: own"]),
        ("raise GeneratorExit\n", 1, ["GeneratorExit"]),
        ("raise StopIteration\n", 1, ["StopIteration"]),
        ("def f(): f()\nf()\n", 1, ["RecursionError"]),
        ("\nimport nonesuch.part\n", 2, ["bad.py, line 2", "'nonesuch'", "pip install nonesuch"]),
        ("import sklearn_x, cv2\n", 1, ["pip install sklearn_x"]),
        ("exec('1 / 0')\n", 1, ["bad.py, line 1: ZeroDivisionError"]),
    ],
)
def test_import_fails(folder: Path, target: str, source: str, line: int, words: list[str]) -> None:
    (folder / "bad.py").write_text(source)
    error = failing(target)
    assert isinstance(error, LoadError)
    assert (error.code, error.exit_status, error.file, error.line) == ("MC001", 3, "bad.py", line)
    for word in words:
        assert word in str(error)


def test_a_package_that_the_author_forgot_is_not_a_target_that_is_missing(folder: Path) -> None:
    (folder / "pkg").mkdir()
    (folder / "pkg" / "__init__.py").write_text("import nonesuch\n")
    (folder / "pkg" / "net.py").write_text(ONE)
    error = failing("pkg.net:Only")
    assert isinstance(error, LoadError)
    assert (error.file, error.line) == (str(Path("pkg", "__init__.py")), 1)
    assert "pip install nonesuch" in str(error)


def test_nobody_is_told_to_install_what_is_there(folder: Path) -> None:
    (folder / "bad.py").write_text("import torch.nonesuch\n")
    assert "pip" not in str(failing("bad.py"))


def test_relative_imports_in_a_file_are_explained(folder: Path) -> None:
    (folder / "pkg").mkdir()
    (folder / "pkg" / "__init__.py").touch()
    (folder / "pkg" / "blocks.py").touch()
    (folder / "pkg" / "net.py").write_text("from .blocks import *\n" + ONE)
    error = failing("pkg/net.py")
    assert isinstance(error, LoadError)
    assert str(error).endswith("pkg.net")
    assert load_model("pkg.net").name == "Only"


def test_a_file_with_null_bytes(folder: Path) -> None:
    (folder / "bad.py").write_bytes(b"x = 1\n\0\n")
    assert isinstance(failing("bad.py"), LoadError)


def test_error_in_a_neighbour_is_placed_there(folder: Path) -> None:
    (folder / "blocks.py").write_text("\n\nraise ValueError('deep')\n")
    (folder / "bad.py").write_text("import blocks\n")
    error = failing("bad.py")
    assert isinstance(error, AuthorError)
    assert (error.file, error.line) == ("blocks.py", 3)


@pytest.mark.parametrize("target", ["bad.py", "bad:Net"])
def test_ctrl_c_stays_one(folder: Path, target: str) -> None:
    (folder / "bad.py").write_text("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        load_model(target)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("net.py:Plain", "class Plain, which is not a subclass of nn.Module"),
        ("net.py:WIDTH", "an object of class int"),
        ("net.py:nn", "the Python module torch.nn"),
        ("net.py:make_tensor", "a function that returned Tensor"),
        ("net.py:make_class", "a function that returned the class Net"),
        ("net.py:os.getcwd", "a function that returned str"),
    ],
)
def test_no_model(folder: Path, target: str, words: str) -> None:
    error = failing(target)
    assert isinstance(error, LoadError)
    assert error.code == "MC001"
    assert words in str(error)


@pytest.mark.parametrize("answer", ["return nn.Module", "raise RuntimeError"])
def test_a_spoofed_class_is_no_model(folder: Path, answer: str) -> None:
    (folder / "spoof.py").write_text(
        "from torch import nn\nclass Spoof:\n"
        f"    @property\n    def __class__(self):\n        {answer}\n"
        "spoof = Spoof()\n"
    )
    assert "an object of class Spoof" in str(failing("spoof.py:spoof"))


def test_a_module_that_answers_to_every_name_with_an_exception(folder: Path) -> None:
    (folder / "magic.py").write_text("def __getattr__(name):\n    raise RuntimeError(name)\n")
    error = failing("magic.py:Net")
    assert isinstance(error, LoadError)
    assert (error.file, error.line) == ("magic.py", 2)


# --- constructors


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
    (folder / "odd.py").write_text(
        ONE.replace("pass", "def __init__(self, width, big=10**5000, act=nn.ReLU()):\n        super().__init__()")
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


def test_factory_without_a_true_signature(folder: Path) -> None:
    (folder / "lying.py").write_text(ONE + "def make(width): return Only()\nmake.__signature__ = 3\n")
    error = failing("lying.py:make")
    assert isinstance(error, ConstructorError)
    assert "TypeError: make() missing 1 required positional argument: 'width'" in str(error)
    assert error.file is None, "our own line is not the author's"


# --- --arg


def test_parse_arguments() -> None:
    settings = ["width=8", "act='relu'", "sizes=(1, 2)", "bias=False", "rate = 0.5", "equals='a=b'"]
    assert parse_arguments(settings) == {
        "width": 8,
        "act": "relu",
        "sizes": (1, 2),
        "bias": False,
        "rate": 0.5,
        "equals": "a=b",
    }
    assert parse_arguments([]) == {}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["act=relu"], "did you mean --arg \"act='relu'\"?"),
        (["bias=false"], "did you mean --arg bias=False?"),
        (["act="], "no Python literal"),
        (["act=__import__('os')"], "no Python literal"),
        (["deep=" + "[" * 5000], "no Python literal"),
        (["width"], "no '=' in it: --arg NAME=VALUE"),
        (["2x=1"], "'2x' cannot be an argument's name"),
        (["=1"], "cannot be an argument's name"),
        (["width=1", "width=2"], "width is given twice"),
    ],
)
def test_parse_arguments_refuses(settings: list[str], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_arguments(settings)
    assert words in str(caught.value)


# --- words about exceptions


def raised(source: str, file: str = "<string>") -> BaseException:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - whatever the source raises
        exec(compile(source, file, "exec"), {})
    return caught.value


class UnreadableError(Exception):
    def __str__(self) -> str:
        raise SystemExit


class Lying(str):
    def __getitem__(self, _key: object) -> str:
        raise RuntimeError

    def __len__(self) -> int:
        return 0


class ToldError(Exception):
    def __str__(self) -> str:
        return Lying("told")


@pytest.mark.parametrize(
    ("exc", "text"),
    [
        (TypeError("no"), "TypeError: no"),
        (ValueError(), "ValueError"),
        (UnreadableError(), "UnreadableError (its message cannot be read)"),
        (ToldError(), "ToldError: told"),
        (ValueError("a\n\tb\x1b[31m\u202ec\ud800"), r"ValueError: a b\x1b[31m\u202ec\ud800"),
        (ValueError("x" * 10**6), "ValueError: " + "x" * 500 + " ..."),
        (type("E\x1b", (Exception,), {})("m"), r"E\x1b: m"),
    ],
)
def test_describe_exception(exc: BaseException, text: str) -> None:
    assert describe_exception(exc) == text


def test_printable_keeps_letters_of_all_languages() -> None:
    assert printable("Größe 网络 é") == "Größe 网络 é"


def test_author_frame_of_library_code_only_is_the_innermost(folder: Path) -> None:
    exc = raised("import json; json.loads('{')")
    mine = author_frame(exc)
    assert mine is not None
    assert Path(mine[0]).name == Path(__file__).name, "the innermost frame is the decoder's"
    while exc.__traceback__ and exc.__traceback__.tb_frame.f_code.co_filename in (__file__, "<string>"):
        exc = exc.with_traceback(exc.__traceback__.tb_next)
    inner = author_frame(exc)
    assert inner is not None
    assert Path(inner[0]).name == "decoder.py"


def test_author_frame_without_a_traceback() -> None:
    assert author_frame(ValueError()) is None


def test_shown_path(folder: Path) -> None:
    assert shown_path(folder / "below" / "net.py") == str(Path("below", "net.py"))
    assert shown_path(folder.parent / "net.py") == str(folder.parent / "net.py")
