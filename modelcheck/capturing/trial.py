"""Tries forward for real, to tell a model that does not run from one that runs and cannot be captured."""

from __future__ import annotations

import contextlib
import difflib
import sys
import traceback
from types import FrameType
from typing import Any, NamedTuple

import torch
from torch import nn

from modelcheck.author_trace import (
    actual,
    author_code,
    class_name,
    definition,
    describe_exception,
    is_library,
    is_ours,
    printable,
    shown_path,
)
from modelcheck.capturing.advice import author_place
from modelcheck.capturing.example import TARGETS, Example, required_arguments
from modelcheck.capturing.manners import (
    attributes_as_found,
    fingerprint,
    is_uninitialized,
    random_states,
    values_as_found,
)
from modelcheck.capturing.tree import stored, tensors, walk
from modelcheck.errors import AuthorError, ForwardError, LoadError
from modelcheck.words import listed

SHOWN_LAYERS = 12


def forward_failure(model: nn.Module, example: Example, training: bool) -> AuthorError | None:
    """What forward raises on the example, with the layers that ran before it; None where it runs.

    A package that forward needs and that is not there is a failure to load.
    """
    steps = _Steps([], {})
    error = _run(model, example, steps)
    if error is None:
        return None
    if isinstance(actual(error), ImportError):
        try:
            with author_code(LoadError, "forward could not be loaded"):
                raise error
        except LoadError as failure:
            return failure
    file, line = author_place(model, error)
    if isinstance(error, NotImplementedError) and "forward" in str(error):
        methods = [name for name in vars(type(model)) if not name.startswith("__")]
        near = difflib.get_close_matches("forward", methods, n=1)
        outside = definition(getattr(sys.modules.get(type(model).__module__), "forward", None))
        hint = f"; did you mean {near[0]!r} to be it?" if near else ": write it in the class"
        if outside:
            hint = f": the function forward in line {outside[1]} stands outside of the class, so indent it"
        file, line = outside or definition(type(model)) or (file, line)
        return ForwardError(f"{class_name(type(model))} has no forward{hint}", file=file, line=line)
    story = _wanting(model, example) or _story(error, example, training, steps)
    return ForwardError(story, file=file, line=line)


def _wanting(model: nn.Module, example: Example) -> str | None:
    """What to do about an argument that forward needs and is not given; None where none is missing."""
    needed = [name for name in required_arguments(model) if name not in example.names]
    missing = [printable(name) for name in needed[example.names.count(None) :]]
    if not missing:
        return None
    names = listed([f"{name!r}" for name in missing])
    told = f"forward needs the {'argument' if len(missing) == 1 else 'arguments'} {names} too"
    if any(name in TARGETS for name in missing):
        return f"{told}: make it optional ({missing[0]}=None), and return the logits when it is None"
    return f"{told}: give it a default, or give one --input for each argument, as in --input {missing[0]}:16"


def drawing_line(model: nn.Module, example: Example) -> tuple[str, int] | None:
    """The author's file and line that drew a random number from Python or numpy; None where no line tells."""
    found: list[tuple[str, int]] = []
    last_state, last = [fingerprint(random_states())], [("", 0)]

    def each_line(frame: FrameType, event: str, arg: object) -> Any:
        if is_library(frame.f_code.co_filename) or is_ours(frame.f_code.co_filename):
            return None
        if not found:
            now = fingerprint(random_states())
            if now != last_state[0]:
                found.append(last[0])
            last_state[0] = now
            last[0] = (frame.f_code.co_filename, frame.f_lineno)
        return each_line

    tracer = sys.gettrace()
    sys.settrace(each_line)
    try:
        _run(model, example, _Steps([], {}))
    finally:
        sys.settrace(tracer)
    return (shown_path(found[0][0]), found[0][1]) if found and found[0][1] else None


class _Steps(NamedTuple):
    """How far forward came: the layers that finished, and by its identity what each layer was given last."""

    finished: list[str]
    started: dict[int, str]

    def watch(self, path: str, module: nn.Module) -> None:
        """Note when a layer starts and finishes; ``path`` is its own or, of a model that is one layer, its class's."""
        name = f"{printable(path)} ({class_name(type(module))})"

        def start(module: nn.Module, inputs: Any) -> None:
            given = ", ".join(_form(value) for value in inputs[:SHOWN_LAYERS]) or "nothing by position"
            self.started[id(module)] = f"{name}, given {given}"

        def finish(module: nn.Module, inputs: Any, output: Any) -> None:
            self.finished.append(f"{name} → {_form(output)}")

        with contextlib.suppress(RuntimeError):  # a ScriptModule takes no hooks
            module.register_forward_pre_hook(start)
            module.register_forward_hook(finish)

    def failed(self, error: BaseException) -> str | None:
        """The innermost layer that the error passed through, and what it was given; None where it passed none."""
        calls = [
            frame.f_locals.get("self")
            for frame, _ in traceback.walk_tb(error.__traceback__)
            if frame.f_code in (nn.Module._call_impl.__code__, nn.Module._wrapped_call_impl.__code__)
        ]
        return next((self.started[id(one)] for one in reversed(calls) if id(one) in self.started), None)


def _form(value: Any) -> str:
    """A tensor's shape, or another value's class."""
    return str(list(value.shape)) if type(value) in (torch.Tensor, nn.Parameter) else class_name(type(value))


def _run(model: nn.Module, example: Example, steps: _Steps) -> BaseException | None:
    """What the model raises on the example; with its hooks, attributes and weights as they were afterwards."""
    with attributes_as_found(model), values_as_found(_initialized(model)):
        try:
            for path, module in walk(model):
                if not stored(module, "_modules"):
                    steps.watch(path or class_name(type(module)), module)
            example.copied().given_to(model)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return error
    return None


def _initialized(model: nn.Module) -> list[torch.Tensor]:
    return [tensor for tensor in tensors(model) if not is_uninitialized(tensor)]


def _story(error: BaseException, example: Example, training: bool, steps: _Steps) -> str:
    mode = "training" if training else "evaluation"
    lines = [f"forward fails in {mode} mode on {example}: {describe_exception(error)}"]
    if steps.finished:
        omitted = len(steps.finished) - SHOWN_LAYERS
        lines.append("Layers that ran before it:")
        lines += [f"  … {omitted} more"] if omitted > 0 else []
        lines += [f"  {step}" for step in steps.finished[-SHOWN_LAYERS:]]
    else:
        lines.append("No layer finished before it.")
    if failed := steps.failed(error):
        lines.append(f"It fails in {failed}.")
    return "\n".join(lines)
