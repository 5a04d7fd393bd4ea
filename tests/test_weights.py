from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from modelcheck.capturing.capture import capture_model
from modelcheck.errors import UsageError
from modelcheck.graph.model import GraphModel
from modelcheck.weights import load_weights, save_weights


class Net(nn.Module):
    """Tied weights, batch norm and a channels-last kernel."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2)
        self.one, self.other = nn.Linear(width, width), nn.Linear(width, width)
        self.other.weight = self.one.weight
        self.conv.to(memory_format=torch.channels_last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.other(self.one(self.norm(self.conv(x))))


def _graph(net: nn.Module, width: int = 8) -> GraphModel:
    return GraphModel(capture_model(net, (1, 8, width))).eval()


@pytest.fixture
def graph() -> GraphModel:
    return _graph(Net())


def _agree(net: nn.Module, graph: GraphModel) -> bool:
    x = torch.randn(3, 1, 8, 8)
    return torch.allclose(net.eval()(x), graph(x), atol=1e-6)


def test_saved_weights_load_into_the_author_s_class(graph: GraphModel, tmp_path: Path) -> None:
    save_weights(graph, tmp_path / "net.safetensors", {"recipe": "fast"})
    net = Net()
    assert not _agree(net, graph)
    net.load_state_dict(safetensors.torch.load_file(tmp_path / "net.safetensors"), strict=True)
    assert _agree(net, graph)
    assert [path.name for path in tmp_path.iterdir()] == ["net.safetensors"]


FORMS: dict[str, Callable[[dict[str, torch.Tensor], Path], None]] = {
    "safetensors": lambda state, path: safetensors.torch.save_file({k: v.clone() for k, v in state.items()}, path),
    "torch": lambda state, path: torch.save(state, path),
    "data-parallel": lambda state, path: torch.save({f"module.{k}": v for k, v in state.items()}, path),
    "compiled, then parallel": lambda state, path: torch.save(
        {f"module._orig_mod.{k}": v for k, v in state.items()}, path
    ),
    "lightning": lambda state, path: torch.save(
        {"epoch": 3, "state_dict": {f"model.{k}": v for k, v in state.items()}}, path
    ),
    "checkpoint": lambda state, path: torch.save({"epoch": 3, "model_state_dict": state}, path),
}


@pytest.mark.parametrize("save", FORMS.values(), ids=FORMS.keys())
def test_loads(save: Callable[[dict[str, torch.Tensor], Path], None], graph: GraphModel, tmp_path: Path) -> None:
    net = Net()
    save({name: value.contiguous() for name, value in net.state_dict().items()}, tmp_path / "w")
    load_weights(graph, tmp_path / "w")
    assert _agree(net, graph)


def test_a_pickled_model_is_refused_with_the_reason(graph: GraphModel, tmp_path: Path) -> None:
    torch.save(Net(), tmp_path / "net.pt")
    with pytest.raises(UsageError, match=r"can run any code.*torch\.save\(model\.state_dict\(\)"):
        load_weights(graph, tmp_path / "net.pt")


def test_no_code_in_a_pickle_runs(graph: GraphModel, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "ran"),)

    (tmp_path / "evil.pt").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(UsageError):
        load_weights(graph, tmp_path / "evil.pt")
    assert not (tmp_path / "ran").exists()


def test_other_keys_and_shapes_are_listed(graph: GraphModel, tmp_path: Path) -> None:
    state = Net(16).state_dict()
    state["extra"] = state.pop("norm.bias")
    torch.save(state, tmp_path / "w")
    with pytest.raises(UsageError) as caught:
        load_weights(graph, tmp_path / "w")
    for words in ("missing: norm.bias", "not in the model: extra", "one.weight is [16, 16] instead of [8, 8]"):
        assert words in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"text", b"PK\x03\x04", bytes(1000), b"\xff" * 100], ids=repr)
def test_a_file_of_something_else_is_a_usage_error(data: bytes, graph: GraphModel, tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(data)
    with pytest.raises(UsageError, match="w"):
        load_weights(graph, tmp_path / "w")


@pytest.mark.parametrize("name", ["none", ""])
def test_no_file_is_a_usage_error(name: str, graph: GraphModel, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the weights"):
        load_weights(graph, tmp_path / name)


def test_saving_into_a_missing_folder_is_a_usage_error(graph: GraphModel, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        save_weights(graph, tmp_path / "none" / "w")
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_replaced_leaves_no_temporary_file(graph: GraphModel, tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    with pytest.raises(UsageError, match="cannot write"):
        save_weights(graph, tmp_path / "w")
    assert [path.name for path in tmp_path.iterdir()] == ["w"]


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_read_only_folder_is_a_usage_error(graph: GraphModel, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="cannot write"):
        save_weights(graph, tmp_path / "w")


def test_what_is_in_no_state_dict_is_neither_saved_nor_asked_for(tmp_path: Path) -> None:
    class Positions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(8, 8)
            self.register_buffer("kept", torch.randn(8))
            self.register_buffer("passing", torch.randn(8), persistent=False)
            self.constant = torch.randn(8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(x) + self.kept + self.passing + self.constant

    net = Positions()
    graph = _graph(net)
    torch.save(net.state_dict(), tmp_path / "w.pt")
    assert load_weights(graph, tmp_path / "w.pt") == {}
    save_weights(graph, tmp_path / "w.safetensors", {"recipe": "seed-aug"})
    assert set(safetensors.torch.load_file(tmp_path / "w.safetensors")) == set(net.state_dict())
    assert load_weights(graph, tmp_path / "w.safetensors") == {"recipe": "seed-aug"}


def test_a_parameter_whose_entries_are_one_number_is_refused(tmp_path: Path) -> None:
    net = nn.Linear(8, 8)
    net.bias = nn.Parameter(torch.randn(1).expand(8))
    safetensors.torch.save_file({k: v.clone().contiguous() for k, v in net.state_dict().items()}, tmp_path / "w")
    with pytest.raises(UsageError, match="bias cannot be set"):
        load_weights(_graph(net), tmp_path / "w")


def test_equal_weights_are_equal_files_and_foreign_metadata_does_no_harm(graph: GraphModel, tmp_path: Path) -> None:
    said = {name: str(number) for number, name in enumerate("abcdefgh")}
    for name in ("one", "two"):
        save_weights(graph, tmp_path / name, said if name == "one" else dict(reversed(said.items())))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert load_weights(graph, tmp_path / "one") == said
    state = safetensors.torch.load_file(tmp_path / "one")
    safetensors.torch.save_file(state, tmp_path / "foreign", {"modelcheck": "no json", "format": "pt"})
    assert load_weights(graph, tmp_path / "foreign") == {}
