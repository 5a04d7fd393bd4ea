"""What loads, in which ways, and that the process is left as it was."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from torch import nn

from modelcheck.target import candidates, loaded
from target.making import ONE, failing, model, notebook, write

ROOT = str(Path(__file__).parents[2])


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
        (".:Net", "Net"),
        ("./:make_net", "Net"),
        ("book.ipynb:Only", "Only"),
        ("book.ipynb", "Only"),
        ("reference_model:Net", "Net"),
        ("reference_model", "Net"),
    ],
)
def test_forms(folder: Path, target: str, name: str) -> None:
    (folder / "book.ipynb").write_text(notebook(ONE))
    with loaded(target) as made:
        assert isinstance(made.model, nn.Module)
        assert made.name == name
        assert type(made.model).__name__ == name


@pytest.mark.parametrize("file", ["only.py", "a folder/my net.py", "C:\\work\\only.py", "time:12/only.py", "ONLY.PY"])
@pytest.mark.parametrize("name", ["", ":Only"])
def test_files_by_path(folder: Path, file: str, name: str) -> None:
    if os.name == "nt" and ":" in file:
        pytest.skip("no such file name on Windows")
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(ONE)
    assert type(model(file + name)).__name__ == "Only"
    assert type(model(str(path) + name)).__name__ == "Only"


@pytest.mark.parametrize("name", ["my net (1).py", "R&D.py", "a;b $HOME.py", "it's.py", "ümlaut.py"])
def test_a_candidate_is_a_target_that_a_shell_takes(folder: Path, name: str) -> None:
    (folder / name).write_text(ONE)
    (target,) = candidates(name)
    words = subprocess.run(["sh", "-c", f"printf %s {target}"], capture_output=True, text=True, check=True).stdout
    assert words == f"{name}:Only"
    assert type(model(words)).__name__ == "Only"


def test_module_without_a_name_takes_the_only_class_it_defines(folder: Path) -> None:
    write(folder, only="from net import Net\nfrom torch.nn import Linear\n" + ONE + "Alias = Only\n")
    assert type(model("only")).__name__ == "Only"
    assert type(model("only.py")).__name__ == "Only"


def test_instance_of_an_imported_module_is_the_very_object(folder: Path) -> None:
    with loaded("net:instance") as made:
        assert made.model is sys.modules["net"].instance


def test_torchvision_factory() -> None:
    assert type(model("torchvision.models:resnet18", num_classes=10)).__name__ == "ResNet"


def test_arguments_reach_class_factory_and_positional_only(folder: Path) -> None:
    def shapes(target: str, **arguments: object) -> list[tuple[int, ...]]:
        return [tuple(p.shape) for p in model(target, **arguments).parameters()]

    assert shapes("net.py:Net", width=5, depth=2) == [(5, 5), (5,)] * 2
    assert shapes("net.py:make_net", width=6) == [(6, 6), (6,)]
    assert shapes("net.py:positional", width=7) == [(7, 7), (7,)]


def test_file_is_a_module_that_pickle_and_dataclasses_can_find(folder: Path) -> None:
    write(
        folder,
        random="from __future__ import annotations\nfrom dataclasses import dataclass\n"
        + ONE.replace("pass", "options = property(lambda self: Options())")
        + "@dataclass\nclass Options:\n    width: int = 3\n",
    )
    import random

    with loaded("random.py") as made:
        assert isinstance(pickle.loads(pickle.dumps(made.model)), type(made.model))
        assert made.model.options.width == 3
        assert sys.modules["random"] is random
        assert type(made.model).__module__ != "random"


def test_siblings_belong_to_their_own_folder(folder: Path) -> None:
    for student, width in (("ada", 3), ("bob", 5)):
        (folder / student).mkdir()
        write(
            folder / student,
            blocks=f"WIDTH = {width}\n",
            model="import blocks\nimport net\nfrom torch import nn\n"
            "class Model(nn.Module):\n    width = blocks.WIDTH\n    other = net.WIDTH\n",
        )
    assert [model(f"{student}/model.py").width for student in ("ada", "bob", "ada")] == [3, 5, 3]
    assert model("ada/model.py").other == 8, "the current directory is importable too"


def test_an_edited_file_is_read_again(folder: Path) -> None:
    for name in ("First", "Other"):
        write(folder, only=ONE.replace("Only", name))
        assert type(model("only.py")).__name__ == name
    assert not (folder / "__pycache__").exists()


def test_neighbours_can_be_imported_later_within_the_context(folder: Path) -> None:
    (folder / "late").mkdir()
    late = ONE.replace("pass", "def forward(self, x):\n        import helper\n        return x * helper.VALUE")
    write(folder / "late", helper="VALUE = 3\n", model=late)
    write(folder, helper="VALUE = 5\n", imported=late)
    with loaded("late/model.py") as made:
        assert made.model(2) == 6
    with loaded("imported") as made:
        assert made.model(2) == 10
    with pytest.raises(ModuleNotFoundError):
        made.model(2)


def test_a_file_called_torch_does_not_hide_torch(folder: Path) -> None:
    write(folder, torch="raise RuntimeError('shadow')\n")
    # -I: otherwise Python itself puts the current directory first, before any of modelcheck runs
    program = f"import sys; sys.path.append({ROOT!r}); from modelcheck.target import loaded\n"
    for target in ("net.py:Net", "net:Net"):
        program += f"with loaded({target!r}) as made: print(made.name)\n"
    done = subprocess.run([sys.executable, "-I", "-c", program], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, ["Net", "Net"]), done.stderr


def test_a_module_written_a_moment_ago_is_found(folder: Path) -> None:
    failing("fresh:Only")
    before = folder.stat()
    write(folder, fresh=ONE)
    os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))  # as on a file system with coarse times
    assert type(model("fresh:Only")).__name__ == "Only"


def test_import_is_light() -> None:
    program = "import modelcheck.target, sys; raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("suffix", ["py", "ipynb"])
def test_a_line_or_a_cell_chooses_among_definitions(folder: Path, suffix: str) -> None:
    first, last = (ONE.replace("pass", f"number = {number}\n    late = property(lambda self: K)") for number in (1, 2))
    if suffix == "py":
        write(folder, twice=f"K = 1\n{first}K = 2\n{last}K = 3\n")
        chosen = ["twice.py:Only@3", "twice.py:Only@5", "twice.py:Only@9", "twice.py:Only"]
    else:
        (folder / "twice.ipynb").write_text(notebook(f"K = 1\n{first}", {"cell_type": "markdown"}, f"K = 2\n{last}"))
        chosen = ["twice.ipynb:Only@cell1", "twice.ipynb:Only@cell1", "twice.ipynb:Only@cell3", "twice.ipynb:Only"]
    assert [model(target).number for target in chosen] == [1, 1, 2, 2]
    for target in ("twice.py:Only@1", "twice.py:Only@7000") if suffix == "py" else ("twice.ipynb:Only@cell2",):
        error = failing(target)
        assert error.exit_status == 2
        assert "no definition of Only in" in str(error)
        assert f"twice.{suffix}:Only@{'cell1' if suffix == 'ipynb' else 3}" in str(error)


def test_the_chosen_definition_sees_the_names_as_they_were_before_the_next_one(folder: Path) -> None:
    part = "from torch import nn\nclass Only(nn.Module):\n    late = property(lambda self: K)\n"
    (folder / "twice.ipynb").write_text(notebook("K = 1", part, "K = 2", part, "K = 3"))
    with loaded("twice.ipynb:Only@cell2") as made:
        assert made.model.late == 2, "before cell 4 the author had run cell 3"
    with loaded("twice.ipynb:Only") as made:
        assert made.model.late == 3


# --- where it came from


def test_origin(folder: Path) -> None:
    write(
        folder,
        train="import nonesuch\nfrom net2 import Net\nprint(1)\nmodel = Net(12)\nmodel.fit()\n",
        net2="import torchsummary_x\nfrom torch import nn\nclass Net(nn.Module):\n"
        "    def __init__(self, width):\n        super().__init__()\nprint('hello')\n",
    )
    with loaded("net2.py") as made:
        origin = made.origin()
    assert origin is not None
    assert (origin.file, origin.line, origin.name, origin.because) == ("net2.py", 3, "Net", "the only model")
    assert [(one.name, one.value, one.file, one.line) for one in origin.arguments] == [("width", "12", "train.py", 4)]
    assert [(one.name, one.line) for one in origin.missing] == [("torchsummary_x", 1)]
    assert [(one.kind, one.text, one.line) for one in origin.left_out] == [("prints", "print('hello')", 6)]


def test_origin_of_a_notebook_names_the_cell(folder: Path) -> None:
    (folder / "book.ipynb").write_text(notebook("!pip install torch\n%matplotlib inline\n", "\n" + ONE))
    with loaded("book.ipynb") as made:
        origin = made.origin()
    assert origin is not None
    assert (origin.file, origin.line) == ("book.ipynb, cell 2", 3)
    assert [(one.kind, one.text, one.line) for one in origin.set_aside] == [
        ("installs", "!pip install torch", 1),
        ("runs", "%matplotlib inline", 2),
    ]


def test_an_imported_module_tells_no_origin(folder: Path) -> None:
    with loaded("net:Net") as made:
        assert made.origin() is None


def test_candidates(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "two.py").write_text(ONE + ONE.replace("Only", "Other"))
    (folder / "sub" / "book.ipynb").write_text(notebook(ONE))
    assert candidates("sub") == ("sub/book.ipynb:Only", "sub/two.py:Only", "sub/two.py:Other")
    assert candidates("sub/two.py") == ("sub/two.py:Only", "sub/two.py:Other")
    assert candidates("sub/two.py:Other") == ("sub/two.py:Other",)
    assert candidates("net") == ("net",), "a module is not looked into before it is imported"
