from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from capturing.zoo import SHAPE, ZOO
from modelcheck.capturing.capture import capture_model
from modelcheck.graph.wire import Header


def _header(name: str) -> Header:
    return capture_model(ZOO[name](), SHAPE).header


# what of its storages each model can reach, by the numbers in its constructor
SIZES = {"Tied": [64, 8, 8], "Views": [96], "EverySecond": [64], "Expanded": [8], "Complex": [40]}


@pytest.mark.parametrize(("name", "sizes"), SIZES.items(), ids=SIZES.keys())
def test_each_storage_is_held_once_and_as_far_as_it_is_reached(name: str, sizes: list[int]) -> None:
    header = _header(name)
    held = [header.storages[one] for one in sorted({t.storage for t in header.tensors if t.role == "parameter"})]
    assert sorted(storage.size for storage in held) == sorted(sizes)


def test_a_tied_weight_has_both_names() -> None:
    assert ("encode.weight", "decode.weight") in [tensor.paths for tensor in _header("Tied").tensors]


def test_what_is_registered_nowhere_is_a_constant_and_held_once_for_both_graphs() -> None:
    constants = [tensor for tensor in _header("HiddenTensors").tensors if tensor.role == "constant"]
    assert sorted(tensor.shape for tensor in constants) == [(8,), (8,), (8,), (8, 8), (8, 8)]


def test_frozen_is_told_from_trainable() -> None:
    trainable = {tensor.paths[0]: tensor.trainable for tensor in _header("EmptyAndFrozen").tensors}
    assert trainable["head.weight"]
    assert not trainable["frozen.weight"]


def test_equal_tensors_of_two_names_stay_two() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Parameter(torch.ones(8)), nn.Parameter(torch.ones(8))

        def forward(self, x: Tensor) -> Tensor:
            return x * self.a + self.b

    assert len(capture_model(Net(), SHAPE).header.storages) == 2


def test_the_weights_of_a_module_with_two_names_have_those_of_the_state_dict() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one = nn.Linear(8, 8)
            self.blocks = nn.ModuleList([self.one, nn.Sequential(self.one)])

        def forward(self, x: Tensor) -> Tensor:
            return self.blocks[1](self.blocks[0](x))

    header = capture_model(Net(), SHAPE).header
    weight, bias = header.tensors
    assert weight.paths == ("one.weight", "blocks.0.weight", "blocks.1.0.weight")
    assert bias.paths == ("one.bias", "blocks.0.bias", "blocks.1.0.bias")
    owners = {header.modules[node.module].path for node in header.evaluation.nodes if node.op == "aten.linear.default"}
    assert owners == {"one"}
