from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import squeezenet

from modelcheck.capturing.capture import capture_model
from modelcheck.graph.wire import InputRef, Node, NodeRef, Special

SHAPE = (1, 8, 8)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(8, 8)
        self.register_buffer("kept", torch.zeros(8, 8))

    def forward(self, x: Tensor) -> tuple[Tensor, int, None]:
        with torch.no_grad():
            torch.mul(self.kept, 2, out=self.kept)
        x = torch.softmax(input=self.stem(x), dim=-1) * float("inf")
        return x + self.kept, 3, None


def _nodes() -> dict[str, Node]:
    return {node.op: node for node in capture_model(Net(), SHAPE).header.train.nodes}


def test_a_result_written_into_an_argument_becomes_a_copy() -> None:
    nodes = _nodes()
    assert not [op for op in nodes if op.endswith(".out")]
    assert "aten.copy_.default" in nodes


def test_gradients_are_off_where_the_author_switched_them_off() -> None:
    nodes = _nodes()
    assert not nodes["aten.copy_.default"].grad
    assert nodes["aten.linear.default"].grad


def test_arguments_stand_by_position() -> None:
    assert _nodes()["aten.softmax.int"].args[1] == -1


def test_infinity_has_a_form() -> None:
    assert Special("inf") in [argument for node in _nodes().values() for argument in node.args]


def test_what_is_no_tensor_is_no_output() -> None:
    graph = capture_model(Net(), SHAPE).header.train
    assert (len(graph.outputs), len(graph.further)) == (1, 0)


def test_what_is_returned_beside_the_output_is_told() -> None:
    class Several(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            return x.exp(), x.sin(), x

    graph = capture_model(Several(), SHAPE).header.train
    assert [node.op for node in graph.nodes] == ["aten.exp.default", "aten.sin.default"]
    assert (graph.outputs, graph.further) == ((NodeRef(0),), (NodeRef(1), InputRef(0)))


def test_nodes_carry_the_module_and_the_author_s_line() -> None:
    header = capture_model(Net(), SHAPE).header
    linear = next(node for node in header.train.nodes if node.op == "aten.linear.default")
    assert header.modules[linear.module].path == "stem"
    assert Path(linear.file or "").name == "test_translate.py"
    assert linear.line == Net.forward.__code__.co_firstlineno + 3


def test_lines_are_the_authors_wherever_the_author_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    model = squeezenet.Fire(1, 1, 1, 1)
    nodes = capture_model(model, (1, 8, 8)).header.evaluation.nodes
    assert {Path(node.file).name for node in nodes if node.file} == {"squeezenet.py"}
    monkeypatch.chdir(Path(__file__).parent)
    nodes = capture_model(Mixed(), (1, 8, 8)).header.evaluation.nodes
    assert {node.file for node in nodes if node.file} == {Path(__file__).name}


class Mixed(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2


def test_a_helper_s_line_is_the_author_s_and_that_of_who_calls_us_is_not() -> None:
    node = capture_model(Helped(), (1, 8, 8)).header.evaluation.nodes[0]
    assert (Path(node.file or "").name, node.line) == ("test_translate.py", doubled.__code__.co_firstlineno + 1)
    nodes = capture_model(nn.Sequential(nn.ReLU(), nn.Conv2d(1, 1, 3)), (1, 8, 8)).header.evaluation.nodes
    assert {(node.file, node.line) for node in nodes} == {(None, None)}


class Helped(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return doubled(x)


def doubled(x: torch.Tensor) -> torch.Tensor:
    return x * 2
