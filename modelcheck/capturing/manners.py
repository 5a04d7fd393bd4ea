"""The user's model is left as it was found, and so is the process."""

from __future__ import annotations

import builtins
import inspect
import io
import logging
import os
import random
import sys
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from modelcheck.author_trace import author_code
from modelcheck.capturing.tree import is_script, own_attributes, stored, tensors, walk
from modelcheck.errors import ForwardError

# where a patch of the author's would change the next model
_PATCHED = (builtins, torch, nn, nn.functional, nn.init)
_CONTAINERS = (dict, OrderedDict, list, set)


@contextmanager
def left_as_found(model: nn.Module) -> Iterator[None]:
    """Restores the model's attributes and buffers, random states and torch's settings; prints go to stderr."""
    buffers = [buffer for _, module in walk(model) for buffer in stored(module, "_buffers").values()]
    with process_as_found(list(tensors(model))), attributes_as_found(model), values_as_found(buffers):
        # the fast path hides attention's products inside one operator without a formula
        torch.backends.mha.set_fastpath_enabled(False)
        yield


@contextmanager
def process_as_found(registered: Sequence[torch.Tensor] = ()) -> Iterator[None]:
    """Restores what the author's code may change for the whole process; what it prints goes to stderr.

    These are random states, torch's settings, the current directory, the environment, ``sys.path`` and ``sys.argv``.
    There is nothing to read from stdin.

    Args:
        registered: tensors whose devices' random states are restored too.
    """
    states, stderr, logged, limit = random_states(), sys.stderr, logging.root.manager.disable, sys.getrecursionlimit()
    path, argv, environment = (sys.path, list(sys.path)), (sys.argv, list(sys.argv)), dict(os.environ)
    namespaces = [(vars(module), dict(vars(module))) for module in _PATCHED]
    stdin, folder = sys.stdin, None
    with suppress(OSError):  # it may have been removed
        folder = Path.cwd()
    settings: list[tuple[Callable[[Any], None], Any]] = [
        (torch.backends.mha.set_fastpath_enabled, torch.backends.mha.get_fastpath_enabled()),
        (torch.set_default_dtype, torch.get_default_dtype()),
        (torch.use_deterministic_algorithms, torch.are_deterministic_algorithms_enabled()),
        (torch.set_num_threads, torch.get_num_threads()),
        (_set_default_device, torch.get_default_device()),
    ]
    with torch._C.DisableTorchFunctionSubclass():
        devices = sorted({tensor.device.index or 0 for tensor in registered if tensor.is_cuda})
    try:
        sys.stdin = io.StringIO()
        with (
            torch.random.fork_rng(devices=devices),
            torch.inference_mode(False),
            torch.enable_grad(),
            warnings.catch_warnings(),
            redirect_stdout(sys.stderr),
        ):
            warnings.simplefilter("ignore")
            logging.disable(logging.CRITICAL)  # export logs pages of its own inner life where forward fails
            yield
    finally:
        logging.disable(logged)
        sys.stderr, sys.stdin = stderr, stdin
        for restore, value in settings:
            restore(value)
        random.setstate(states[0])
        if states[1] is not None:
            sys.modules["numpy"].random.set_state(states[1])
        sys.setrecursionlimit(limit)
        for names, before in namespaces:
            names.update({name: value for name, value in before.items() if names.get(name) is not value})
        for here, (listed, entries) in (("path", path), ("argv", argv)):
            listed[:] = entries
            setattr(sys, here, listed)
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
        with suppress(OSError):  # the author's code may have removed it
            if folder:
                os.chdir(folder)


def _set_default_device(device: torch.device) -> None:
    if torch.get_default_device() != device:
        torch.set_default_device(None if device.type == "cpu" else device)


@contextmanager
def attributes_as_found(model: nn.Module) -> Iterator[None]:
    """Restores every module's ``__dict__`` and the plain containers in it: what forward kept there is fake."""
    modules = [(module, type(module)) for _, module in walk(model)]
    owns = [own_attributes(module) for module, _ in modules]
    containers = [value for own in owns for value in own.values() if type(value) in _CONTAINERS]
    before = [(one, type(one)(one)) for one in (*owns, *containers)]
    scripts = [(module, module.training) for module, _ in modules if is_script(module) and hasattr(module, "training")]
    parameters = [p for _, module in walk(model) for p in stored(module, "_parameters").values()]
    with torch._C.DisableTorchFunctionSubclass():
        gradients = [(p, p.requires_grad, p.grad) for p in parameters]
    try:
        yield
    finally:
        for module, kind in modules:
            if type(module) is not kind:
                object.__setattr__(module, "__class__", kind)
        for container, content in before:
            container.clear()
            (container.extend if type(container) is list else container.update)(content)
        for script, training in scripts:
            script.train(training)
        with torch._C.DisableTorchFunctionSubclass():
            for parameter, required, gradient in gradients:
                if parameter.requires_grad is not required:
                    parameter.requires_grad = required
                if parameter.grad is not gradient:
                    parameter.grad = gradient


