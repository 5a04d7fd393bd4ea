"""Lazy layers, which find their sizes when they first run."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer

from modelcheck.author_trace import author_code
from modelcheck.capturing.example import Example
from modelcheck.capturing.manners import is_uninitialized, set_mode
from modelcheck.capturing.tree import tensors
from modelcheck.capturing.trial import forward_failure
from modelcheck.errors import NotCapturable


def with_sizes(model: nn.Module, given: Example) -> nn.Module:
    """The model, or of one with lazy layers that have not run a copy in which they have.

    Raises:
        ForwardError: forward fails on the example.
        NotCapturable: the model cannot be copied, or runs only once.
    """
    lazy = [tensor for tensor in tensors(model) if is_uninitialized(tensor)]
    if not lazy:
        return model
    # torch copies uninitialised parameters and not buffers
    buffers = [id(one) for one in lazy if issubclass(type(one), UninitializedBuffer)]
    with author_code(NotCapturable, "a model with lazy layers is captured as a copy, and it cannot be copied"):
        trial, model = (copy.deepcopy(model, {one: UninitializedBuffer() for one in buffers}) for _ in range(2))
    for one in (trial, model):
        set_mode(one, False)
    if failure := forward_failure(trial, given, training=False):
        raise failure
    with author_code(NotCapturable, "forward runs once and not again"), torch.no_grad():
        given.copied().given_to(model)
    return model
