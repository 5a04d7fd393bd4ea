from __future__ import annotations

import collections
import dataclasses
import types
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import modelcheck
from modelcheck.capturing.capture import capture_model
from modelcheck.capturing.outputs import DEEPEST, LONGEST_NAME, named_tensors
from modelcheck.errors import NotCapturable

A, B, C = torch.zeros(1), torch.zeros(2), torch.zeros(3)
Pair = collections.namedtuple("Pair", ["logits", "features"])


@dataclasses.dataclass
class Result:
    features: object
    logits: object
    note: str = "a text"


class Plain:
    def __init__(self) -> None:
        self.first, self.net, self.kind, self.text = [A], nn.Linear(1, 1), nn.Linear, "abc"


class Lies(dict):
    """Calls itself something else."""

    @property
    def __class__(self) -> type:
        return int


def _cycle() -> list[object]:
    one: list[object] = [A]
    one.append(one)
    return one


def _deep(value: object, containers: int) -> object:
    for _ in range(containers):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (A, [("", A)]),
        (nn.Parameter(A), [("", A)]),
        ((A, B), [("[0]", A), ("[1]", B)]),
        ([3, None, "x", B, {}], [("[3]", B)]),
        ({"a": A, "b": [B, {"c": C}]}, [("a", A), ("b[0]", B), ("b[1].c", C)]),
        ({"features": A, "logits": B}, [("logits", B), ("features", A)]),
        ({"aux": A, "out": B, "z": C}, [("out", B), ("aux", A), ("z", C)]),
        ({"out": A, "logits": B}, [("logits", B), ("out", A)]),
        ({"a": {"logits": A}, "b": B}, [("a.logits", A), ("b", B)]),
        ({1: A, (2, 3): B}, [("1", A), ("tuple", B)]),
        (collections.OrderedDict(z=A, a=B), [("z", A), ("a", B)]),
        (collections.UserDict(z=A), [("z", A)]),
        (Lies(z=A), [("z", A)]),
        (Pair(A, B), [("logits", A), ("features", B)]),
        (Result(A, B), [("logits", B), ("features", A)]),
        (Result([A, C], None), [("features[0]", A), ("features[1]", C)]),
        (types.SimpleNamespace(a=A), [("a", A)]),
        (Plain(), [("first[0]", A)]),
        (torch.distributions.Normal(A, A + 1), [("loc", A), ("scale", A + 1)]),
        (torch.nn.utils.rnn.pack_sequence([B]), [("data", B), ("batch_sizes", torch.tensor([1, 1]))]),
        (None, []),
        (nn.Linear(1, 1), []),
        (Result, []),
        (_deep(A, DEEPEST), [("[0]" * DEEPEST, A)]),
        (_deep(A, DEEPEST + 1), []),
        (_cycle(), [("[1]" * depth + "[0]", A) for depth in range(DEEPEST)]),
        ({"n" * 999: A}, [("n" * LONGEST_NAME, A)]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_tensors_by_name(value: object, expected: list[tuple[str, Tensor]]) -> None:
    found = named_tensors(value)
    assert [name for name, _ in found] == [name for name, _ in expected]
    for (_, one), (_, other) in zip(found, expected, strict=True):
        assert torch.equal(one, other)


class Net(nn.Module):
    """Gives 7 logits of an input of (N, 4), and its features."""

    def __init__(self, wrap: Callable[[Tensor, Tensor], object]) -> None:
        super().__init__()
        self.features, self.head, self.wrap = nn.Linear(4, 5), nn.Linear(5, 7), wrap

    def forward(self, x: Tensor) -> object:
        features = self.features(x).relu()
        return self.wrap(features, self.head(features))


@pytest.mark.parametrize(
    ("wrap", "outputs", "size"),
    [
        (lambda features, logits: logits, (), 7),
        (lambda features, logits: {"logits": logits}, ("logits",), 7),
        (lambda features, logits: {"features": features, "logits": logits}, ("logits", "features"), 7),
        (lambda features, logits: {"features": features, "scores": logits}, ("features", "scores"), 5),
        (lambda features, logits: (logits, [features]), ("[0]", "[1][0]"), 7),
        (lambda features, logits: Pair(logits, features), ("logits", "features"), 7),
        (lambda features, logits: Result(features, logits), ("logits", "features"), 7),
        (lambda features, logits: Result([features], None), ("features[0]",), 5),
        (lambda features, logits: [logits] * 99, tuple(f"[{index}]" for index in range(64)), 7),
    ],
)
def test_a_model_is_captured_whatever_holds_its_output(
    wrap: Callable[[Tensor, Tensor], object], outputs: tuple[str, ...], size: int
) -> None:
    model = Net(wrap)
    facts = modelcheck.inspect(model, input=(4,)).facts
    assert facts is not None
    assert (facts.capture, facts.outputs, facts.output_shape) == ("exported", outputs, (size,))
    read = sum(p.numel() for p in model.features.parameters()) + (5 * 7 + 7) * (size == 7)
    assert facts.parameters.total - facts.parameters.unused == read


def test_the_captured_output_is_the_one_that_is_named_first() -> None:
    torch.manual_seed(0)
    model = Net(lambda features, logits: Result(features, logits))
    x = torch.randn(3, 4)
    graph = modelcheck.capture(model, input=(4,))
    from modelcheck.graph.model import GraphModel

    assert torch.equal(GraphModel(graph)(x), model(x).logits)


@pytest.mark.parametrize("wrap", [lambda features, logits: None, lambda features, logits: [3, "x"]])
def test_no_tensor_is_no_output(wrap: Callable[[Tensor, Tensor], object]) -> None:
    with pytest.raises(NotCapturable, match="returns no tensor"):
        capture_model(Net(wrap), (4,))
