"""Modules in plain containers, and what looks like them."""

from __future__ import annotations

import collections
import functools
import itertools
import time
import types
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.feature_extraction import create_feature_extractor

from modelcheck.capturing.capture import capture_model
from modelcheck.capturing.unregistered import unregistered_modules
from modelcheck.facts.compute import compute_facts
from reference_model import Net

SHAPE = (1, 8, 8)


class Base(nn.Module):
    def __init__(self, **attributes: object) -> None:
        super().__init__()
        self.head = nn.Linear(8, 4)
        for name, value in attributes.items():
            setattr(self, name, value)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x)


class Block(nn.Module):
    """Registers a layer, and keeps another in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.more = [nn.Linear(3, 3)]


class Config:
    def __init__(self, **attributes: object) -> None:
        vars(self).update(attributes)


def _ends(*_: object) -> Any:
    raise SystemExit(0)


class Untouchable(Config):
    """Ends the process wherever it is touched."""

    def __init__(self, **attributes: object) -> None:
        Config.__dict__["__dict__"].__get__(self).update(attributes)

    __getattribute__ = __eq__ = __hash__ = __repr__ = __len__ = __iter__ = __bool__ = _ends  # type: ignore[assignment]
    __dict__ = property(_ends)  # type: ignore[assignment]


class EmptyList(list):  # type: ignore[type-arg]
    """Shows nothing of what it holds."""

    __iter__ = __len__ = __getitem__ = __bool__ = _ends  # type: ignore[assignment]


class EmptyDict(dict):  # type: ignore[type-arg]
    __iter__ = __len__ = keys = values = items = _ends  # type: ignore[assignment]


class Key:
    __repr__ = __str__ = _ends  # type: ignore[assignment]


def linear() -> nn.Module:
    return nn.Linear(3, 3)


FOUND: dict[str, tuple[Callable[[], object], list[tuple[str, str, int]]]] = {
    "list": (lambda: [nn.Linear(3, 3), nn.ReLU()], [("a[0]", "Linear", 12), ("a[1]", "ReLU", 0)]),
    "tuple": (lambda: (nn.Dropout(),), [("a[0]", "Dropout", 0)]),
    "named tuple": (lambda: collections.namedtuple("Pair", "x y")(1, linear()), [("a[1]", "Linear", 12)]),
    "deque": (lambda: collections.deque([linear()]), [("a[0]", "Linear", 12)]),
    "dict": (lambda: {"x": linear(), 7: nn.ReLU()}, [("a['x']", "Linear", 12), ("a[7]", "ReLU", 0)]),
    "ordered dict": (lambda: collections.OrderedDict(x=linear()), [("a['x']", "Linear", 12)]),
    "default dict": (lambda: collections.defaultdict(list, x=[linear()]), [("a['x'][0]", "Linear", 12)]),
    "odd key": (lambda: {Key(): linear()}, [("a[Key]", "Linear", 12)]),
    "long key": (lambda: {"k" * 99: linear()}, [(f"a['{'k' * 60}']", "Linear", 12)]),
    "set": (lambda: {nn.ReLU(), linear(), nn.Linear(1, 1)},
        [("a{0}", "Linear", 2), ("a{1}", "Linear", 12), ("a{2}", "ReLU", 0)]),
    "frozen set": (lambda: frozenset([linear()]), [("a{0}", "Linear", 12)]),
    "nested": (lambda: [[linear()], {"x": (nn.ReLU(),)}], [("a[0][0]", "Linear", 12), ("a[1]['x'][0]", "ReLU", 0)]),
    "among others": (lambda: [3, "x", None, torch.ones(3), nn.ReLU(), nn.ReLU], [("a[4]", "ReLU", 0)]),
    "namespace": (lambda: types.SimpleNamespace(x=linear()), [("a.x", "Linear", 12)]),
    "object": (lambda: Config(x=[linear()]), [("a.x[0]", "Linear", 12)]),
    "user list": (lambda: collections.UserList([linear()]), [("a.data[0]", "Linear", 12)]),
    "untouchable": (lambda: [Untouchable(module=linear())], [("a[0].module", "Linear", 12)]),
    "list that hides": (lambda: EmptyList([linear()]), [("a[0]", "Linear", 12)]),
    "dict that hides": (lambda: EmptyDict(x=linear()), [("a['x']", "Linear", 12)]),
    "the same one twice": (lambda: [linear()] * 2, [("a[0]", "Linear", 12)]),
    "with children": (lambda: [nn.Sequential(linear(), nn.ReLU())], [("a[0]", "Sequential", 12)]),
    "a list inside": (lambda: [Block()], [("a[0]", "Block", 20), ("a[0].more[0]", "Linear", 12)]),
    "lazy": (lambda: [nn.LazyLinear(3)], [("a[0]", "LazyLinear", 0)]),
    "complex": (lambda: [nn.Linear(3, 3, dtype=torch.complex64)], [("a[0]", "Linear", 24)]),
    "on the meta device": (lambda: [nn.Linear(3, 3, device="meta")], [("a[0]", "Linear", 12)]),
}  # fmt: skip


def found(model: nn.Module) -> list[tuple[str, str, int]]:
    return [(one.path, one.type, one.parameters) for one in unregistered_modules(model)]


@pytest.mark.parametrize("kind", FOUND)
def test_found_with_type_and_parameters(kind: str) -> None:
    build, expected = FOUND[kind]
    assert found(Base(a=build())) == expected
    assert {one.attribute for one in unregistered_modules(Base(a=build()))} <= {"a", "a[0].more"}
    inside = [(f"inner.{path}", name, count) for path, name, count in expected]
    assert found(nn.ModuleDict({"inner": Base(a=build())})) == inside


def test_what_the_attribute_is() -> None:
    holders: dict[str, Callable[[nn.Module], object]] = {
        "list": lambda one: [(one,)],
        "tuple": lambda one: ([one],),
        "dict": lambda one: {"x": [one]},
        "set": lambda one: {one},
        "object": lambda one: types.SimpleNamespace(x=[one]),
    }
    for holder, hold in holders.items():
        (one,) = unregistered_modules(Base(a=hold(nn.ReLU())))
        assert (one.holder, one.attribute) == (holder, "a")
    model = Base()
    model.__dict__["a"] = nn.ReLU()
    (one,) = unregistered_modules(model)
    assert (one.holder, one.attribute, one.path) == ("attribute", "a", "a")


class Kept(Base):
    """Registers its layers, and keeps them in every other way as well."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 2, 3), nn.Sequential(nn.Conv2d(2, 2, 3))
        self.layers = [self.conv1, self.conv2, self.conv2[0]]
        self.by_name = {"a": self.conv1, "model": self}
        self.config = Config(model=self, layers=self.layers)
        self.__dict__["again"] = self.conv1


