from __future__ import annotations

import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from modelcheck import cli
from modelcheck.errors import UsageError
from modelcheck.training.recipe import recipe_names
from modelcheck.words import SPARKS
from tests.interrupting import heeds_interrupts

NET = """
import torch.nn as nn
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.conv = nn.Conv2d(1, width, 5, stride=2)
        self.bn = nn.BatchNorm2d(width)
        self.fc = nn.Linear(width * 144, 10)

    def forward(self, x):
        print("forward was here")
        x = F.dropout(self.bn(self.conv(x).relu()), 0.1, self.training)
        return self.fc(x.flatten(1))
"""
GOLDEN = Path(__file__).parent / "golden"
COMMANDS = ["inspect", "train-eval", "evaluate", "capture", "augment", "rule", "policy", "recipe", "init"]
TRAINED = re.compile(
    r"Epoch (\d)/\d: .*\. Test set: Average loss: \d+\.\d{4}, Accuracy: (\d+)/200 \((\d+\.\d\d)%\)", re.M
)


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str

    @property
    def report(self) -> Any:
        return json.loads(self.out)


Call = Callable[..., Ran]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path) -> Call:
    """Runs the command in this process, in a folder with net.py."""
    monkeypatch.chdir(folder)
    for name in ("FORCE_COLOR", "NO_COLOR", "COLUMNS", "TERMINAL_WIDTH"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["modelcheck", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return Ran(int(ended.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("cli")
    (made / "net.py").write_text(NET)
    return made


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 640 training and 200 test images, in torchvision's layout."""
    from modelcheck.training.datasets import load_dataset

    mnist = load_dataset("mnist")
    root = tmp_path_factory.mktemp("data")
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, images, labels, count in (
        ("train", mnist.train_images, mnist.train_labels, 640),
        ("t10k", mnist.test_images, mnist.test_labels, 200),
    ):
        head = struct.pack(">IIII", 2051, count, 28, 28)
        (raw / f"{name}-images-idx3-ubyte").write_bytes(head + images[:count].numpy().tobytes())
        ids = bytes(labels[:count].tolist())
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, count) + ids)
    return root


def started(folder: Path, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "modelcheck.cli", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
        preexec_fn=heeds_interrupts,
    )


def spawned(folder: Path, *arguments: object, **environment: str) -> Ran:
    process = started(folder, *arguments, **environment)
    out, err = process.communicate(timeout=100)
    return Ran(process.returncode, out, err)


@pytest.fixture(scope="module")
def trained(folder: Path, data_dir: Path) -> Ran:
    return spawned(
        folder,
        *("train-eval", "net.py", "--data-dir", data_dir, "--epochs", 2, "--seed", 3, "--device", "cpu"),
        *("--recipe", "seed", "--format", "json", "--save", "first.safetensors"),
        *("--plot", "curves.svg", "--log", "log.jsonl"),
    )


class TestHelp:
    @pytest.mark.parametrize("option", ["--help", "-h"])
    def test_all_commands_are_listed(self, call: Call, option: str) -> None:
        found = call(option)
        assert (found.status, found.err) == (0, "")
        assert all(name in found.out for name in COMMANDS)
        assert "Exit status" in found.out

    @pytest.mark.parametrize("command", COMMANDS)
    def test_each_command_shows_an_example(self, call: Call, command: str) -> None:
        found = call(command, "--help")
        assert found.status == 0
        assert f"modelcheck {command} " in found.out
        assert "Example" in found.out

    def test_version(self, call: Call) -> None:
        assert re.fullmatch(r"modelcheck \d+\.\d+\.\d+\n", call("--version").out)

    @pytest.mark.parametrize(
        "argument",
        [
            ["--help"],
            ["--version"],
            ["train-eval", "--help"],
            ["policy"],
            ["recipe"],
            ["rule"],
            ["inspect", "gone.py"],
        ],
    )
    def test_no_torch_is_imported_to_help(self, folder: Path, argument: list[str]) -> None:
        assert not _imported(folder, argument) & {"torch", "torchvision", "numpy", "matplotlib"}

    @pytest.mark.parametrize("argument", [["--help"], ["inspect", "--help"], ["rule"], ["rule", "MC203"]])
    def test_what_answers_at_once_leaves_pydantic_out(self, folder: Path, argument: list[str]) -> None:
        assert "pydantic" not in _imported(folder, argument)


def _imported(folder: Path, arguments: list[str]) -> set[str]:
    """The modules that a command has imported at its end."""
    text = f"""
import sys
sys.argv = ["modelcheck", *{arguments}]
from modelcheck.cli import main
try:
    main()
except SystemExit:
    print(*sys.modules, file=sys.stderr)
"""
    made = subprocess.run([sys.executable, "-c", text], cwd=folder, capture_output=True, text=True, check=True)
    return set(made.stderr.splitlines()[-1].split())


class TestInspect:
    @pytest.mark.parametrize(
        ("options", "status", "verdict"),
        [
            ([], 0, "pass"),
            (["--policy", "mnist-20k"], 1, "fail"),
            (["--policy", "mnist-25k"], 0, "pass"),
            (["--policy", "mnist-20k", "--ignore", "MC101,MC203"], 0, "pass"),
            (["--policy", "mnist-20k", "--select", "batch-norm"], 0, "pass"),
            (["--select", "MC203"], 1, "fail"),
            (["--arg", "width=1"], 0, "pass"),
            (["--input", "3x28x28"], 3, "error"),
            (["--arg", "wdith=1"], 3, "error"),
        ],
    )
    def test_verdict_and_exit_status_agree(self, call: Call, options: list[str], status: int, verdict: str) -> None:
        found = call("inspect", "net.py:Net", "--format", "json", *options)
        assert (found.status, found.report["verdict"]) == (status, verdict)

    def test_json_stands_alone_on_stdout(self, call: Call) -> None:
        found = call("inspect", "net.py", "-f", "json")
        assert found.report["target"] == "net.py"
        assert "forward was here" in found.err

    def test_table(self, call: Call) -> None:
        found = call("inspect", "net.py", "--policy", "mnist-20k")
        assert found.status == 1
        assert found.out.startswith("✘ FAIL  net.py  fails mnist-20k: MC101, MC203\n")
        assert "\x1b" not in found.out
        assert max(map(len, found.out.split("\n"))) <= 80

    def test_the_terminals_width_counts(self, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "50")
        assert max(map(len, call("inspect", "net.py", "--policy", "mnist-20k").out.split("\n"))) <= 50

    @pytest.mark.parametrize(("name", "colored"), [("FORCE_COLOR", True), ("NO_COLOR", False)])
    def test_color(self, call: Call, monkeypatch: pytest.MonkeyPatch, name: str, colored: bool) -> None:
        monkeypatch.setenv(name, "1")
        assert ("\x1b[" in call("inspect", "net.py").out) == colored

    def test_no_color_wins(self, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("NO_COLOR", "1")
        assert "\x1b" not in call("inspect", "net.py").out

    def test_output_goes_to_a_file_whole(self, call: Call, tmp_path: Path) -> None:
        found = call("inspect", "net.py", "--policy", "mnist-20k", "-f", "json", "--output", tmp_path / "r.json")
        assert (found.status, found.out) == (1, "")
        assert "r.json (verdict: fail)" in found.err
        assert json.loads((tmp_path / "r.json").read_text())["verdict"] == "fail"
        assert [path.name for path in tmp_path.iterdir()] == ["r.json"]

    def test_a_pipe_as_output_stays_one(self, call: Call, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        reader = subprocess.Popen(["cat", str(tmp_path / "pipe")], stdout=subprocess.PIPE)
        assert call("inspect", "net.py", "-f", "json", "--output", tmp_path / "pipe").status == 0
        out, _ = reader.communicate(timeout=20)
        assert json.loads(out)["verdict"] == "pass"

    def test_the_nearest_policy_is_taken(self, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "net.py").write_text(NET)
        (tmp_path / "modelcheck.toml").write_text('[rules]\nbatch-norm = "forbidden"')
        monkeypatch.chdir(tmp_path)
        found = call("inspect", "net.py", "-f", "json")
        assert (found.status, found.report["policy"]) == (1, str(tmp_path / "modelcheck.toml"))

    def test_strict(self, call: Call, tmp_path: Path) -> None:
        (tmp_path / "idle.py").write_text(NET.replace("self.bn(self.conv(x).relu())", "self.conv(x)"))
        assert call("inspect", tmp_path / "idle.py").status == 0
        found = call("inspect", tmp_path / "idle.py", "--strict")
        assert found.status == 1
        assert "as advice counts: MC401" in " ".join(found.out.split())


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["inspect", "net.py", "--format", "jsn"], "--format: unknown format 'jsn'; did you mean 'json'? Known: "),
        (["inspect", "net.py", "--policy", "mnist-20"], "unknown policy 'mnist-20'; did you mean 'mnist-2"),
        (
            ["inspect", "net.py", "--policy", "gone.toml"],
            "gone.toml: no such file; or, without the path and .toml, unk",
        ),
        (["inspect", "net.py", "--select", "batchnorm"], "--select: unknown rule 'batchnorm'; did you mean 'batch-n"),
        (["inspect", "net.py", "--ignore", "MC999"], "--ignore: unknown rule 'MC999'"),
        (["inspect", "net.py", "--select", "MC101"], "--select: MC101 parameter-budget needs options"),
        (["inspect", "net.py", "--input", "1x28x"], "--input 1x28x: the sizes of one sample joined by x are expected"),
        (["inspect", "net.py", "--input", "1,28,28"], "--input 1,28,28: the sizes of one sample"),
        (["inspect", "net.py", "--input", "0x28x28"], "--input 0x28x28: sizes from 1 to 100,000 are expected"),
        (["inspect", "net.py", "--input", "9" * 9999], "the sizes of one sample"),
        (["inspect", "net.py", "--arg", "width"], "--arg width: no '=' in it"),
        (["inspect", "net.py", "--arg", "width=a b"], "--arg width"),
        (["inspect", "net.py", "--output", "gone/r.json"], "there is no folder"),
        (["inspect", "net.py", "--output", "."], "that is a folder; name a file in it"),
        (["inspect", "gone.py"], "gone.py"),
        (["inspect", "\x1b[31mgone.py"], "\\x1b[31mgone.py"),
        (["inspect"], "Missing argument"),
        (["inspect", "net.py", "--fromat", "json"], "No such option"),
        (["instpect", "net.py"], "No such command"),
        (["train-eval", "net.py", "--device", "gpu"], "--device: unknown device 'gpu'; did you mean 'cpu'?"),
        (["train-eval", "net.py", "--epochs", "0"], "greater than or equal to 1"),
        (["train-eval", "net.py", "--recipe", "fats"], "unknown recipe 'fats'; did you mean 'fast'?"),
        (["train-eval", "net.py", "--dataset", "minst"], "did you mean 'mnist'?"),
        (["train-eval", "net.py", "--data-dir", "gone"], "no MNIST here"),
        (["train-eval", "net.py", "--dataset", "kmnist"], "kmnist is not in the package: give --data-dir DIR"),
        (["train-eval", "net.py", "--download"], "--download: say with --data-dir DIR where to keep the data"),
        (
            ["evaluate", "net.py", "--weights", "net.py", "--dataset", "cifar10", "--download"],
            "say with --data-dir DIR",
        ),
        (
            ["train-eval", "net.py", "--min-accuracy", "99.4"],
            "--min-accuracy 99.4: a fraction of one is expected, such as 0.994",
        ),
        (["train-eval", "net.py", "--min-accuracy", "nan"], "--min-accuracy nan: a fraction of one is expected"),
        (["train-eval", "net.py", "--save", "gone/x.safetensors"], "there is no folder"),
        (["evaluate", "net.py"], "Missing option"),
        (["evaluate", "net.py", "--weights", "gone.safetensors"], "gone.safetensors"),
        (["capture", "net.py", "-o", "net.pt2"], "a capture's file ends in .mcz, as in net.mcz"),
        (["capture", "net.py", "-o", "gone/net.mcz"], "there is no folder"),
        (["train-eval", "net.py", "--plot", "curves.jpg"], "curves.jpg: a figure's file ends in .png, .svg or .pdf"),
        (["train-eval", "net.py", "--plot", "gone/curves.png"], "--plot gone/curves.png: there is no folder"),
        (["train-eval", "net.py", "--log", "gone/log.jsonl"], "--log gone/log.jsonl: there is no folder"),
        (["train-eval", "net.py", "--log", "."], "--log .: that is a folder; name a file in it"),
        (["evaluate", "net.py", "--weights", "x", "--plot", "x.txt"], "--plot x.txt: a figure's file ends in"),
        (["augment"], "Missing option '--preview'"),
        (["augment", "--preview", "grid"], "--preview grid: a figure's file ends in .png, .svg or .pdf"),
        (["augment", "--preview", "gone/grid.png"], "--preview gone/grid.png: there is no folder"),
        (["augment", "--preview", "grid.png", "--recipe", "fats"], "unknown recipe 'fats'; did you mean 'fast'?"),
        (["augment", "--preview", "grid.png", "--dataset", "minst"], "did you mean 'mnist'?"),
        (["recipe", "fats"], "unknown recipe 'fats'; did you mean 'fast'?"),
        (["rule", "MC999"], "unknown rule 'MC999'"),
        (["rule", "fully-conected"], "; did you mean 'fully-connected'? modelcheck rule lists them all."),
        (["policy", "mnist-20"], "unknown policy 'mnist-20'"),
        (["policy", "mine.toml"], "a preset's name is expected; of a file: modelcheck policy --check mine.toml"),
        (["net.py:Net"], "net.py:Net is no command; did you mean: modelcheck inspect net.py:Net"),
        (["--vresion"], "No such option"),
    ],
)
def test_what_is_wrong_with_a_command_is_one_message_and_status_2(call: Call, arguments: list[str], text: str) -> None:
    found = call(*arguments)
    assert (found.status, found.out) == (2, "")
    assert text in " ".join(found.err.replace("│", " ").split())
    assert "Traceback" not in found.err
    assert "\x1b" not in found.err
    assert len(found.err) < 2000


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("MC001", "from a_package_that_nobody_has import Base\nclass Net(Base.Module):\n    pass"),
        ("MC002", "import torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self, width):\n        pass"),
        ("MC003", NET.replace("Conv2d(1,", "Conv2d(2,")),
        ("MC004", NET.replace("x.flatten(1))", "x.flatten(1) if x.sum() > 0 else -x.flatten(1))")),
    ],
)
def test_a_fault_of_the_authors_is_a_report_and_status_3(call: Call, tmp_path: Path, code: str, text: str) -> None:
    (tmp_path / "bad.py").write_text(text)
    found = call("inspect", tmp_path / "bad.py", "--policy", "mnist-20k", "--format", "json")
    assert found.status == 3
    (finding,) = found.report["findings"]
    assert finding["code"] == code
    assert finding["file"].endswith("bad.py")
    assert finding["line"] >= 1
    assert "Traceback" not in found.err


