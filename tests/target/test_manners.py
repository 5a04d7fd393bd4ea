"""The process is left as it was, whatever the author's statements, constructor and forward do to it."""

from __future__ import annotations

import contextlib
import os
import random
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from modelcheck.capturing.capture import capture_model
from modelcheck.errors import LoadError
from modelcheck.inputs import InputSpec
from modelcheck.loading import built, capture_here

PICTURE = (InputSpec((1, 28, 28)),)

DISTURBING = """
import os, random, sys, threading, warnings
import numpy as np
import torch
from torch import nn
import sibling


def disturb():
    print("noise")
    sys.path.insert(0, "/mine")
    sys.path = sys.path + ["mine"]
    sys.argv.append("x")
    sys.argv = ["other"]
    os.environ["MODELCHECK_TEST"] = "set"
    os.environ.pop("HOME", None)
    os.chdir("..")
    random.random(); np.random.rand(); torch.rand(1)
    random.seed(5); np.random.seed(5); torch.manual_seed(5)
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("cpu:0")
    torch.set_num_threads(1 if torch.get_num_threads() > 1 else 2)
    torch.use_deterministic_algorithms(True)
    torch.set_grad_enabled(False)
    sys.setrecursionlimit(sys.getrecursionlimit() + 77)
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "mine")
    sys.stdin.read()
    sys.stdin = None
    return 1


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(sibling.SIZE, 10)
        IN_INIT

    def forward(self, x):
        IN_FORWARD
        return self.fc(x.flatten(1)) * LATE
"""


def state() -> dict[str, Any]:
    """What must not change."""
    return {
        "path object": id(sys.path),
        "path": list(sys.path),
        "argv object": id(sys.argv),
        "argv": list(sys.argv),
        "environment": dict(os.environ),
        "folder": Path.cwd(),
        "python": random.getstate(),
        "numpy": [str(part) for part in np.random.get_state()],
        "torch": torch.random.get_rng_state().tolist(),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "threads of torch": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "grad": torch.is_grad_enabled(),
        "limit": sys.getrecursionlimit(),
        "filters": list(warnings.filters),
        "stdin": sys.stdin,
        "stdout": sys.stdout,
        "stderr": sys.stderr,
        "threads": threading.active_count(),
        "meta path": list(sys.meta_path),
        "hooks": list(sys.path_hooks),
        "files": sorted(str(path) for path in Path.cwd().rglob("*")),
    }


@pytest.fixture
def submission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "sibling.py").write_text("SIZE = 784\n")
    return tmp_path


def disturbing(where: str) -> str:
    text = DISTURBING.replace("IN_INIT", "disturb()" if where == "init" else "pass")
    text = text.replace("IN_FORWARD", "disturb()" if where == "forward" else "pass")
    return text + ("\nLATE = disturb()\n" if where == "a needed statement" else "\nLATE = 1\n")


