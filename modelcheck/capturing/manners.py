"""The user's model is left as it was found, and so is the process."""

from __future__ import annotations

import inspect
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import torch
from torch import nn

from modelcheck.capturing.tree import stored, walk


@contextmanager
def left_as_found(model: nn.Module) -> Iterator[None]:
    """Restores modes, buffers, random states and torch's settings; what forward prints goes to stderr."""
    modes = [(module, module.__dict__.get("training", True)) for _, module in walk(model)]
    buffers = [
        (buffer, buffer.detach().clone()) for _, module in walk(model) for buffer in stored(module, "_buffers").values()
    ]
    python_state, fastpath = random.getstate(), torch.backends.mha.get_fastpath_enabled()
    try:
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings(), redirect_stdout(sys.stderr):
            warnings.simplefilter("ignore")
            # the fast path hides attention's products inside one operator without a formula
            torch.backends.mha.set_fastpath_enabled(False)
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fastpath)
        random.setstate(python_state)
        for module, mode in modes:
            module.__dict__["training"] = mode
        with torch.no_grad():
            for buffer, before in buffers:
                if not buffer.is_meta and not torch.equal(buffer, before):
                    buffer.copy_(before)


def set_mode(model: nn.Module, training: bool) -> None:
    """What ``model.train(training)`` does, also where a class has a method of that name that means something else."""
    modules = [module for _, module in walk(model)]
    for module in modules:
        module.__dict__["training"] = training
    # a class that keeps a batch norm frozen overrides train(mode); one whose train(loader) trains is not called
    for module in reversed(modules):
        train = type(module).train
        if train is not nn.Module.train and "mode" in inspect.signature(train).parameters:
            train(module, training)


@contextmanager
def watched_calls(model: nn.Module) -> Iterator[set[int]]:
    """The ids of the modules whose forward ran, even where it was called directly and not through ``__call__``."""
    called: set[int] = set()
    before: list[tuple[nn.Module, object]] = []
    try:
        for _, module in walk(model):
            own = object.__getattribute__(module, "__dict__")
            before.append((module, own.get("forward")))
            own["forward"] = _watching(module, module.forward, called)
        yield called
    finally:
        for module, forward in before:
            own = object.__getattribute__(module, "__dict__")
            if forward is None:
                own.pop("forward", None)
            else:
                own["forward"] = forward


def _watching(module: nn.Module, forward: Callable[..., Any], called: set[int]) -> Callable[..., Any]:
    def watched(*args: Any, **kwargs: Any) -> Any:
        called.add(id(module))
        return forward(*args, **kwargs)

    return watched
