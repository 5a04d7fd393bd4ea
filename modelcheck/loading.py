"""A target of any kind as a model ready to be captured, and its capture, in this process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import nn

from modelcheck.author_trace import author_code
from modelcheck.capturing.capture import capture_model
from modelcheck.capturing.manners import process_as_found
from modelcheck.errors import ConstructorError, UsageError
from modelcheck.graph.capture import Capture
from modelcheck.origin import Origin, Pick
from modelcheck.target import LoadedModel, loaded


def capture_here(
    target: str | nn.Module | type[nn.Module],
    shape: Sequence[int],
    arguments: Mapping[str, object] | None = None,
    seed: int = 0,
    pick: Pick | None = None,
) -> tuple[Capture, Origin | None]:
    """The capture of what the target names, and where it came from; the author's code runs in this process.

    Args:
        target: a model, a class or a TARGET.
        shape: one sample's.
        arguments: for the constructor.
        seed: of the initialisation.
        pick: which of several candidates to take; None where that is an error.
    Raises:
        UsageError: nothing has that name.
        AuthorError: the author's code could not be loaded, captured or run.
    """
    with built(target, arguments, seed, pick) as made:
        return capture_model(made.model, shape, made.name), made.origin()


@contextlib.contextmanager
def built(
    target: str | nn.Module | type[nn.Module],
    arguments: Mapping[str, object] | None = None,
    seed: int = 0,
    pick: Pick | None = None,
) -> Iterator[LoadedModel]:
    """The model; within the context its forward can execute and import what it needs. The process is left as it was.

    Args:
        target: a model is taken as it is; a class or a TARGET is built.
        arguments: for the constructor.
        seed: of the initialisation, where the model is built here: equal commands give equal reports.
        pick: which of several candidates to take; None where that is an error.
    Raises:
        UsageError: nothing has that name, or arguments are given for a model that is already built.
        AuthorError: the author's code raised.
    """
    if isinstance(target, nn.Module):
        if arguments:
            raise UsageError("arguments are given for a model that is already built")
        yield LoadedModel(target, type(target).__name__, lambda: None)
        return
    with process_as_found():
        torch.manual_seed(seed)
        if isinstance(target, str):
            with loaded(target, arguments, pick) as made:
                yield made
        else:
            with author_code(ConstructorError, f"{target.__name__} could not be built"):
                model = target(**(arguments or {}))
            yield LoadedModel(model, target.__name__, lambda: None)
