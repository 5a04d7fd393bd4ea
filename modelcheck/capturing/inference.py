"""What a model takes, where nobody says: inferred from its first layer and tried."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from modelcheck.author_trace import class_name, printable
from modelcheck.capturing.capture import capture_model
from modelcheck.capturing.example import TARGETS, example, required_arguments
from modelcheck.capturing.manners import is_uninitialized, left_as_found, set_mode
from modelcheck.capturing.tree import device_of, own_attributes, stored, walk
from modelcheck.capturing.trial import forward_failure
from modelcheck.errors import ForwardError, UsageError
from modelcheck.graph.capture import Capture
from modelcheck.graph.operators import DTYPE_NAMES
from modelcheck.inputs import Inputs, InputSpec, readings
from modelcheck.words import counted

MNIST, CIFAR, IMAGENET = 28, 32, 224
_SIDES = (MNIST, CIFAR, 64, IMAGENET, 299, 128, 96, 256, 384)
_LENGTHS = (128, 64, 32, 16, 8)
_FRAMES = (1024, 128, 3000, 16_000)
_SIDE_NAMES = ("image_size", "img_size", "input_size", "resolution")
_MANY_CLASSES = 500  # of ImageNet there are 1000, of CIFAR and Tiny ImageNet at most 200
_MOST_TRIED = 16


@dataclass(frozen=True)
class Guess:
    """Inputs that the model may take, and what says so."""

    inputs: Inputs
    because: str


def capture_for(model: nn.Module, inputs: Inputs | None, name: str | None = None) -> Capture:
    """The model's capture for inputs as a user gives them, or for those that its first layer suggests.

    Args:
        model: any module.
        inputs: what it takes; None where nobody said.
        name: what to call it; by default its class.
    Raises:
        UsageError: there is no such input.
        ForwardError: forward fails on the inputs, or on all that were tried; the text tells of the likeliest.
        NotCapturable: forward runs, and its graph cannot be captured.
    """
    if inputs is None:
        return _capture_inferred(model, name)
    likely, *others = readings(inputs)
    try:
        return capture_model(model, likely, name)
    except ForwardError:
        for reading in others:
            with suppress(ForwardError):
                return capture_model(model, reading, name)
        raise


def _capture_inferred(model: nn.Module, name: str | None) -> Capture:
    first, *others = guesses(model)
    try:
        return capture_model(model, first.inputs, name, first.because)
    except ForwardError as error:
        failure = error
    for guess in others:
        with suppress(ForwardError):
            if _runs(model, guess.inputs):
                return capture_model(model, guess.inputs, name, guess.because)
    shown = ", ".join(map(str, first.inputs))
    hint = f"An input of {shown} was assumed ({first.because}); --input (in Python: input=) declares another."
    raise ForwardError(f"{failure.message}\n{hint}", file=failure.file, line=failure.line)


def guesses(model: nn.Module) -> list[Guess]:
    """What the model may take, the likeliest first; never empty."""
    found = [*_first_layer(model), *_own_example(model)]
    found += [Guess((InputSpec((channels, side, side)),), "as pictures often are") for channels, side in _USUAL]
    doubled = [Guess(guess.inputs * _inputs(model), guess.because) for guess in found] if _inputs(model) > 1 else []
    unique: dict[Inputs, Guess] = {}
    for guess in (*doubled, *found):
        unique.setdefault(guess.inputs, guess)
    return list(unique.values())[:_MOST_TRIED]


_USUAL = ((1, MNIST), (3, CIFAR), (3, IMAGENET))


def _runs(model: nn.Module, inputs: Inputs) -> bool:
    with left_as_found(model), suppress(UsageError):
        set_mode(model, False)
        return forward_failure(model, example(model, inputs, 2, device_of(model)), training=False) is None
    return False


def _inputs(model: nn.Module) -> int:
    required = required_arguments(model)
    return 1 if any(name in TARGETS for name in required) else max(len(required), 1)


def _first_layer(model: nn.Module) -> Iterator[Guess]:
    """Inputs for the first layer, in the order of registration, that has a size of its own."""
    for path, module in walk(model):
        for kind, shapes in _LAYERS.items():
            if kind in type(module).__mro__:
                dtype = "int64" if kind in (nn.Embedding, nn.EmbeddingBag) else "float32"
                for shape, what in shapes(model, module):
                    called = f"{printable(path)} ({class_name(type(module))})" if path else class_name(type(module))
                    yield Guess((InputSpec(shape, dtype),), f"{called} takes {what}")
                return
    for path, weight in _weights(model):
        if weight.dim() == 4:
            for shape, what in _pictures(model, int(weight.shape[1]), big=False):
                yield Guess((InputSpec(shape),), f"{printable(path)} takes {what}")
            return


def _weights(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    for path, module in walk(model):
        for name, tensor in stored(module, "_parameters").items():
            if not is_uninitialized(tensor):
                yield f"{path}.{name}" if path else name, tensor


Shapes = Iterator[tuple[tuple[int, ...], str]]


def _convolution(model: nn.Module, layer: nn.Module) -> Shapes:
    own = own_attributes(layer)
    kernel, stride = max(own.get("kernel_size") or (1,)), max(own.get("stride") or (1,))
    # the stems of networks for large pictures; 4 and more are patches
    return _pictures(model, own.get("in_channels"), big=stride >= 4 or (stride >= 2 and kernel >= 7))


def _pictures(model: nn.Module, channels: Any, *, big: bool) -> Shapes:
    if type(channels) is not int or channels < 1:
        return  # a lazy layer
    what = counted(channels, "channel")
    named = _named_sides(model)
    usual = IMAGENET if big or _classes(model) >= _MANY_CLASSES else CIFAR if channels > 1 else MNIST
    for side in (*named, usual, *_SIDES):
        where = " of the size that the model names" if side in named else ""
        yield (channels, side, side), what + where


def _named_sides(model: nn.Module) -> list[int]:
    """The side of a picture, where an attribute of the model says it."""
    for _, module in walk(model):
        own = own_attributes(module)
        holders = [own, getattr(own.get("config"), "__dict__", {}), own.get("pretrained_cfg"), own.get("default_cfg")]
        for holder in holders:
            if isinstance(holder, dict):
                for name in _SIDE_NAMES:
                    side = holder.get(name)
                    side = side[-1] if isinstance(side, list | tuple) and side else side
                    if type(side) is int and 8 <= side <= 2048:
                        return [side]
    return []


def _classes(model: nn.Module) -> int:
    """How many scores the layer gives that was registered last."""
    found = 0
    for _, module in walk(model):
        own = own_attributes(module)
        size = own.get("out_features", own.get("out_channels"))
        found = size if type(size) is int else found
    return found


def _volumes(model: nn.Module, layer: nn.Module) -> Shapes:
    channels = own_attributes(layer).get("in_channels")
    if type(channels) is int and channels > 0:
        for frames, side in ((16, 112), (8, CIFAR), (MNIST, MNIST), (64, 64)):
            yield (channels, frames, side, side), counted(channels, "channel")


def _signals(model: nn.Module, layer: nn.Module) -> Shapes:
    channels = own_attributes(layer).get("in_channels")
    if type(channels) is int and channels > 0:
        for length in _FRAMES:
            yield (channels, length), counted(channels, "channel")


def _features(model: nn.Module, layer: nn.Module) -> Shapes:
    size = own_attributes(layer).get("in_features")
    if type(size) is not int or size < 1:
        return
    what = counted(size, "feature")
    for channels in (1, 3):
        side = math.isqrt(size // channels)
        if side in (MNIST, CIFAR, 64) and channels * side * side == size:
            yield (channels, side, side), what
    yield (size,), what
    yield (16, size), what


def _tokens(model: nn.Module, layer: nn.Module) -> Shapes:
    size = own_attributes(layer).get("num_embeddings")
    for length in _LENGTHS:
        yield (length,), f"tokens out of {size:,}" if type(size) is int else "tokens"


def _sequences(model: nn.Module, layer: nn.Module) -> Shapes:
    own = own_attributes(layer)
    size = own.get("input_size", own.get("embed_dim", own.get("d_model")))
    if type(size) is int and size > 0:
        yield (MNIST if size == MNIST else 16, size), counted(size, "feature")


def _normalised(model: nn.Module, layer: nn.Module) -> Shapes:
    return _pictures(model, own_attributes(layer).get("num_features"), big=False)


_LAYERS: dict[type, Callable[[nn.Module, nn.Module], Shapes]] = {
    nn.Conv2d: _convolution,
    nn.ConvTranspose2d: _convolution,
    nn.Conv1d: _signals,
    nn.Conv3d: _volumes,
    nn.Embedding: _tokens,
    nn.EmbeddingBag: _tokens,
    nn.Linear: _features,
    nn.RNNBase: _sequences,
    nn.MultiheadAttention: _sequences,
    nn.Transformer: _sequences,
    nn.BatchNorm2d: _normalised,
}


def _own_example(model: nn.Module) -> Iterator[Guess]:
    """What a model of transformers calls its dummy inputs."""
    try:
        dummies: Any = model.dummy_inputs
        pairs = [(name, one) for name, one in dummies.items() if isinstance(one, torch.Tensor)]
        specs = tuple(InputSpec(tuple(one.shape[1:]), DTYPE_NAMES[one.dtype], name) for name, one in pairs)
    except Exception:  # whatever the author's attribute is
        return
    if specs:
        yield Guess(specs, "the model's own dummy_inputs")