NOTHING: dict[str, Callable[[], nn.Module]] = {
    "registered": Kept,
    "list": lambda: Base(a=nn.ModuleList([linear()])),
    "dict": lambda: Base(a=nn.ModuleDict({"x": linear()})),
    "classes": lambda: Base(a=[nn.Linear, nn.ReLU], b={"norm": nn.BatchNorm2d}),
    "functions": lambda: Base(a=[functools.partial(nn.Linear, 3), torch.relu, lambda x: linear()], b=linear().forward),
    "python modules": lambda: Base(a=[nn, torch.nn.functional]),
    "tensors": lambda: Base(a=[nn.Parameter(torch.ones(3)), torch.ones(3)]),
    "generator": lambda: Base(a=(linear() for _ in range(3)), b=itertools.repeat(linear())),
    "class attribute": type("Own", (Base,), {"layers": [nn.Linear(3, 3)]}),
    "hooks": lambda: _hooked(),
    "parametrized": lambda: nn.utils.parametrizations.weight_norm(nn.Linear(8, 4)),
    "recurrent": lambda: nn.LSTM(8, 4),
    "transformer": lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, batch_first=True), 2),
    "traced by fx": lambda: torch.fx.symbolic_trace(Base()),
    "a feature extractor": lambda: create_feature_extractor(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(3, 3)), ["0"]),
    "the reference model": Net,
}


def _hooked() -> nn.Module:
    model = Base()
    model.register_forward_hook(lambda module, inputs, output: linear()(output))
    return model


@pytest.mark.parametrize("kind", NOTHING)
def test_nothing_where_all_is_registered(kind: str) -> None:
    assert found(NOTHING[kind]()) == []


def test_a_module_that_is_found_again_within_another_is_told_once_at_the_top() -> None:
    block = nn.Sequential(linear())
    assert found(Base(a=[block[0], block])) == [("a[1]", "Sequential", 12)]
    assert found(Base(a=[block, block[0]])) == [("a[0]", "Sequential", 12)]


def test_cycles_end() -> None:
    one, other, circle = nn.Sequential(), nn.Sequential(), []  # type: ignore[var-annotated]
    one._modules["0"], other._modules["0"] = other, one
    circle.append(circle)
    config = Config(circle=circle)
    config.me = config  # type: ignore[attr-defined]
    assert found(Base(a=[circle, config, one, other])) == [("a[2]", "Sequential", 0)]


@pytest.mark.parametrize(("containers", "expected"), [(6, 1), (7, 0), (2_000, 0)])
def test_the_search_is_bounded_in_depth(containers: int, expected: int) -> None:
    deep: object = nn.ReLU()
    for _ in range(containers):
        deep = [deep]
    assert len(found(Base(a=deep))) == expected


def test_the_search_is_bounded_in_number() -> None:
    many = [[Config(x=number) for number in range(1_000)] for _ in range(100)]
    many.append([Config(x=linear())])
    started = time.process_time()
    assert found(Base(many=many, numbers=list(range(10**6)), a=[linear()])) == [("a[0]", "Linear", 12)]
    assert len(found(Base(a=[nn.ReLU() for _ in range(5_000)]))) == 1_000
    assert time.process_time() - started < 5


@pytest.mark.parametrize("name", ["", "\ud800", "x" * 10_000, "a.b['c']"])
def test_any_attribute_can_be_written(name: str) -> None:
    model = Base()
    model.__dict__[name] = [type(name.replace("\ud800", ""), (nn.ReLU,), {})()]
    (one,) = capture_model(model, SHAPE).header.unregistered
    one.path.encode()
    assert len(one.path) <= 1_000


class Used(Base):
    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(4, 4), nn.Dropout(0.5)]

    def forward(self, x: Tensor) -> Tensor:
        x = super().forward(x)
        for layer in self.layers:
            x = layer(x)
        return x


def test_facts_tell_them_and_count_their_weights_as_hidden() -> None:
    model = Used()
    kept = list(model.layers)
    facts = compute_facts(capture_model(model, SHAPE)).facts
    assert [(one.path, one.parameters) for one in facts.unregistered_modules] == [("layers[0]", 20), ("layers[1]", 0)]
    assert (facts.parameters.total, facts.parameters.hidden) == (36, 20)
    assert facts.dropout.count == 0  # it drops in evaluation too
    assert model.layers == kept
    assert all(layer.training for layer in model.layers)


def test_it_is_the_author_s_claim_and_decides_nothing_of_the_counts() -> None:
    """A list that forward never uses is told, and hides no weight."""
    facts = compute_facts(capture_model(Base(a=[linear()]), SHAPE)).facts
    assert (len(facts.unregistered_modules), facts.parameters.hidden) == (1, 0)
