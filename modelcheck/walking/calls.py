"""Watches one real forward: which modules ran, what they gave, and what was multiplied and read in them."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import nn

from modelcheck.author_trace import class_name, shown_path
from modelcheck.capturing.example import Example
from modelcheck.capturing.outputs import named_tensors
from modelcheck.capturing.tables import memory
from modelcheck.capturing.tree import is_script, own_attributes, stored, walk, wire_text
from modelcheck.walking.operators import Operators

# with the separator: torchvision lies beside torch and is an author like others
_NOT_THE_AUTHORS = tuple(f"{Path(file).parent}{os.sep}" for file in (torch.__file__, Path(__file__).parent))

_WRITTEN_AS = {"addmm": "linear", "mm": "matmul", "bmm": "matmul", "baddbmm": "matmul"}

Place = tuple[str | None, int | None]


@dataclass
class Row:
    """A module that ran, or an operator that multiplies in the forward of one with children.

    ``shown``: whether it is a row of the table whatever it owns, which modules with children are not. ``macs`` are
    for the whole batch.
    """

    path: str
    type: str
    place: Place = (None, None)
    shown: bool = True
    calls: int = 0
    shape: tuple[int, ...] | None = None
    macs: int = 0


@dataclass
class Watched:
    """What one forward told.

    Args:
        output: what it returned.
        called: ids of the modules that ran.
        rows: by path and operator, in the order of the first call.
        uncounted: operators that multiply and have no formula.
        read: keys of the memory that operators read (``tables.memory``).
    """

    output: object = None
    called: set[int] = field(default_factory=set)
    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    uncounted: set[str] = field(default_factory=set)
    read: set[object] = field(default_factory=set)


def watch_forward(model: nn.Module, given: Example) -> Watched:
    """What one forward without gradients tells; whatever it raises is raised."""
    watch = _Watch(model)
    with watch.forwards(), torch.no_grad(), torch.compiler.set_stance("force_eager"), Operators(watch.operator):
        watch.found.output = given.copied().given_to(model)
    return watch.found


def is_closed(module: nn.Module) -> bool:
    """Whether what is below the module runs unseen: within a script, or as a part of a quantized layer of torch's."""
    return is_script(module) or type(module).__module__.startswith("torch.ao.nn.quantized.")


def is_below(path: str, above: str) -> bool:
    """Whether the module at the path lies below the other one."""
    return path != above and (not above or path.startswith(f"{above}."))


def type_name(module: nn.Module) -> str:
    """The name of the module's class, of a script's that it was made from."""
    original = getattr(module, "original_name", None) if is_script(module) else None
    return wire_text(original or class_name(type(module)))[:200]


class _Watch:
    def __init__(self, model: nn.Module) -> None:
        self.found = Watched()
        self._model = model
        self._running: list[Row] = []

    @contextmanager
    def forwards(self) -> Iterator[None]:
        """Within it each module's forward is watched, also where it is called directly and not through ``__call__``."""
        before: list[tuple[dict[str, Any], object]] = []
        try:
            for path, module in _visible(self._model):
                own = own_attributes(module)
                watching = self._watching(path, module, module.forward)
                before.append((own, own.get("forward")))
                own["forward"] = watching
            yield
        finally:
            for own, forward in before:
                if forward is None:
                    own.pop("forward", None)
                else:
                    own["forward"] = forward

    def _watching(self, path: str, module: nn.Module, forward: Callable[..., Any]) -> Callable[..., Any]:
        leaf = is_closed(module) or not stored(module, "_modules")
        ran = {id(below) for _, below in walk(module)} if is_closed(module) else {id(module)}

        @functools.wraps(forward)
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.found.called |= ran
            row = self._row(path, "", type_name(module))
            row.shown = leaf
            row.calls += 1
            self._running.append(row)
            try:
                output = forward(*args, **kwargs)
            finally:
                self._running.pop()
            row.shape = _shape(output)
            return output

        return watched

    def operator(self, name: str, macs: int | None, read: list[torch.Tensor], result: object) -> None:
        """Take note of one operator."""
        self.found.read.update(_memories(read))
        if macs is None:
            self.found.uncounted.add(wire_text(name))
        if not macs:
            return
        row = self._running[-1]
        if not row.shown:
            kind = _written_as(wire_text(name.split(".")[1]))
            row = self._row(row.path, kind, kind)
            row.calls, row.shape = row.calls + 1, _shape(result)
        row.macs += macs

    def _row(self, path: str, operator: str, kind: str) -> Row:
        key = path, operator
        if key not in self.found.rows:
            self.found.rows[key] = Row(path, kind, _place())
        return self.found.rows[key]


def _written_as(operator: str) -> str:
    """What a person writes to get the operator."""
    return "scaled_dot_product_attention" if "attention" in operator else _WRITTEN_AS.get(operator, operator)


def _visible(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The modules whose forward can be watched."""
    closed: list[str] = []
    for path, module in walk(model):
        if not any(is_below(path, above) for above in closed):
            yield path, module
            closed += [path] if is_closed(module) else []


def _shape(output: object) -> tuple[int, ...] | None:
    return next((tuple(tensor.shape) for _, tensor in named_tensors(output)), None)


def _memories(those: list[torch.Tensor]) -> Iterator[object]:
    for tensor in those:
        with suppress(RuntimeError):  # some layouts have no memory that can be told
            if tensor.numel():
                yield memory(tensor)


def _place() -> Place:
    """The author's line that is running: the innermost frame that is neither torch's nor ours."""
    frame: FrameType | None = sys._getframe()
    while frame and frame.f_code is not watch_forward.__code__:
        if not frame.f_code.co_filename.startswith(_NOT_THE_AUTHORS):
            return wire_text(shown_path(frame.f_code.co_filename)), frame.f_lineno
        frame = frame.f_back
    return None, None