@contextmanager
def assigned_buffers_written(model: nn.Module) -> Iterator[None]:
    """Writes into a buffer what forward assigns to its name, as ``self.mean = …`` does: export would lose it.

    What has another shape or type is no other value of the buffer.
    """
    buffers = [
        (stored_in, name, tensor)
        for _, module in walk(model)
        if (stored_in := own_attributes(module).get("_buffers"))
        for name, tensor in stored(module, "_buffers").items()
    ]
    yield
    for stored_in, name, tensor in buffers:
        now = stored_in.get(name)
        if now is not tensor and issubclass(type(now), torch.Tensor):
            if (now.shape, now.dtype) == (tensor.shape, tensor.dtype):
                tensor.copy_(now.detach())
            stored_in[name] = tensor


@contextmanager
def values_as_found(those: Iterable[torch.Tensor]) -> Iterator[None]:
    """Restores the numbers in the tensors."""
    with torch._C.DisableTorchFunctionSubclass(), torch.no_grad():
        kept = [(tensor, tensor.detach().clone()) for tensor in those if not is_uninitialized(tensor)]
    try:
        yield
    finally:
        with torch._C.DisableTorchFunctionSubclass():
            for tensor, before in kept:
                if not tensor.is_meta and not torch.equal(tensor, before):
                    with torch.inference_mode(tensor.is_inference()), torch.no_grad():
                        tensor.copy_(before)


def is_uninitialized(tensor: torch.Tensor) -> bool:
    """Whether it belongs to a lazy layer that has not run yet."""
    return issubclass(type(tensor), UninitializedParameter | UninitializedBuffer)


def random_states() -> tuple[Any, Any]:
    """The states of Python's and of numpy's global generators; numpy's is None where it is not loaded."""
    numpy = sys.modules.get("numpy")
    return random.getstate(), numpy.random.get_state() if numpy is not None else None


def fingerprint(states: tuple[Any, Any]) -> object:
    """Equal for equal states of ``random_states``."""
    python, numpy = states
    return python, [part.tobytes() if hasattr(part, "tobytes") else part for part in numpy or ()]


def set_mode(model: nn.Module, training: bool) -> None:
    """What ``model.train(training)`` does, also where a class has a method of that name that means something else.

    Raises:
        ForwardError: the author's method raises.
    """
    modules = [module for _, module in walk(model)]
    for module in modules:
        if is_script(module):
            module.train(training)
        else:
            own_attributes(module)["training"] = training
    # a class that keeps a batch norm frozen overrides train(mode); one whose train(loader) trains is not called
    with author_code(ForwardError, f"the model cannot be put into {'training' if training else 'evaluation'} mode"):
        for module in reversed(modules):
            train = type(module).train
            if train is not nn.Module.train and _takes_mode(train):
                train(module, training)


def _takes_mode(train: Callable[..., Any]) -> bool:
    """Whether it is ``train(self, mode=True)``, whatever the parameter is called, and not ``train(self, loader)``."""
    _, *parameters = inspect.signature(train).parameters.values()
    return any(one.name == "mode" for one in parameters) or bool(parameters and parameters[0].default is True)


@contextmanager
def watched_calls(model: nn.Module) -> Iterator[set[int]]:
    """The ids of the modules whose forward ran, even where it was called directly and not through ``__call__``."""
    called: set[int] = set()
    before: list[tuple[nn.Module, object]] = []
    try:
        for _, module in walk(model):
            if is_script(module):  # which is never captured
                continue
            own = own_attributes(module)
            watching = _watching(module, module.forward, called)
            before.append((module, own.get("forward")))
            own["forward"] = watching
        yield called
    finally:
        for module, forward in before:
            if forward is None:
                own_attributes(module).pop("forward", None)
            else:
                own_attributes(module)["forward"] = forward


def _watching(module: nn.Module, forward: Callable[..., Any], called: set[int]) -> Callable[..., Any]:
    def watched(*args: Any, **kwargs: Any) -> Any:
        called.add(id(module))
        return forward(*args, **kwargs)

    return watched