@pytest.mark.parametrize("where", ["init", "a needed statement", "forward"])
@pytest.mark.parametrize("target", ["net.py:Net", "net.py", ".:Net", "net:Net"])
def test_the_process_is_left_as_it_was(
    submission: Path, monkeypatch: pytest.MonkeyPatch, target: str, where: str
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (submission / "net.py").write_text(disturbing(where))
    before, modules = state(), set(sys.modules)
    with built(target) as made, torch.no_grad():
        made.model(torch.rand(2, 1, 28, 28, dtype=made.model.fc.weight.dtype))
        inside = state()
    after = state()
    assert inside["folder"] != before["folder"], "nothing was disturbed"
    assert {name: (value, after[name]) for name, value in before.items() if after[name] != value} == {}
    left = {name: str(getattr(sys.modules[name], "__file__", "")) for name in set(sys.modules) - modules}
    assert not [name for name, file in left.items() if str(submission) in file]


def test_the_process_is_left_as_it_was_by_a_capture(submission: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (submission / "net.py").write_text(LATE)
    (submission / "late.py").write_text("import torch\nSCALE = torch.ones(10) * 2\n")
    capture_here("net.py", PICTURE)  # what torch itself leaves behind at its first export
    before, modules = state(), set(sys.modules)
    capture_here("net.py", PICTURE)
    after = state()
    assert {name: (value, after[name]) for name, value in before.items() if after[name] != value} == {}
    assert set(sys.modules) == modules


@pytest.mark.parametrize("end", ["", "1 / 0\n", "raise SystemExit(3)\n"])
def test_an_imported_module_that_disturbs_and_fails(
    submission: Path, capsys: pytest.CaptureFixture[str], end: str
) -> None:
    (submission / "net.py").write_text(disturbing("a needed statement") + end)
    before, modules = state(), set(sys.modules)
    with pytest.raises(LoadError) if end else contextlib.nullcontext(), built("net:Net") as made:
        assert made.name == "Net"
    after = state()
    before.pop("files"), after.pop("files")  # Python's own __pycache__
    assert {name: (value, after[name]) for name, value in before.items() if after[name] != value} == {}
    assert not {"net", "sibling"} & (set(sys.modules) - modules)
    out, err = capsys.readouterr()
    assert out == ""
    assert "noise" in err


def test_what_the_authors_code_prints_goes_to_stderr(submission: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (submission / "net.py").write_text(
        "from torch import nn\nA = print('needed')\nprint('not needed')\n"
        "class Net(nn.Module):\n    a = A\n    def __init__(self):\n        super().__init__()\n        print('init')\n"
        "        self.fc = nn.Linear(784, B or 10)\n"
        "    def forward(self, x):\n        print('forward')\n        return self.fc(x.flatten(1))\n"
        "B = print('late')\n"
    )
    capture_here("net.py", PICTURE)
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[:3] == ["needed", "init", "late"]
    assert set(lines[3:]) == {"forward"}


def test_there_is_nothing_to_read_from_stdin(submission: Path) -> None:
    (submission / "net.py").write_text("from torch import nn\nA = input()\nclass Net(nn.Module):\n    a = A\n")
    with pytest.raises(Exception, match=r"net\.py, line 2: EOFError"), built("net.py"):
        pass


def test_a_constant_may_be_drawn_at_random_outside_of_forward(submission: Path) -> None:
    """Its statement runs when forward asks for it, and is not forward's own drawing."""
    (submission / "net.py").write_text(
        "import random\nfrom torch import nn\n"
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.fc = nn.Linear(784, 10)\n"
        "    def forward(self, x):\n        return self.fc(x.flatten(1)) * SCALE\n"
        "SCALE = random.random()\n"
    )
    assert capture_here("net.py", PICTURE)


def test_equal_commands_give_equal_weights(submission: Path) -> None:
    (submission / "net.py").write_text(
        "import random, numpy, torch\nfrom torch import nn\ntorch.manual_seed(torch.initial_seed() + 1)\n"
        "class Net(nn.Linear):\n    def __init__(self):\n        super().__init__(3, 3)\n"
    )
    weights = []
    for seed in (1, 1, 2):
        random.random(), np.random.rand(), torch.rand(1)
        with built("net.py", seed=seed) as made:
            weights.append(made.model.weight.detach().clone())
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


LATE = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(784, 10)

    def forward(self, x):
        import late
        return self.fc(x.flatten(1) - MEAN) * late.SCALE + cache()


MEAN = torch.full((784,), 0.5)


def cache(kept=[]):
    if not kept:
        kept.append(OFFSET)
    return kept[0]


OFFSET = torch.arange(10.0)
"""


def test_constants_that_forward_asks_for_first_are_real_tensors(submission: Path) -> None:
    (submission / "net.py").write_text(LATE)
    (submission / "late.py").write_text("import torch\nSCALE = torch.ones(10) * 2\n")
    captures = [capture_here("net.py", PICTURE)[0] for _ in range(2)]
    for capture in captures:
        assert all(type(storage) is torch.Tensor for storage in capture.storages)
        assert 784 in [storage.numel() for storage in capture.storages], "the constants are told as they are"
    with built("net.py") as made:
        captured_again, direct = made.model, made.model(torch.zeros(2, 1, 28, 28))
        for _ in range(2):
            capture_model(captured_again, (1, 28, 28), "Net")
        assert type(direct) is torch.Tensor
        assert torch.equal(captured_again(torch.zeros(2, 1, 28, 28)), direct)
        module = sys.modules[type(captured_again).__module__]
        for value in (module.MEAN, module.OFFSET, module.cache()):
            assert type(value) is torch.Tensor
            assert not value.requires_grad
            assert not value.is_inference()


@pytest.mark.parametrize(
    "statement", ["torch.rand(784)", "nn.Parameter(torch.rand(784)).detach()", "FC(torch.ones(4))"]
)
def test_what_is_executed_during_the_capture_is_not_captured(submission: Path, statement: str) -> None:
    (submission / "net.py").write_text(
        LATE.replace("torch.full((784,), 0.5)", statement).replace("import late", "").replace("late.SCALE", "2")
        + "FC = nn.Linear(4, 784)\n"
    )
    with built("net.py") as made:
        capture_model(made.model, (1, 28, 28), "Net")
        mean = sys.modules[type(made.model).__module__].MEAN
    assert type(mean) is torch.Tensor
    assert mean.shape == (784,)
    assert mean.requires_grad == (statement[:2] == "FC"), "grad mode is as at a module's top level"
