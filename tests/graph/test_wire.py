from __future__ import annotations

import msgspec
import pytest

from modelcheck.graph.wire import Argument, Device, DType, InputRef, MemoryFormat, NodeRef, Special, TensorRef, Word

VALUES = [
    None, True, 1, -(2**63), 0.5, NodeRef(1), TensorRef(2), InputRef(0), Special("inf"), Special("nan"),
    DType("int8"), MemoryFormat("channels_last"), Device(), Word("ij"), [1, NodeRef(0), None],
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_each_value_comes_back_as_it_went(value: Argument) -> None:
    found = msgspec.json.decode(msgspec.json.encode(value), type=Argument)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    ['"text"', '{"is":"node"}', '{"is":"node","id":"1"}', '{"is":"node","id":1,"more":1}', '{"is":"code"}', "[[1]]"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Argument)
