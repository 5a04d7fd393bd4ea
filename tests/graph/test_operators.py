from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from modelcheck.graph.operators import EQUATION, KINDS, implementation, is_allowed, schema, takes_device
from modelcheck.graph.signature import _fits

ATEN = sorted(name for name in KINDS if name.startswith("aten."))
FORBIDDEN = (
    "from_file", "set_", "set", "resize", "resize_", "resize_as_", "as_strided", "as_strided_", "as_strided_copy",
    "record_stream", "_local_scalar_dense", "item", "is_nonzero", "nonzero", "masked_select", "save", "load", "data",
    "set_data", "storage_offset", "pin_memory", "_pin_memory", "to_sparse", "_sparse_coo_tensor_unsafe",
)  # fmt: skip


@pytest.mark.parametrize("name", ATEN)
def test_each_exists_and_takes_only_what_the_wire_can_hold(name: str) -> None:
    packet, overload = name.removeprefix("aten.").split(".")
    assert overload in getattr(torch.ops.aten, packet).overloads()
    assert callable(implementation(name))
    described = schema(name)
    assert described is not None
    for argument in described.arguments:
        kind = str(argument.type)
        assert not any(word in kind for word in ("Storage", "Stream", "QScheme", "Any"))
        # a generator has a form neither by name nor by position
        assert "Generator" not in kind or not _fits(argument.name, "Generator", 1)
        # what is written into stands by position, where aliases are read
        assert argument.alias_info is None or not argument.kwarg_only


@pytest.mark.parametrize("name", FORBIDDEN)
def test_none_of_these_is_allowed(name: str) -> None:
    assert not [one for one in KINDS if one.split(".")[1] == name]


@pytest.mark.parametrize("name", ["operator.pow", "operator.call", "eval", "aten.add", "prim.device.default", ""])
def test_other_names_are_no_operators(name: str) -> None:
    assert not is_allowed(name)
    with pytest.raises(KeyError):
        implementation(name)


@pytest.mark.parametrize("word", ["../x", "/etc/passwd", "a;b", "a" * 129, "ab\n", "é", "{}"])
def test_words_are_no_paths(word: str) -> None:
    assert EQUATION.match(word) is None


def test_view_takes_channels_last() -> None:
    tensor = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
    assert torch.equal(implementation("aten.view.default")(tensor, [2, 48]), tensor.reshape(2, 48))


def test_uninitialised_memory_is_zeros() -> None:
    like = torch.ones(3)
    made = [
        implementation("aten.empty.memory_format")([3], memory_format=torch.contiguous_format),
        implementation("aten.empty_like.default")(like),
        implementation("aten.new_empty.default")(like, [3]),
    ]
    assert all(torch.equal(one, torch.zeros(3)) for one in made)


def test_factories_are_told_the_device() -> None:
    assert takes_device("aten.zeros.default")
    assert not takes_device("aten.zeros_like.default")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("operator.mul", ([0], 10**12)),
        ("operator.mul", (2**40, 2**40)),
        ("operator.getitem", ("text", 0)),
        ("aten.split.Tensor", (torch.empty(2**33, device="meta"), 1)),
        ("aten.unbind.int", (torch.empty(2**33, device="meta"),)),
        ("aten.chunk.default", (torch.empty(2**33, device="meta"), 2**33)),
        ("aten.tensor_split.sections", (torch.empty(2**33, device="meta"), 2**33)),
        ("aten.lstm.input", (torch.empty(2**30, 1, 1, device="meta"), [], [], True, 1, 0.0, False, False, False)),
    ],
)
def test_bombs_do_not_go_off(name: str, values: tuple[object, ...]) -> None:
    with pytest.raises((TypeError, ValueError, OverflowError)):
        implementation(name)(*values)


DIVISIONS = """
import torch
from modelcheck.graph.operators import implementation

tensors, numbers = (implementation(f"aten.div.{name}") for name in ("Tensor_mode", "Scalar_mode"))
low, minus = torch.tensor([-(2**63), 7]), torch.tensor([-1, -1])
assert tensors(low, minus, rounding_mode="trunc").tolist() == [-(2**63), -7]
assert numbers(low, -1, rounding_mode="trunc").tolist() == [-(2**63), -7]
assert tensors(torch.tensor([-7]), torch.tensor([2]), rounding_mode="trunc").item() == -3
assert numbers(torch.tensor([-7.0]), 2, rounding_mode="floor").item() == -4.0
"""


def test_the_smallest_integer_by_minus_one_does_not_end_the_process() -> None:
    assert subprocess.run([sys.executable, "-c", DIVISIONS], check=False).returncode == 0
