"""Weights under the author's own names: what ``--save`` writes and ``--weights`` reads."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import safetensors
import safetensors.torch
import torch

from modelcheck.author_trace import describe_exception
from modelcheck.errors import UsageError
from modelcheck.files import write_beside
from modelcheck.graph.model import GraphModel

_SHOWN = 5
_METADATA = "modelcheck"
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "weights")


def save_weights(model: GraphModel, path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write parameters and buffers as safetensors, atomically; ``load_state_dict`` of the author's class takes them.

    Raises:
        UsageError: the file cannot be written.
    """
    named = {
        name: model.tensor(index).detach().cpu().contiguous().clone()
        for index, info in enumerate(model.header.tensors)
        if info.persistent
        for name in info.paths
    }
    # under one key: safetensors writes several in any order, and equal weights must be equal files
    one = {_METADATA: msgspec.json.encode(metadata, order="sorted").decode()} if metadata else None
    write_beside(path, safetensors.torch.save(named, one))


def load_weights(model: GraphModel, path: Path) -> dict[str, str]:
    """Put the weights of a safetensors file, or of a state dict saved by ``torch.save``, into the model.

    Returns the file's metadata; a state dict has none.

    Keys are the author's names, or all of them after what a wrapper puts before each: ``module.`` (DataParallel),
    ``_orig_mod.`` (compile), ``model.`` (a Lightning module's attribute). Nothing is unpickled but tensors.

    Raises:
        UsageError: the file cannot be read, holds a pickled model, or its keys and shapes are not the model's.
    """
    given, metadata = _read(path)
    put_weights(model, given, path)
    return metadata


def put_weights(model: GraphModel, given: dict[str, torch.Tensor], source: Path | str) -> None:
    """Put the weights into the model; names as of ``load_weights``.

    Args:
        model: whose they shall be.
        given: by the author's names.
        source: where they are from, for the errors.
    Raises:
        UsageError: names and shapes are not the model's.
    """
    wanted = {name: index for index, info in enumerate(model.header.tensors) if info.persistent for name in info.paths}
    prefix = _prefix(given, wanted)
    given = {name.removeprefix(prefix): value for name, value in given.items()}
    _check(source, given, {name: model.header.tensors[index].shape for name, index in wanted.items()})
    with torch.no_grad():
        for name, index in wanted.items():
            try:
                model.tensor(index).copy_(given[name])
            except RuntimeError as error:  # a parameter of which several entries are one number
                raise UsageError(f"{source}: {name} cannot be set: {describe_exception(error)}") from None


def _read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    try:
        return read_safetensors(path)
    except (safetensors.SafetensorError, ValueError, KeyError):
        return read_state_dict(path), {}


def read_safetensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors of a safetensors file by their names, and its metadata.

    Raises:
        UsageError: the file cannot be read.
        SafetensorError, ValueError, KeyError: it is no safetensors file, or holds what torch does not know.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the weights {path}: {error.strerror or error}") from None
    weights = safetensors.torch.load(data)
    with safetensors.safe_open(str(path), "pt") as file:
        return weights, _metadata(file.metadata() or {})


def _metadata(stored: dict[str, str]) -> dict[str, str]:
    """What ``save_weights`` was given; empty for a file that others wrote."""
    try:
        return msgspec.json.decode(stored.get(_METADATA, "{}"), type=dict[str, str])
    except msgspec.MsgspecError:
        return {}


def read_state_dict(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a state dict that ``torch.save`` wrote, by their names; nothing else in the file is unpickled.

    Raises:
        UsageError: it is no state dict, or holds pickled objects.
    """
    try:
        loaded: Any = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise UsageError(
            f"{path} holds pickled Python objects, which can run any code when they are loaded, so it is not opened. "
            "Save the state dict instead: torch.save(model.state_dict(), 'weights.pt')"
        ) from None
    except Exception as error:  # a damaged file raises many kinds
        raise UsageError(f"{path} is neither safetensors nor a state dict: {describe_exception(error)}") from None
    for key in _WRAPPERS:
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    if not isinstance(loaded, dict) or not all(isinstance(value, torch.Tensor) for value in loaded.values()):
        raise UsageError(f"{path} holds no state dict: a mapping from names to tensors is expected")
    return {str(name): value for name, value in loaded.items()}


def _prefix(given: Iterable[str], wanted: Iterable[str]) -> str:
    """What stands before the wanted names in all of the given ones; empty where nothing does."""
    names, first = list(given), next(iter(wanted), "")
    for name in names:
        prefix = name.removesuffix(first)
        if prefix.endswith(".") and prefix != name and all(one.startswith(prefix) for one in names):
            return prefix
    return ""


def _check(source: Path | str, given: dict[str, torch.Tensor], wanted: dict[str, tuple[int, ...]]) -> None:
    missing = [name for name in wanted if name not in given]
    unknown = [name for name in given if name not in wanted]
    shapes = [
        f"{name} is {list(given[name].shape)} instead of {list(shape)}"
        for name, shape in wanted.items()
        if name in given and tuple(given[name].shape) != shape
    ]
    parts = [
        f"{what}: {', '.join(names[:_SHOWN])}{f' and {len(names) - _SHOWN} more' if len(names) > _SHOWN else ''}"
        for what, names in (("missing", missing), ("not in the model", unknown), ("other shapes", shapes))
        if names
    ]
    if parts:
        raise UsageError(f"{source} holds the weights of another model; {'; '.join(parts)}")
