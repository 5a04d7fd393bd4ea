"""A target of any kind as a model ready to be captured, and its capture, in this process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import torch
from torch import nn

from modelcheck.author_trace import author_code
from modelcheck.capturing.inference import capture_for
from modelcheck.capturing.manners import process_as_found
from modelcheck.capturing.weightless import Weightless, described, with_values
from modelcheck.capturing.wrappers import unwrapped
from modelcheck.collector import collector_paused
from modelcheck.errors import AuthorError, ConstructorError, ForwardError, NotCapturable, UsageError
from modelcheck.facts.walked import Walked
from modelcheck.graph.capture import Capture
from modelcheck.inputs import Inputs
from modelcheck.origin import Origin, Pick
from modelcheck.target import LoadedModel, loaded
from modelcheck.walking.walk import walk_for


def capture_here(
    target: str | nn.Module | type[nn.Module],
    inputs: Inputs | None,
    arguments: Mapping[str, object] | None = None,
    seed: int = 0,
    pick: Pick | None = None,
    *,
    weightless: bool = False,
) -> tuple[Capture | Walked, Origin | None]:
    """The capture of what the target names, and where it came from; the author's code runs in this process.

    Where forward runs in evaluation mode and there is no capture, it is what a walk over the modules tells.

    Args:
        target: a model, a class or a TARGET.
        inputs: what the model takes; None where it is to be inferred.
        arguments: for the constructor.
        seed: of the initialisation.
        pick: which of several candidates to take; None where that is an error.
        weightless: of a large model that is built here, the weights may be missing.
    Raises:
        UsageError: nothing has that name.
        AuthorError: the author's code could not be loaded, captured or run.
    """
    if weightless and not isinstance(target, nn.Module):
        mode = Weightless()
        try:
            with built(target, arguments, seed, pick, mode) as made:
                values = described(made.model) if mode.used else {}
                found = _found(made.model, inputs, made.name)
                if isinstance(found, Capture):
                    return with_values(found, values), made.origin()
                if not (mode.used and _needs_values(found.failure)):
                    return found, made.origin()
        except AuthorError as error:
            # what runs only with numbers is walked with them
            if not mode.used or not (_needs_values(error) or isinstance(error, NotCapturable)):
                raise
    with built(target, arguments, seed, pick) as made:
        return _found(made.model, inputs, made.name), made.origin()


def _found(model: nn.Module, inputs: Inputs | None, name: str) -> Capture | Walked:
    model = unwrapped(model)
    try:
        with collector_paused():
            return capture_for(model, inputs, name)
    except (ForwardError, NotCapturable) as failure:
        if walked := walk_for(model, inputs, failure):
            return walked
        raise


def _needs_values(failure: AuthorError) -> bool:
    """Whether the author's code failed for want of the numbers that a weightless model does not have."""
    return "meta" in failure.message


@contextlib.contextmanager
def built(
    target: str | nn.Module | type[nn.Module],
    arguments: Mapping[str, object] | None = None,
    seed: int = 0,
    pick: Pick | None = None,
    mode: Weightless | None = None,
) -> Iterator[LoadedModel]:
    """The model; within the context its forward can execute and import what it needs. The process is left as it was.

    Args:
        target: a model is taken as it is; a class or a TARGET is built.
        arguments: for the constructor.
        seed: of the initialisation, where the model is built here: equal commands give equal reports.
        pick: which of several candidates to take; None where that is an error.
        mode: what the model is built within.
    Raises:
        UsageError: nothing has that name, or arguments are given for a model that is already built.
        AuthorError: the author's code raised.
    """
    if isinstance(target, nn.Module):
        if arguments:
            raise UsageError("arguments are given for a model that is already built")
        model = unwrapped(target)
        yield LoadedModel(model, type(model).__name__, lambda: None)
        return
    with process_as_found(), contextlib.ExitStack() as later:
        torch.manual_seed(seed)
        with mode or contextlib.nullcontext():
            made = later.enter_context(_made(target, arguments, pick))
        yield made


@contextlib.contextmanager
def _made(
    target: str | type[nn.Module], arguments: Mapping[str, object] | None, pick: Pick | None
) -> Iterator[LoadedModel]:
    if isinstance(target, str):
        with loaded(target, arguments, pick) as made:
            yield made
        return
    with author_code(ConstructorError, f"{target.__name__} could not be built"):
        model = target(**(arguments or {}))
    yield LoadedModel(model, target.__name__, lambda: None)
