"""Modules in plain containers, registered nowhere: an optimiser, ``state_dict()``, ``to()`` and ``eval()`` miss them.

Nothing of the author's is called: containers are read by the methods of Python's own types, objects by their true
``__dict__``.
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import nn

from modelcheck.author_trace import class_name
from modelcheck.capturing.manners import is_uninitialized
from modelcheck.capturing.tree import class_attributes, own_attributes, stored, walk, wire_text
from modelcheck.graph.check import MAX_COUNT, MAX_UNREGISTERED
from modelcheck.graph.wire import HolderKind, UnregisteredInfo

DEEPEST = 6  # containers in containers
MOST_ENTRIES = 2_000  # of one container: a data set in a list is no list of layers
MOST_VALUES = 20_000  # looked at in all; the shallow ones come first
LONGEST_KEY = 60
_TORCHS_OWN = frozenset(nn.Module().__dict__)
_CONTAINERS: tuple[tuple[type, HolderKind], ...] = (
    (list, "list"),
    (deque, "list"),
    (tuple, "tuple"),
    (dict, "dict"),
    (set, "set"),
    (frozenset, "set"),
)
# they have a __dict__, and what is in it belongs to no model; a graph of torch.fx knows the module it was traced from
_NO_HOLDERS = (type, types.ModuleType, types.FunctionType, torch.Tensor)
_NO_HOLDERS_FROM = ("torch", "torchvision")


@dataclass(frozen=True)
class _Place:
    value: object
    path: str
    attribute: str
    holder: HolderKind
    depth: int = 0


def unregistered_modules(root: nn.Module) -> tuple[UnregisteredInfo, ...]:
    """The topmost modules that the tree's modules hold in their attributes and that no module of the tree registers.

    A module that is registered and also kept in a list is none. Of what such a module registers itself only its
    parameters are counted; what it keeps in plain containers is found too.
    """
    search = _Search(root)
    return tuple(_info(place, module) for place, module in search.found.values())


class _Search:
    """Breadth first, so that a limit cuts off what lies deep, and each container once, so that cycles end."""

    def __init__(self, root: nn.Module) -> None:
        self.found: dict[int, tuple[_Place, nn.Module]] = {}
        self._covered: set[int] = set()
        self._seen: set[int] = set()
        self._waiting: deque[_Place] = deque()
        self._enter(root, "")
        left = MOST_VALUES
        while self._waiting and left and len(self.found) < MAX_UNREGISTERED:
            left -= 1
            self._look(self._waiting.popleft())

    def _look(self, place: _Place) -> None:
        value = place.value
        if issubclass(type(value), nn.Module):
            if id(value) not in self._covered:
                self._enter(value, place.path)  # type: ignore[arg-type]
                self.found[id(value)] = (place, value)  # type: ignore[assignment]
        elif id(value) not in self._seen and place.depth < DEEPEST:
            self._seen.add(id(value))
            for part, below in islice(_entries(value), MOST_ENTRIES):
                holder = place.holder if place.depth else _kind(value)
                self._waiting.append(_Place(below, place.path + part, place.attribute, holder, place.depth + 1))

    def _enter(self, top: nn.Module, above: str) -> None:
        """Cover a module with all that it registers, and look into their attributes."""
        for below, module in walk(top):
            self._covered.add(id(module))
            self.found.pop(id(module), None)  # a module above it was found later
            path = ".".join(part for part in (above, below) if part)
            for name, value in dict.items(own_attributes(module)):
                if name not in _TORCHS_OWN:
                    at = f"{path}.{wire_text(name)}" if path else wire_text(name)
                    self._waiting.append(_Place(value, at, at, "attribute"))


def _kind(value: object) -> HolderKind:
    return next((name for kind, name in _CONTAINERS if issubclass(type(value), kind)), "object")


def _entries(value: Any) -> Iterator[tuple[str, object]]:
    """What a container or an object holds, each with what Python writes to get at it."""
    kind = _kind(value)
    if kind == "dict":
        yield from ((f"[{_key(key)}]", below) for key, below in dict.items(value))
    elif kind == "set":
        # in an order that does not change from run to run
        ordered = sorted(_members(value), key=_looks)
        yield from ((f"{{{index}}}", below) for index, below in enumerate(ordered))
    elif kind == "object":
        yield from ((f".{wire_text(name)}", below) for name, below in dict.items(_attributes(value)))
    else:
        yield from ((f"[{index}]", below) for index, below in enumerate(_members(value)))


def _members(value: Any) -> Iterator[object]:
    """The members by the iteration of Python's own type, whatever a subclass makes of it."""
    kind = next(kind for kind, _ in _CONTAINERS if issubclass(type(value), kind))
    members: Iterator[object] = islice(kind.__iter__(value), MOST_ENTRIES)  # type: ignore[attr-defined]
    return members


def _looks(value: Any) -> tuple[str, int]:
    return class_name(type(value)), _scalars(value) if issubclass(type(value), nn.Module) else 0


def _key(key: object) -> str:
    if issubclass(type(key), str):
        return repr(wire_text(key)[:LONGEST_KEY])
    return str(key) if type(key) in (int, bool, float) or key is None else class_name(type(key))


def _attributes(value: object) -> dict[str, object]:
    """The object's true ``__dict__``; a class may give another one to those who ask."""
    if issubclass(type(value), _NO_HOLDERS) or _package(type(value)) in _NO_HOLDERS_FROM:
        return {}
    for kind in type.__dict__["__mro__"].__get__(type(value)):
        slot: Any = class_attributes(kind).get("__dict__")
        if type(slot) in (types.GetSetDescriptorType, types.MemberDescriptorType):
            own: dict[str, object] = slot.__get__(value)
            return own
    return {}


def _package(kind: type) -> str:
    return wire_text(class_attributes(kind).get("__module__")).partition(".")[0]


def _info(place: _Place, module: nn.Module) -> UnregisteredInfo:
    return UnregisteredInfo(
        path=wire_text(place.path),
        attribute=wire_text(place.attribute),
        holder=place.holder,
        type=wire_text(class_name(type(module)))[:200],
        parameters=min(_scalars(module), MAX_COUNT),
    )


def _scalars(top: nn.Module) -> int:
    """Scalars in the parameters that it registers, shared ones once; what has no size yet counts nothing."""
    held = {id(one): one for _, module in walk(top) for one in stored(module, "_parameters").values()}
    with torch._C.DisableTorchFunctionSubclass():
        return sum(
            torch.Tensor.numel(one) * (2 if torch.Tensor.is_complex(one) else 1)
            for one in held.values()
            if not is_uninitialized(one)
        )
