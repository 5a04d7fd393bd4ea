"""What a training needs to go on as if nothing had happened: written whole after each epoch."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from modelcheck.errors import UsageError
from modelcheck.files import write_beside

FORMAT = 1


def checkpoint_path(weights: Path) -> Path:
    """Where the checkpoint of a training lies whose weights are saved there."""
    return weights.with_name(f"{weights.name}.checkpoint")


def write_checkpoint(path: Path, of: dict[str, str], state: dict[str, Any]) -> None:
    """Write a state of tensors, numbers, texts and containers of these, atomically.

    Args:
        path: where to.
        of: what training it is a state of; only the same can go on from it.
        state: what to write.
    Raises:
        UsageError: the file cannot be written.
    """
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, "of": of, "state": state}, buffer)
    write_beside(path, buffer.getvalue())


def read_checkpoint(path: Path, of: dict[str, str]) -> dict[str, Any] | None:
    """The state of that training; None where there is no such file. Nothing is unpickled but tensors and plain values.

    Raises:
        UsageError: the file is no checkpoint, or one of another training.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"cannot read the checkpoint {path}: {error.strerror or error}") from None
    again = "Without --resume the training starts anew and replaces it"
    try:
        read = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        found, state, number = dict(read["of"]), dict(read["state"]), read["format"]
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError, ValueError, AttributeError):
        raise UsageError(f"{path} is no checkpoint of modelcheck's, or damaged. {again}") from None
    if number != FORMAT:
        raise UsageError(f"{path} was written by another version of modelcheck (format {number}). {again}")
    others = [
        f"{key} {found.get(key)!s:.100} instead of {value:.100}" for key, value in of.items() if found.get(key) != value
    ]
    if others:
        raise UsageError(f"{path} belongs to another training: {', '.join(others)}. {again}")
    return state
