"""Whether the code of a model asks in which mode it is, other than by the layers of torch whose answer is known.

Where it does not, the graph in evaluation mode is the one in training mode with batch norm and dropout switched over,
which saves half of the time of a capture. What is missed here costs the author's own branch and deceives nobody: the
graph that is counted is the one that is scored.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from torch import nn

from modelcheck.capturing.tree import own_attributes, walk

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
DROPOUTS = (
    nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout,
)  # fmt: skip

# a mode, and the ways to an attribute that do not name it
_WORDS = frozenset({"training", "train", "eval", "__dict__", "vars", "__getattribute__", "exec", "compile"})
_MOST_FUNCTIONS = 2_000


def asks_for_mode(model: nn.Module) -> bool:
    """Whether the forward of any module of the tree may do something else in evaluation mode, known layers aside."""
    modules = [module for _, module in walk(model)]
    scan = _Scan()
    return any(not _is_known(module) and scan.asks(module) for module in modules)


def _is_known(module: nn.Module) -> bool:
    kind, own = type(module), own_attributes(module)
    if "forward" in own:
        return False
    if kind in BATCH_NORMS:
        return own.get("momentum") is not None
    return kind in DROPOUTS or (kind is nn.MultiheadAttention and own.get("dropout") == 0)


class _Scan:
    """Looks through functions and what they call, each once."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.classes: dict[type, bool] = {}

    def asks(self, module: nn.Module) -> bool:
        held = own_attributes(module).items()
        return self.of_class(type(module)) or any(self.value(one) for name, one in held if not name.startswith("_"))

    def of_class(self, kind: type) -> bool:
        if kind not in self.classes:
            self.classes[kind] = False  # while it is looked through
            self.classes[kind] = any(self.function(one) for one in _functions(kind))
        return self.classes[kind]

    def value(self, value: object) -> bool:
        """Whether what a name or an attribute stands for asks, where it can be called."""
        if issubclass(type(value), nn.Module):
            return False  # a registered one is looked at by itself
        if type(value) in (dict, list, tuple):
            held: Any = value.values() if isinstance(value, dict) else value
            return any(self.value(one) for one in list(held) if callable(one))
        function = getattr(value, "__func__", value) if type(value) is MethodType else value
        if type(function) is functools.partial:
            return self.value(function.func)
        if type(function) is FunctionType:
            return not _is_torch(function.__module__) and self.function(function)
        kind = function if isinstance(function, type) else type(function)
        return kind.__module__ not in sys.stdlib_module_names and not _is_torch(kind.__module__) and self.of_class(kind)

    def function(self, function: FunctionType) -> bool:
        if id(function) in self.seen:
            return False
        self.seen.add(id(function))
        names = {function.__name__, *_names(function.__code__)}
        if names & _WORDS or len(self.seen) > _MOST_FUNCTIONS:
            return True
        return not _is_torch(function.__module__) and any(self.value(one) for one in _called(function, names))


def _functions(kind: type) -> Iterator[FunctionType]:
    """What a class defines, nn.Module's own methods and the constructor aside."""
    for base in kind.__mro__:
        if base in (nn.Module, object):
            continue
        for name, value in vars(base).items():
            function = value.fget if type(value) is property else getattr(value, "__func__", value)
            if type(function) is FunctionType and name not in ("__init__", "__repr__", "extra_repr"):
                yield function


def _called(function: FunctionType, names: set[str]) -> Iterator[object]:
    """What the names in a function stand for: globals that are there, in modules one deeper, and what it encloses."""
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):  # an empty one
            yield cell.cell_contents
    for name in names:
        value = dict.get(function.__globals__, name)  # a submission's own dictionary would execute what is missing
        if type(value) is not ModuleType:
            yield value
        elif not _is_torch(value.__name__) and value.__name__ not in sys.stdlib_module_names:
            yield from (vars(value).get(one) for one in names)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if type(constant) is str:
            yield constant
        elif type(constant) is CodeType:
            yield from _names(constant)


def _is_torch(module: str | None) -> bool:
    return module == "torch" or (module or "").startswith("torch.")
