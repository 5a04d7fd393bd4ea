"""The tensors in what a forward returns, whatever holds them, and which of them is the model's output."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree

from modelcheck.author_trace import class_name
from modelcheck.capturing.tree import wire_text

MAIN = ("logits", "out")  # what the models of transformers and torchvision call theirs
DEEPEST = 6  # containers in containers
LONGEST_NAME = 200
_NO_HOLDERS = (
    type, types.ModuleType, types.FunctionType, nn.Module, str, bytes, int, float,
    torch.SymInt, torch.SymFloat, torch.SymBool,
)  # fmt: skip


def named_tensors(value: object) -> list[tuple[str, torch.Tensor]]:
    """Every tensor in dicts, tuples, lists, dataclasses and plain objects, with its name; the model's output first.

    That is the one called ``logits`` or ``out``, else the first in the container's own order. A lone tensor's name is
    empty.
    """
    found = [(wire_text(name)[:LONGEST_NAME], tensor) for name, tensor in _tensors(value, "", 0)]
    names = [name for name, _ in found]
    main = next((names.index(name) for name in MAIN if name in names), 0)
    return [*found[main : main + 1], *found[:main], *found[main + 1 :]]


def _tensors(value: object, path: str, depth: int) -> Iterator[tuple[str, torch.Tensor]]:
    if issubclass(type(value), torch.Tensor):
        yield path, value  # type: ignore[misc]
    elif depth < DEEPEST:
        for part, below in _entries(value):
            yield from _tensors(below, f"{path}{part}".removeprefix("."), depth + 1)


def _entries(value: Any) -> Iterator[tuple[str, object]]:
    """What a container holds, each with what Python writes to get at it, with a dict's keys as if they were names."""
    kind = type(value)
    if issubclass(kind, Mapping):
        yield from ((f".{_key(key)}", value[key]) for key in value)
    elif issubclass(kind, tuple) and hasattr(kind, "_fields"):
        yield from ((f".{name}", one) for name, one in zip(kind._fields, value, strict=True))
    elif issubclass(kind, list | tuple):
        yield from ((f"[{index}]", one) for index, one in enumerate(value))
    elif dataclasses.is_dataclass(kind):
        yield from ((f".{field.name}", getattr(value, field.name, None)) for field in dataclasses.fields(kind))
    elif kind in _pytree.SUPPORTED_NODES:
        yield from ((f"[{index}]", one) for index, one in enumerate(_pytree.tree_leaves(value)))
    elif not issubclass(kind, _NO_HOLDERS):
        yield from ((f".{name}", one) for name, one in getattr(value, "__dict__", {}).items())


def _key(key: object) -> str:
    return key if type(key) is str else str(key) if type(key) is int else class_name(type(key))