def test_a_fault_of_ours_is_status_4_and_says_so(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("\x1b[31moops")

    monkeypatch.setattr("modelcheck.inspect", broken)
    found = call("inspect", "net.py")
    assert (found.status, found.out) == (4, "")
    assert "internal error: RuntimeError: \\x1b[31moops" in found.err
    assert "MODELCHECK_DEBUG=1" in found.err


class TestCatalogue:
    def test_a_rule(self, call: Call) -> None:
        assert call("rule", "mc203").out.startswith("# MC203 global-average-pooling")

    def test_all_rules(self, call: Call) -> None:
        assert "MC501 accuracy" in " ".join(call("rule").out.split())

    def test_a_preset_is_printed_as_a_file_that_loads(self, call: Call, tmp_path: Path) -> None:
        text = call("policy", "era-s6").out
        (tmp_path / "own.toml").write_text(text)
        assert call("inspect", "net.py", "--policy", tmp_path / "own.toml").status == 1

    def test_all_presets(self, call: Call) -> None:
        assert "era-s7" in call("policy").out

    def test_a_recipe_is_printed_as_a_file_that_loads(self, call: Call, tmp_path: Path) -> None:
        from modelcheck.training.recipe import load_recipe

        (tmp_path / "own.toml").write_text(call("recipe", "seed-aug").out)
        assert load_recipe(tmp_path / "own.toml").augmentation == load_recipe("seed-aug").augmentation

    def test_all_recipes(self, call: Call) -> None:
        assert [line.split()[0] for line in call("recipe").out.splitlines() if line[0] != " "] == list(recipe_names())

    @pytest.mark.parametrize("command", ["policy", "recipe"])
    def test_the_schema(self, call: Call, command: str) -> None:
        assert call(command, "--schema").report["title"] == f"modelcheck {command}"


class TestCapture:
    def test_a_capture_is_a_target(self, call: Call, tmp_path: Path) -> None:
        made = call("capture", "net.py", "-o", tmp_path / "net.mcz")
        assert (made.status, made.out) == (0, "")
        assert "wrote" in made.err
        facts = [call("inspect", target, "-f", "json").report["facts"] for target in (tmp_path / "net.mcz", "net.py")]
        assert facts[0] == facts[1]

    def test_a_fault_of_the_authors(self, call: Call, tmp_path: Path) -> None:
        found = call("capture", "net.py", "-o", tmp_path / "net.mcz", "--input", "3x28x28")
        assert (found.status, found.out) == (3, "")
        assert list(tmp_path.iterdir()) == []


class TestTraining:
    def test_one_line_an_epoch_on_stderr_and_json_alone_on_stdout(self, trained: Ran) -> None:
        assert trained.status == 0, trained.err
        metrics = trained.report["metrics"]
        lines = [line for line in trained.err.splitlines() if line.startswith("Epoch ")]
        found = [match for line in lines if (match := TRAINED.fullmatch(line))]
        assert [match[1] for match in found] == ["1", "2"]
        for match, epoch in zip(found, metrics["epochs"], strict=True):
            assert int(match[2]) / 200 == epoch["test_accuracy"] == pytest.approx(float(match[3]) / 100)
        assert "Training on 640 images, 2 epochs, cpu" in trained.err
        assert metrics["test_accuracy"]["last"] > 0.3

    def test_the_same_seed_gives_the_same_bits(self, trained: Ran, call: Call, folder: Path, data_dir: Path) -> None:
        again = call(
            *("train-eval", "net.py", "--data-dir", data_dir, "--epochs", 2, "--seed", 3, "--device", "cpu"),
            *("--recipe", "seed", "--format", "json", "--save", "second.safetensors"),
        )
        assert (folder / "first.safetensors").read_bytes() == (folder / "second.safetensors").read_bytes()
        assert again.report["metrics"]["test_accuracy"] == trained.report["metrics"]["test_accuracy"]

    def test_the_saved_weights_score_the_same(self, trained: Ran, call: Call, data_dir: Path) -> None:
        scored = call(
            *("evaluate", "net.py", "--weights", "first.safetensors", "--data-dir", data_dir, "--device", "cpu"),
            *("--format", "json"),
        )
        last = trained.report["metrics"]["test_accuracy"]["last"]
        assert scored.status == 0
        assert scored.report["metrics"]["test_accuracy"] == {"last": last, "best": last, "best_epoch": 0}
        assert scored.report["metrics"]["epochs"] == []

    def test_the_curves_are_drawn(self, trained: Ran, folder: Path) -> None:
        assert trained.status == 0, trained.err
        assert ElementTree.parse(folder / "curves.svg").getroot().tag.endswith("svg")
        assert "modelcheck: wrote curves.svg\n" in trained.err

    def test_nothing_is_drawn_of_what_was_not_trained(self, call: Call, data_dir: Path, tmp_path: Path) -> None:
        (tmp_path / "bad.py").write_text(NET.replace("Conv2d(1,", "Conv2d(2,"))
        found = call(
            *("train-eval", tmp_path / "bad.py", "--data-dir", data_dir, "--plot", tmp_path / "x.png"),
            *("--log", tmp_path / "log.jsonl"),
        )
        assert found.status == 3
        assert "wrote" not in found.err
        assert [path.name for path in tmp_path.iterdir()] == ["bad.py"]

    def test_the_log_has_what_the_report_has(self, trained: Ran, folder: Path) -> None:
        start, *epochs = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
        metrics = trained.report["metrics"]
        assert {key: start[key] for key in ("dataset", "recipe", "seed", "device", "dtype", "threads")} == {
            key: metrics[key] for key in ("dataset", "recipe", "seed", "device", "dtype", "threads")
        }
        assert (start["event"], start["target"], start["epochs"]) == ("start", "net.py", 2)
        assert start["tool"] == trained.report["tool"]
        assert [{key: value for key, value in one.items() if key not in ("event", "run")} for one in epochs] == metrics[
            "epochs"
        ]

    def test_the_worst_mistakes_are_in_the_report(self, trained: Ran, data_dir: Path) -> None:
        from modelcheck.training.datasets import load_dataset

        metrics, labels = trained.report["metrics"], load_dataset("mnist", data_dir).test_labels.tolist()
        losses = [one["loss"] for one in metrics["mistakes"]]
        assert len(losses) == 20
        assert losses == sorted(losses, reverse=True)
        for one in metrics["mistakes"]:
            assert labels[one["index"]] == one["label"] != one["predicted"]
            assert metrics["confusion"][one["label"]][one["predicted"]] > 0

    def test_several_runs_and_a_resumed_one_in_the_log(self, call: Call, data_dir: Path, tmp_path: Path) -> None:
        log = tmp_path / "log.jsonl"
        train = (*("train-eval", "net.py", "--data-dir", data_dir, "--recipe", "seed"), "--log", log, "--epochs", 1)

        def logged() -> list[tuple[str, int, int]]:
            lines = map(json.loads, log.read_text().splitlines())
            return [(one["event"], one["run"], one.get("seed", one.get("epoch"))) for one in lines]

        several = call(*train, "--runs", 2, "--seed", 5)
        assert several.status == 0
        assert logged() == [("start", 1, 5), ("epoch", 1, 1), ("start", 2, 6), ("epoch", 2, 1)]
        assert several.err.count("Run ") == several.err.count("Run 2 of 2, seed 6") == 1
        call(*train, "--save", tmp_path / "w")
        assert logged() == [("start", 1, 0), ("epoch", 1, 1)]
        call(*train, "--save", tmp_path / "w", "--resume")
        assert logged() == [("start", 1, 0), ("epoch", 1, 1), ("start", 1, 0)]

    def test_an_evaluation_is_drawn_without_curves(
        self, trained: Ran, call: Call, data_dir: Path, tmp_path: Path
    ) -> None:
        scored = call(
            *("evaluate", "net.py", "--weights", "first.safetensors", "--data-dir", data_dir, "--device", "cpu"),
            *("--plot", tmp_path / "mistakes.png"),
        )
        assert scored.status == 0, trained.err
        assert size(tmp_path / "mistakes.png") == (1950, 870)

    def test_a_plot_that_cannot_be_written_after_all_says_what_was_reached(
        self, trained: Ran, call: Call, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(path: Path, data: bytes) -> None:
            raise UsageError(f"cannot write {path}: No space left on device")

        monkeypatch.setattr("modelcheck.plots.style.write_beside", full)
        scored = call(
            *("evaluate", "net.py", "--weights", "first.safetensors", "--data-dir", data_dir, "--device", "cpu"),
            *("--plot", tmp_path / "x.png"),
        )
        last = trained.report["metrics"]["test_accuracy"]["last"]
        assert (scored.status, scored.out) == (2, "")
        assert scored.err.endswith(f"No space left on device. {last:.2%} on the test set was reached\n")

    @pytest.mark.parametrize(("least", "status", "outcome"), [("0.3", 0, "pass"), ("1.0", 1, "fail")])
    def test_least_accuracy(
        self, trained: Ran, call: Call, data_dir: Path, least: str, status: int, outcome: str
    ) -> None:
        scored = call(
            *("evaluate", "net.py", "--weights", "first.safetensors", "--data-dir", data_dir, "--device", "cpu"),
            *("--format", "json", "--min-accuracy", least),
        )
        assert scored.status == status, trained.err
        assert {rule["code"]: rule["outcome"] for rule in scored.report["rules"]}["MC501"] == outcome


def size(png: Path) -> tuple[int, int]:
    """Width and height in pixels."""
    return struct.unpack(">II", png.read_bytes()[16:24])


class TestAugment:
    def test_a_grid_of_the_recipes_augmentation(self, call: Call, data_dir: Path, tmp_path: Path) -> None:
        found = call("augment", "--recipe", "seed", "--data-dir", data_dir, "--preview", tmp_path / "grid.png")
        assert (found.status, found.out) == (0, "")
        assert found.err == f"modelcheck: wrote {tmp_path / 'grid.png'}\n"
        assert size(tmp_path / "grid.png") == (1200, 1440)

    @pytest.mark.parametrize(
        ("options", "policy", "recipe", "seed"),
        [
            ([], "", "fast", 0),
            ([], '[training]\nrecipe = "seed"', "seed", 0),
            (["--recipe", "seed-aug", "--seed", 3], '[training]\nrecipe = "seed"', "seed-aug", 3),
        ],
    )
    def test_recipe_and_seed(
        self,
        call: Call,
        data_dir: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        options: list[object],
        policy: str,
        recipe: str,
        seed: int,
    ) -> None:
        from modelcheck.plots import augmented
        from modelcheck.training import preview

        seen: list[object] = []
        draw, choose = augmented.augmented_figure, preview.augmented_images
        monkeypatch.setattr(
            augmented, "augmented_figure", lambda taken, *rest: seen.append(taken.name) or draw(taken, *rest)
        )
        monkeypatch.setattr(preview, "augmented_images", lambda *given: seen.append(given[-1]) or choose(*given))
        (tmp_path / "modelcheck.toml").write_text(policy)
        monkeypatch.chdir(tmp_path)
        assert call("augment", "--data-dir", data_dir, "--preview", "grid.svg", *options).status == 0
        assert seen == [seed, recipe]
        assert (tmp_path / "grid.svg").is_file()


@pytest.mark.parametrize("after_first_epoch", [False, True])
def test_ctrl_c(folder: Path, data_dir: Path, tmp_path: Path, after_first_epoch: bool) -> None:
    save = tmp_path / "stopped.safetensors"
    process = started(
        folder,
        *("train-eval", "net.py", "--data-dir", data_dir, "--epochs", 9999, "--recipe", "seed", "--device", "cpu"),
        *("--format", "json", "--save", save),
    )
    wanted = "Epoch 1/" if after_first_epoch else "Training on"
    assert process.stderr
    seen = ""
    deadline = time.monotonic() + 90
    while wanted not in seen:
        assert time.monotonic() < deadline
        seen += process.stderr.readline()
        assert process.poll() is None, seen
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    seen += err
    assert process.returncode == 130, seen
    assert "Traceback" not in seen
    epochs = seen.count("Test set:")
    if epochs:
        assert f"modelcheck: interrupted; what follows is after epoch {epochs}, and its weights are in {save}" in seen
        assert json.loads(out)["metrics"]["interrupted"] is True
        assert save.is_file()
    else:
        assert not after_first_epoch
        assert seen.endswith("modelcheck: interrupted; nothing was saved\n")
        assert out == ""
        assert list(tmp_path.iterdir()) == []


def test_the_verdict_is_seen_where_the_report_is_higher_than_the_terminal(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("LINES", "24")
    last = "modelcheck: FAIL net.py: fails mnist-20k: MC101, MC203\n"
    assert call("inspect", "net.py", "--policy", "mnist-20k").err.endswith(last)
    monkeypatch.setenv("LINES", "240")
    assert last not in call("inspect", "net.py", "--policy", "mnist-20k").err


@pytest.mark.parametrize(("options", "told"), [([], True), (["--policy", "mnist-20k"], False)])
def test_grading_without_a_policy_is_told_before_it_begins(
    call: Call, tmp_path: Path, options: list[str], told: bool
) -> None:
    found = call("grade", tmp_path, "--out", tmp_path / "results", *options)
    assert found.status == 2
    assert found.err.startswith("modelcheck: no policy, so nothing is required") is told


@pytest.mark.parametrize("encoding", ["cp1252"])
def test_a_page_of_characters_without_ours(folder: Path, encoding: str) -> None:
    found = spawned(folder, "inspect", "net.py", "--policy", "mnist-20k", PYTHONIOENCODING=encoding)
    assert found.status == 1
    assert found.out.startswith("x FAIL  net.py")
    assert "?" not in found.out


def test_every_character_of_ours_has_a_plainer_one() -> None:
    shown = (GOLDEN / "measured-80.txt").read_text(encoding="utf-8")
    assert SPARKS[-1] in shown
    plain = (shown + SPARKS).translate(cli._PLAIN)
    assert plain.encode("ascii")
    assert len(set(SPARKS.translate(cli._PLAIN))) == len(SPARKS)


def test_help_without_our_characters(folder: Path) -> None:
    found = spawned(folder, "--help", PYTHONIOENCODING="cp1252")
    assert found.status == 0
    assert "Traceback" not in found.err


@pytest.mark.parametrize(("policy", "status"), [("mnist-20k", 1), ("mnist-25k", 0)])
def test_a_reader_who_leaves_early_changes_no_status(
    call: Call, monkeypatch: pytest.MonkeyPatch, policy: str, status: int
) -> None:
    read, write = os.pipe()
    os.close(read)
    monkeypatch.setattr(cli, "_drop_output", lambda: None)
    with os.fdopen(write, "w", encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        found = call("inspect", "net.py", "--policy", policy)
        monkeypatch.undo()
        with pytest.raises(BrokenPipeError):
            stdout.close()
    assert found.status == status
    assert "Traceback" not in found.err
